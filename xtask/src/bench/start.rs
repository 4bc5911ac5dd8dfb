//! Starting: how long until the first answer, and how much memory the process then holds.

use std::time::{Duration, Instant};

use super::bars::Bar;
use super::ground::Ground;
use super::load::Load;
use super::rows::median;
use super::server::Server;
use crate::client::{Connection, Request};

/// How much of it is measured.
#[derive(Clone, Copy)]
pub(super) struct Extent {
    /// Starts on the existing folder.
    pub(super) starts: usize,
    /// Logins before the memory is read again.
    pub(super) logins: usize,
    /// Connections that make them.
    pub(super) connections: usize,
}

/// What was found.
pub(super) struct Found {
    extent: Extent,
    /// Of the first start, which makes the keys, in seconds.
    first_s: f64,
    /// Of later ones, the median in milliseconds.
    later_ms: f64,
    /// After a start, the median in MB.
    resident_mb: f64,
    /// After the logins, the greatest in MB.
    logged_in_mb: f64,
}

impl Found {
    /// Beside what was promised, of a server with an embedded store.
    pub(super) fn bars(&self) -> [Bar; 4] {
        let most = [3.0, 100.0, 30.0, 40.0];
        let mut most = most.into_iter();
        self.lines().map(|(what, found, unit)| Bar::new(what, found, most.next().unwrap_or(0.0), unit))
    }

    /// Prints it, where nothing was promised.
    pub(super) fn print(&self, ground: &str) {
        println!("\n{:<60} {:>10}", format!("on {ground}"), "found");
        for (what, found, unit) in self.lines() {
            println!("{what:<60} {found:>10.2} {unit}");
        }
    }

    fn lines(&self) -> [(String, f64, &'static str); 4] {
        let starts = format!("median of {} starts", self.extent.starts);
        [
            ("first start, until discovery answers".to_owned(), self.first_s, "s"),
            (format!("later start, until discovery answers, {starts}"), self.later_ms, "ms"),
            (format!("resident memory at start, {starts}"), self.resident_mb, "MB"),
            (format!("resident memory after {} logins", self.extent.logins), self.logged_in_mb, "MB"),
        ]
    }
}

/// Starts a server on new ground, has people log in, and starts it again and again on what this left.
///
/// # Errors
/// A start or a login went wrong.
pub(super) fn measure(ground: &Ground<'_>, extent: Extent) -> Result<Found, String> {
    let first = start(ground, 0)?;
    let port = first.port;
    ground.furnish()?;
    let logged_in_mb = log_in(&first.server, extent)?;
    first.server.stop()?;
    let mut answered = Vec::with_capacity(extent.starts);
    let mut resident = Vec::with_capacity(extent.starts);
    for _ in 0..extent.starts {
        let again = start(ground, port)?;
        answered.push(again.answered.as_secs_f64() * 1e3);
        resident.push(again.resident_mb);
        again.server.stop()?;
    }
    Ok(Found {
        extent,
        first_s: first.answered.as_secs_f64(),
        later_ms: median(answered.iter().copied()),
        resident_mb: median(resident.iter().copied()),
        logged_in_mb,
    })
}

/// A server that has answered for the first time.
struct Started {
    server: Server,
    port: u16,
    /// From the start of the process.
    answered: Duration,
    resident_mb: f64,
}

fn start(ground: &Ground<'_>, port: u16) -> Result<Started, String> {
    let begun = Instant::now();
    let server = ground.start(port, false)?;
    let (authority, discovery) = discovery(server.issuer()?)?;
    let answer = Connection::to(&authority).send(&Request::get(&discovery));
    let answered = begun.elapsed();
    match answer {
        Ok(answer) if answer.status == 200 => {}
        Ok(answer) => return Err(format!("discovery answered {}", answer.status)),
        Err(why) => return Err(format!("discovery did not answer: {why}")),
    }
    let port = authority.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
    let port = port.ok_or("the issuer names no port")?;
    let resident_mb = megabytes(server.memory()?.resident);
    Ok(Started { server, port, answered, resident_mb })
}

/// Host and port of an issuer of ours, and its discovery document's path (OpenID Connect Discovery 1.0 §4).
fn discovery(issuer: &str) -> Result<(String, String), String> {
    let rest = issuer.strip_prefix("http://").ok_or_else(|| format!("not an http issuer: {issuer}"))?;
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let path = if path.is_empty() { String::new() } else { format!("/{}", path.trim_end_matches('/')) };
    Ok((authority.to_owned(), format!("{path}/.well-known/openid-configuration")))
}

/// Whole logins, to the claims; then the memory.
fn log_in(server: &Server, extent: Extent) -> Result<f64, String> {
    let party = server.relying_party("pilot")?;
    let mut load = Load::open(&party.at.authority, extent.connections)?;
    let pids = server.pids();
    let pids: Vec<&str> = pids.iter().map(String::as_str).cycle().take(extent.logins).collect();
    let codes = load.log_in(&party, &pids)?;
    let tokens = load.redeem(&party, &codes)?;
    load.each(&tokens, |connection, tokens| party.userinfo(connection, &tokens.access_token))?;
    // The greater of the two: what was let go of again was held all the same.
    let memory = server.memory()?;
    Ok(megabytes(memory.resident.max(memory.peak)))
}

#[expect(clippy::cast_precision_loss, reason = "a process of 2^53 bytes is not measured here")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_discovery_document_hangs_under_the_issuers_own_path() {
        let of = |issuer| discovery(issuer).unwrap().1;
        assert!(discovery("https://localhost:1").is_err());
        assert_eq!(of("http://localhost:1"), "/.well-known/openid-configuration");
        assert_eq!(of("http://localhost:1/"), "/.well-known/openid-configuration");
        assert_eq!(of("http://localhost:1/a/"), "/a/.well-known/openid-configuration");
    }
}
