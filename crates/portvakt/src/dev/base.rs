//! The base of a service on this machine, as `--demo` names it.

use std::fmt;
use std::str::FromStr;

/// The hosts by which a service on this machine is reached.
const HOSTS: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// `http://localhost:3000`: a host of this machine and a port, without a path or a slash at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Base {
    host: String,
    port: u16,
}

impl Base {
    /// The same service by another name of this machine.
    pub(super) fn at(&self, host: &str) -> String {
        format!("http://{host}:{}", self.port)
    }
}

impl fmt::Display for Base {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "http://{}:{}", self.host, self.port)
    }
}

impl FromStr for Base {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        const FORM: &str = "must be a service of this machine and its port, such as http://localhost:3000";
        let rest = text.strip_prefix("http://").ok_or(FORM)?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = rest.rsplit_once(':').ok_or(FORM)?;
        let plain = !port.starts_with('+');
        let port = port.parse().ok().filter(|port| plain && *port != 0).ok_or(FORM)?;
        if HOSTS.contains(&host) { Ok(Self { host: host.to_owned(), port }) } else { Err(FORM) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_machine_and_what_is_no_base_are_refused() {
        for text in [
            "",
            "http://localhost",
            "https://localhost:3000",
            "http://example.com:3000",
            "http://localhost:3000/demo",
            "http://localhost:0",
            "http://localhost:+3",
            "http://user@localhost:3000",
        ] {
            assert!(text.parse::<Base>().is_err(), "{text}");
        }
        let base: Base = "http://localhost:3001/".parse().unwrap();
        assert_eq!(
            (base.to_string(), base.at("127.0.0.1")),
            ("http://localhost:3001".into(), "http://127.0.0.1:3001".into())
        );
    }
}
