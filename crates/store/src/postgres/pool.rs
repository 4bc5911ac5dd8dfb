//! Connections: a bounded number, each used by one statement or transaction at a time, none ever given back in the middle of one.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use deadpool_postgres::{
    Connect, Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime, Timeouts,
};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{AsyncMessage, Client, Config, Connection, NoTls, Row, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::outcome::Cut;
use super::statement::Statement;
use super::url::{Pooler, PostgresUrl};
use crate::OpenFault;

/// How many verbs may wait for a connection, for each connection there is. More would only wait in vain.
const WAITING_PER_CONNECTION: usize = 16;

/// How long a connection whose answer did not come keeps its place: dropped at once, each would be replaced by another that waits
/// for the same thing, until the server has no more to give.
const PARKED: Duration = Duration::from_secs(10);

/// Settings of a connection of our own: nothing that was given up here goes on there for long.
const SETTINGS: &str = "SET statement_timeout = '5s'; SET lock_timeout = '3s'; \
                        SET idle_in_transaction_session_timeout = '5s'";

/// Settings of one transaction, for behind a pooler a connection has none of its own.
pub(super) const BEGIN: &str = "BEGIN; SET LOCAL lock_timeout = '1s'; \
                                SET LOCAL idle_in_transaction_session_timeout = '3s'";

/// The pool.
#[derive(Clone, Debug)]
pub(super) struct Connections {
    pool: Pool,
    pooler: Pooler,
    most_waiting: usize,
}

/// A parameter.
pub(super) type Param<'a> = &'a (dyn ToSql + Sync);

impl Connections {
    /// A pool without any connection yet.
    ///
    /// # Errors
    /// [`OpenFault::Database`] if the certificates cannot be read.
    pub(super) fn new(url: &PostgresUrl) -> Result<Self, OpenFault> {
        let config = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let settings = url.pooler() == Pooler::None;
        let manager = match url.ca() {
            None => Manager::from_connect(url.config().clone(), Dial { tls: NoTls, settings }, config),
            Some(pem) => {
                Manager::from_connect(url.config().clone(), Dial { tls: tls(pem)?, settings }, config)
            }
        };
        let pool = Pool::builder(manager).max_size(url.connections()).runtime(Runtime::Tokio1).build();
        let pool = pool.map_err(|fault| OpenFault::Database(fault.to_string()))?;
        let most_waiting = url.connections() * WAITING_PER_CONNECTION;
        Ok(Self { pool, pooler: url.pooler(), most_waiting })
    }

    /// A connection, before `deadline`.
    ///
    /// # Errors
    /// [`Cut::NotSent`]: there is none.
    pub(super) async fn get(&self, deadline: Instant) -> Result<Lease, Cut> {
        if self.pool.status().waiting >= self.most_waiting {
            return Err(Cut::NotSent("too many requests wait for the database".to_owned()));
        }
        let late = || Cut::NotSent("no connection to the database in time".to_owned());
        // One deadline for all of it: to wait for a place, and to connect.
        let got = timeout_at(deadline, self.pool.timeout_get(&Timeouts::new())).await.map_err(|_| late())?;
        match got {
            Ok(object) => Ok(Lease { object: Some(object), pooler: self.pooler }),
            Err(PoolError::Closed) => Err(Cut::Closed),
            Err(PoolError::Backend(fault)) => Err(Cut::NotSent(super::outcome::told(&fault))),
            Err(PoolError::Timeout(_)) => Err(late()),
            Err(fault @ (PoolError::NoRuntimeSpecified | PoolError::PostCreateHook(_))) => {
                Err(Cut::NotSent(fault.to_string()))
            }
        }
    }

    /// Drops every connection that nobody uses: they lead to a server that takes no writes any more.
    pub(super) fn forget(&self) {
        let _ = self.pool.retain(|_, _| false);
    }

    /// Ends the pool: each later [`Connections::get`] is [`Cut::Closed`].
    pub(super) fn close(&self) {
        self.pool.close();
    }
}

/// A connection in use.
#[derive(Debug)]
pub(super) struct Lease {
    object: Option<Object>,
    pooler: Pooler,
}

impl Lease {
    /// Sends one statement and reads what it returns.
    ///
    /// # Errors
    /// The server's, or the connection's.
    pub(super) async fn query(
        &self,
        statement: &Statement,
        params: &[Param<'_>],
    ) -> Result<Vec<Row>, tokio_postgres::Error> {
        let Some(client) = &self.object else { return Ok(Vec::new()) };
        match self.pooler {
            Pooler::None => {
                let prepared = client.prepare_typed_cached(statement.text(), statement.types).await?;
                client.query(&prepared, params).await
            }
            Pooler::Transaction => {
                let typed: Vec<_> = params.iter().copied().zip(statement.types.iter().cloned()).collect();
                client.query_typed(statement.text(), &typed).await
            }
        }
    }

    /// Sends one statement in one go: nothing is prepared, so that a pooler may stand in between.
    ///
    /// # Errors
    /// The server's, or the connection's.
    pub(super) async fn ask(
        &self,
        sql: &str,
        params: &[(Param<'_>, Type)],
    ) -> Result<Vec<Row>, tokio_postgres::Error> {
        let Some(client) = &self.object else { return Ok(Vec::new()) };
        client.query_typed(sql, params).await
    }

    /// Has these statements prepared, if this connection prepares any: what is pipelined afterwards keeps its order.
    ///
    /// # Errors
    /// The server's, or the connection's.
    pub(super) async fn prepare(&self, statements: &[&Statement]) -> Result<(), tokio_postgres::Error> {
        let Some(client) = &self.object else { return Ok(()) };
        if self.pooler == Pooler::None {
            for statement in statements {
                client.prepare_typed_cached(statement.text(), statement.types).await?;
            }
        }
        Ok(())
    }

    /// Sends text without parameters: the frame of a transaction.
    ///
    /// # Errors
    /// The server's, or the connection's.
    pub(super) async fn frame(&self, sql: &str) -> Result<(), tokio_postgres::Error> {
        let Some(client) = &self.object else { return Ok(()) };
        client.batch_execute(sql).await
    }

    /// Does not give the connection back.
    pub(super) fn discard(mut self) {
        if let Some(object) = self.object.take() {
            drop(Object::take(object));
        }
    }

    /// Keeps the connection's place until its answer came, at most [`PARKED`]. `whole`: it was one statement, after whose answer
    /// the connection is as good as before.
    pub(super) fn park(mut self, whole: bool) {
        let Some(object) = self.object.take() else { return };
        // Where nothing runs any more there is no place to keep either.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return drop(Object::take(object)) };
        runtime.spawn(async move {
            // Answers come in order: this one comes after the one that is awaited.
            let answered = tokio::time::timeout(PARKED, object.simple_query("")).await;
            if !(whole && matches!(answered, Ok(Ok(_)))) {
                drop(Object::take(object));
            }
        });
    }
}

/// Has these done on one connection without waiting in between: each is sent in its turn when it is first polled, which is in
/// order, and answers come in that order too.
pub(super) async fn pipelined<F: Future>(sent: Vec<F>) -> Vec<F::Output> {
    let mut waiting: Vec<_> = sent.into_iter().map(|one| (Box::pin(one), None)).collect();
    std::future::poll_fn(|context| {
        let mut all = true;
        for (one, answer) in &mut waiting {
            if answer.is_none() {
                match one.as_mut().poll(context) {
                    Poll::Ready(ready) => *answer = Some(ready),
                    Poll::Pending => all = false,
                }
            }
        }
        if all { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    waiting.into_iter().filter_map(|(_, answer)| answer).collect()
}

/// Dials, and attends each connection until it ends.
pub(super) struct Dial<T> {
    pub(super) tls: T,
    /// Whether each connection has [`SETTINGS`].
    pub(super) settings: bool,
}

type Dialled = Result<(Client, JoinHandle<()>), tokio_postgres::Error>;

impl<T> Connect for Dial<T>
where
    T: MakeTlsConnect<Socket> + Clone + Sync + Send + 'static,
    T::Stream: Sync + Send,
    T::TlsConnect: Sync + Send,
    <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
{
    fn connect(&self, config: &Config) -> Pin<Box<dyn Future<Output = Dialled> + Send + '_>> {
        let (tls, config, settings) = (self.tls.clone(), config.clone(), self.settings);
        Box::pin(async move {
            let (client, connection) = config.connect(tls).await?;
            let attending = tokio::spawn(attend(connection));
            if settings {
                client.batch_execute(SETTINGS).await?;
            }
            Ok((client, attending))
        })
    }
}

/// Attends a connection. A warning ends it: no statement of ours causes one but the server's that it gave up waiting for its standby,
/// after which it would answer as if all were well, for what is on one server alone.
async fn attend<S, T>(mut connection: Connection<S, T>)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    loop {
        match std::future::poll_fn(|context| connection.poll_message(context)).await {
            None => return,
            Some(Ok(AsyncMessage::Notice(notice))) if is_warning(&notice) => {
                tracing::warn!(
                    code = notice.code().code(),
                    "the database warned, and the connection was ended"
                );
                return;
            }
            Some(Ok(_)) => {}
            Some(Err(fault)) => {
                tracing::debug!(cause = super::outcome::told(&fault), "a connection to the database ended");
                return;
            }
        }
    }
}

fn is_warning(notice: &tokio_postgres::error::DbError) -> bool {
    matches!(notice.parsed_severity(), Some(tokio_postgres::error::Severity::Warning))
}

/// TLS to servers whose certificates these have issued.
pub(super) fn tls(pem: &[u8]) -> Result<MakeRustlsConnect, OpenFault> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate =
            certificate.map_err(|_| OpenFault::Database("the CA file is not PEM".to_owned()))?;
        roots.add(certificate).map_err(|fault| OpenFault::Database(format!("the CA file: {fault}")))?;
    }
    if roots.is_empty() {
        return Err(OpenFault::Database("the CA file holds no certificate".to_owned()));
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let versions = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|fault| OpenFault::Database(fault.to_string()))?;
    Ok(MakeRustlsConnect::new(versions.with_root_certificates(roots).with_no_client_auth()))
}
