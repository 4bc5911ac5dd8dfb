//! Where a PostgreSQL store is, and how to get there.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};

/// How long one host may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(1);
/// How long sent bytes may stay unacknowledged before a connection counts as gone: a host that lost its power says nothing.
const UNACKNOWLEDGED: Duration = Duration::from_secs(4);
/// How long a silent connection is left before it is asked.
const SILENT: Duration = Duration::from_secs(10);
/// Connections of one process, where nothing else is said.
const CONNECTIONS: usize = 16;

/// What stands between this process and the servers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pooler {
    /// Nothing, or what hands a connection on whole: statements are prepared once on each connection.
    #[default]
    None,
    /// A pooler that gives each transaction another connection, such as `PgBouncer` with `pool_mode = transaction`: no statement is
    /// prepared ahead.
    Transaction,
}

/// A database of PostgreSQL's, or of an engine that speaks its protocol.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl {
    config: Config,
    ca: Option<Vec<u8>>,
    pooler: Pooler,
    connections: usize,
}

/// Why a text is no [`PostgresUrl`]. It carries nothing of the text, which may hold a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PostgresUrlFault {
    /// It does not follow the form.
    #[error("must be postgres://USER@HOST:PORT/DATABASE, with more hosts after commas: {0}")]
    Form(String),
    /// A part is missing.
    #[error("must name a {0}")]
    Missing(&'static str),
}

impl PostgresUrl {
    /// Reads `postgres://user@host1:port,host2:port/database?target_session_attrs=read-write`. Several hosts are tried in turn, and
    /// only a server that takes writes is used, unless `target_session_attrs` says otherwise.
    ///
    /// # Errors
    /// [`PostgresUrlFault`].
    pub fn parse(text: &str) -> Result<Self, PostgresUrlFault> {
        let mut config: Config = text.parse().map_err(|fault: tokio_postgres::Error| {
            let cause = std::error::Error::source(&fault).map(ToString::to_string);
            PostgresUrlFault::Form(cause.unwrap_or_else(|| "it cannot be read".to_owned()))
        })?;
        if config.get_user().is_none_or(str::is_empty) {
            return Err(PostgresUrlFault::Missing("user"));
        }
        if config.get_dbname().is_none() {
            return Err(PostgresUrlFault::Missing("database"));
        }
        if config.get_hosts().is_empty() {
            return Err(PostgresUrlFault::Missing("host"));
        }
        if config.get_target_session_attrs() == TargetSessionAttrs::Any {
            config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        }
        if config.get_application_name().is_none() {
            config.application_name("portvakt");
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT);
        }
        config.tcp_user_timeout(UNACKNOWLEDGED).keepalives_idle(SILENT).keepalives_interval(SILENT / 5);
        if config.get_ssl_mode() == SslMode::Prefer {
            config.ssl_mode(SslMode::Disable);
        }
        Ok(Self { config, ca: None, pooler: Pooler::None, connections: CONNECTIONS })
    }

    /// With this password, in place of one in the text.
    #[must_use]
    pub fn with_password(mut self, password: &str) -> Self {
        self.config.password(password);
        self
    }

    /// As another user, with that user's password: the role that migrates is not the one that runs.
    #[must_use]
    pub fn with_user_of(mut self, other: &Self) -> Self {
        if let Some(user) = other.config.get_user() {
            self.config.user(user);
        }
        if let Some(password) = other.config.get_password() {
            self.config.password(password);
        }
        self
    }

    /// Over TLS, to a server whose certificate one of these PEM certificates has issued for the host's name.
    #[must_use]
    pub fn with_ca(mut self, pem: Vec<u8>) -> Self {
        self.config.ssl_mode(SslMode::Require);
        self.ca = Some(pem);
        self
    }

    /// Through this pooler.
    #[must_use]
    pub fn with_pooler(self, pooler: Pooler) -> Self {
        Self { pooler, ..self }
    }

    /// With at most this many connections, two at least.
    #[must_use]
    pub fn with_connections(self, connections: usize) -> Self {
        Self { connections: connections.max(2), ..self }
    }

    /// The role that it connects as.
    pub fn user(&self) -> &str {
        self.config.get_user().unwrap_or_default()
    }

    /// Whether the text holds a password.
    pub fn has_password(&self) -> bool {
        self.config.get_password().is_some()
    }

    /// Whether every connection is encrypted, or was asked to be.
    pub fn asks_for_tls(&self) -> bool {
        self.config.get_ssl_mode() == SslMode::Require
    }

    /// Whether the servers' certificates can be verified.
    pub fn has_ca(&self) -> bool {
        self.ca.is_some()
    }

    /// Whether every host is this machine.
    pub fn is_local(&self) -> bool {
        let loopback = |host: &Host| match host {
            Host::Tcp(name) => {
                name == "localhost" || name.parse().is_ok_and(|address: IpAddr| address.is_loopback())
            }
            Host::Unix(_) => true,
        };
        // `hostaddr` says where a host really is.
        let addressed = self.config.get_hostaddrs();
        self.config.get_hosts().iter().all(loopback) && addressed.iter().all(IpAddr::is_loopback)
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    pub(crate) fn ca(&self) -> Option<&[u8]> {
        self.ca.as_deref()
    }

    pub(crate) fn pooler(&self) -> Pooler {
        self.pooler
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections
    }
}

impl fmt::Display for PostgresUrl {
    /// Where it is, without the password.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "postgres://{}@", self.config.get_user().unwrap_or_default())?;
        let ports = self.config.get_ports();
        for (at, host) in self.config.get_hosts().iter().enumerate() {
            let port = ports.get(at).or(ports.first()).copied().unwrap_or(5432);
            let comma = if at == 0 { "" } else { "," };
            match host {
                Host::Tcp(name) => write!(out, "{comma}{name}:{port}")?,
                Host::Unix(path) => write!(out, "{comma}{}:{port}", path.display())?,
            }
        }
        write!(out, "/{}", self.config.get_dbname().unwrap_or_default())
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "PostgresUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_database_is_refused_without_repeating_it() {
        for text in [
            "",
            "mysql://u@h/d",
            "postgres://h/d",
            "postgres://u@h",
            "postgres://:secret@h/d",
            "postgres://u:secret@h:notaport/d",
            "postgres://u:secret@h/d?nonsense=1",
        ] {
            let refused = PostgresUrl::parse(text).unwrap_err().to_string();
            assert!(!refused.contains("secret"), "{refused}");
        }
    }

    #[test]
    fn several_hosts_are_asked_for_one_that_takes_writes_and_no_password_is_shown() {
        let url = PostgresUrl::parse("postgres://run:secret@db1:5433,db2:5434/portvakt").unwrap();
        assert_eq!(url.to_string(), "postgres://run@db1:5433,db2:5434/portvakt");
        assert!(!format!("{url:?}").contains("secret"));
        assert_eq!(url.config().get_target_session_attrs(), TargetSessionAttrs::ReadWrite);
        assert!(PostgresUrl::parse("postgres://run@127.0.0.2,[::1]/d").unwrap().is_local());
        assert!(!PostgresUrl::parse("postgres://run@localhost/d?hostaddr=192.0.2.7").unwrap().is_local());
        assert!(!url.is_local() && url.has_password() && !url.asks_for_tls());
        assert!(PostgresUrl::parse("postgres://run@localhost/d?sslmode=require").unwrap().asks_for_tls());
    }
}
