//! What a login asks of its database, counted on the wire between the node and PostgreSQL.

use std::thread::sleep;
use std::time::{Duration, Instant};

use portvakt_cluster::{Proxy, Target};
use serde::Serialize;

use super::node::Place;
use super::rows::median;
use crate::client::{Connection, Miss, RelyingParty};

/// Logins before anything is counted: connections are opened, statements prepared and clients read.
const WARM_UP: usize = 40;

/// Logins that are counted. The median leaves out what a node asks of its own accord in between.
const LOGINS: usize = 15;

/// How long a node is listened to while nobody logs in.
const IDLE: Duration = Duration::from_secs(2);

/// What one step of a login, or all of it, asks of the database.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Trips {
    /// The step.
    pub(super) step: &'static str,
    /// Requests to the database: each is what the node sends before it waits for an answer.
    pub(super) round_trips: f64,
    /// Statements that these execute, the frames of transactions too.
    pub(super) statements: f64,
    /// Requests that write: their answers wait for the database's disk.
    pub(super) writes: f64,
}

/// What was counted.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Counted {
    /// Each step of a login, in order, and then the whole.
    pub(super) steps: Vec<Trips>,
    /// Requests a second of a node that nobody uses.
    pub(super) idle_a_second: f64,
}

/// The steps of a login, as a browser and its service take them.
const STEPS: [&str; 5] = [
    "authorization request, login page",
    "the form, with the person's number",
    "resume: the code",
    "code exchange",
    "userinfo",
];

/// Starts a node that reaches its database through a proxy, and has one person after the other log in.
///
/// # Errors
/// A login went wrong, or the node did not start.
pub(super) fn count(place: &Place) -> Result<Counted, String> {
    let proxy = place.go_by_proxy()?;
    let counted = counted_through(place, &proxy);
    drop(proxy);
    place.go_direct()?;
    counted
}

fn counted_through(place: &Place, proxy: &Proxy) -> Result<Counted, String> {
    let server = place.start(false)?;
    let party = server.relying_party("pilot")?;
    let mut connection = Connection::to(&party.at.authority);
    let pids = server.pids();
    let mut pids = pids.iter().cycle();
    let mut logins = Vec::with_capacity(LOGINS);
    proxy.listen_in();
    for nth in 0..WARM_UP + LOGINS {
        let pid = pids.next().ok_or("there is no test person")?;
        let steps = log_in(&party, &mut connection, pid, proxy).map_err(|miss| miss.to_string())?;
        if nth >= WARM_UP {
            logins.push(steps);
        }
    }
    let (began, _) = (Instant::now(), proxy.heard());
    sleep(IDLE);
    let idle = count_of(proxy.heard().len()) / began.elapsed().as_secs_f64();
    server.stop()?;
    Ok(Counted { steps: medians(&logins), idle_a_second: idle })
}

/// The requests of each step.
type Login = [Vec<String>; STEPS.len()];

/// One login, after each step of which it is asked what was heard.
fn log_in(
    party: &RelyingParty,
    connection: &mut Connection,
    pid: &str,
    proxy: &Proxy,
) -> Result<Login, Miss> {
    let _before = proxy.heard();
    let mut login = party.begin(connection)?;
    let begun = proxy.heard();
    party.identify(connection, &mut login, pid)?;
    let identified = proxy.heard();
    let code = party.collect(connection, &login)?;
    let collected = proxy.heard();
    let tokens = party.redeem(connection, &code)?;
    let redeemed = proxy.heard();
    party.userinfo(connection, &tokens.access_token)?;
    Ok([begun, identified, collected, redeemed, proxy.heard()])
}

fn medians(logins: &[Login]) -> Vec<Trips> {
    let of = |step, requests: &dyn Fn(&Login) -> Vec<String>| {
        let over = |count: &dyn Fn(&[String]) -> usize| {
            median(logins.iter().map(|login| count_of(count(&requests(login)))))
        };
        Trips {
            step,
            round_trips: over(&|requests| requests.len()),
            statements: over(&|requests| requests.iter().map(|request| statements_in(request)).sum()),
            writes: over(&|requests| {
                requests.iter().filter(|request| Target::Write.matches(request)).count()
            }),
        }
    };
    let steps = STEPS.iter().enumerate();
    let steps = steps.map(|(at, step)| of(step, &|login| login.get(at).cloned().unwrap_or_default()));
    steps.chain([of("a login, all of it", &|login| login.concat())]).collect()
}

/// How many statements a request executes, by [`Proxy::heard`]'s separator.
fn statements_in(request: &str) -> usize {
    request.split(";\n").filter(|statement| !statement.trim().is_empty()).count()
}

#[expect(clippy::cast_precision_loss, reason = "nobody counts to 2^53 here")]
fn count_of(things: usize) -> f64 {
    things as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requests(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn a_request_that_only_prepares_is_a_trip_and_no_statement() {
        assert_eq!(statements_in(""), 0);
        assert_eq!(statements_in("SELECT 1"), 1);
        assert_eq!(statements_in("INSERT INTO a\nVALUES (1);\nCOMMIT"), 2);
    }

    #[test]
    fn what_is_heard_in_one_login_of_three_is_not_the_logins() {
        let login = |code: &[&str]| {
            let none = Vec::new();
            [requests(&["a", "INSERT INTO b"]), none.clone(), none, requests(code), requests(&["c"])]
        };
        let found = medians(&[login(&["d"]), login(&["d", "asked in between"]), login(&["d"])]);
        let trips: Vec<f64> = found.iter().map(|one| one.round_trips).collect();
        assert_eq!(trips, [2.0, 0.0, 0.0, 1.0, 1.0, 4.0]);
        assert_eq!(found.last().map(|whole| (whole.statements, whole.writes)), Some((4.0, 1.0)));
    }
}
