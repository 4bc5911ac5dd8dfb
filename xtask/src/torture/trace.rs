//! `cargo xtask torture trace`: no answer that acknowledges a change leaves before the change is on the disk.
//!
//! A killed process shows only what it handed to the kernel; a power cut takes that too. What would survive one is told by
//! the order of the server's own system calls: write to the write-ahead log, `fsync` or `fdatasync` of it, answer. The same
//! reading of a server built without its syncs must find breaches, or it finds nothing.

mod calls;
mod order;

use std::path::{Path, PathBuf};
use std::process::Command;

use self::order::{Order, Reading};
use super::chance::Chance;
use super::server::{CLIENT, PERSONS, Site};
use crate::client::{Connection, Miss, RelyingParty};
use crate::house::{House, Outcome, output, run as run_command};

/// Logins at each of the two issuers.
const LOGINS: usize = 12;

/// Acknowledged changes by [`one_login`]: begun, identified, collected, redeemed, refreshed, and replayed or revoked.
const OF_A_LOGIN: usize = 6;

/// Commands that change something: registrations, and a rotation of the signing keys.
const REGISTRATIONS: usize = 4;

/// All the acknowledged changes.
const CHANGES: usize = 2 * LOGINS * OF_A_LOGIN + REGISTRATIONS + 1;

/// The calls that matter: what writes files and sockets, and what waits for the disk.
const CALLS: &str =
    "trace=write,writev,pwrite64,pwritev,pwritev2,sendto,sendmsg,fsync,fdatasync,sync_file_range";

/// Traces the server, and then one without syncs.
///
/// # Errors
/// An answer left too early; or one without syncs was not found out.
pub(super) fn run(house: &House, binary: PathBuf, chance: &mut Chance) -> Outcome {
    output(Command::new("strace").arg("--version"))
        .map_err(|why| format!("{why}\napt-get install strace"))?;
    let folder = house.target.join("torture");
    let sound = traced(binary, &folder.join("trace"), chance)?;
    println!("{sound}");
    sound.verdict(CHANGES)?;

    let without = traced(without_syncs(house)?, &folder.join("trace-without-syncs"), chance)?;
    println!("without syncs: {without}");
    match without.verdict(CHANGES) {
        Err(_) if without.early == without.changes && without.changes > 0 => Ok(()),
        _ => Err("a server that never syncs was not found out: the trace shows nothing".to_owned()),
    }
}

/// Builds the server whose store has its syncs taken out. It lies in a folder of its own, so that nobody takes it for
/// the server; what it shares with the usual build is built once.
pub(super) fn without_syncs(house: &House) -> Result<PathBuf, String> {
    let folder = house.target.join("danger");
    run_command(
        house
            .cargo(&["build", "--quiet", "--locked", "-p", "portvakt", "--features", "danger-no-fsync"])
            .env("CARGO_BUILD_BUILD_DIR", &house.target)
            .env("CARGO_TARGET_DIR", &folder),
    )?;
    Ok(folder.join("debug").join("portvakt"))
}

/// Runs a server under strace, has it acknowledge changes one after another, and reads the trace.
fn traced(binary: PathBuf, folder: &Path, chance: &mut Chance) -> Result<Reading, String> {
    let site = Site::new(binary, folder.to_owned(), chance)?;
    let file = site.file("trace");
    let mut strace = Command::new("strace");
    strace.args(["-f", "-yy", "-s", "2048", "-e", CALLS, "-e", "signal=none", "-o"]);
    strace.arg(&file).arg("--").arg(&site.binary).args(site.arguments());
    let mut server = site.launch(strace)?;
    let ready = server.ready()?;
    for profile in ["pilot", "idporten"] {
        let party = ready.relying_party(profile, &CLIENT)?;
        let mut connection = Connection::to(&party.at.authority);
        for number in 0..LOGINS {
            let pid = chance.pick(&PERSONS).copied().unwrap_or_default();
            one_login(&party, &mut connection, pid, number % 2 == 0)
                .map_err(|miss| format!("{profile}: {miss}"))?;
        }
    }
    for number in 0..REGISTRATIONS {
        if !site.register(&format!("registered-{number}")) {
            return Err("`portvakt apply` does not work here".to_owned());
        }
    }
    if !site.operate(&["key", "rotate"]) {
        return Err("`portvakt key rotate` does not work here".to_owned());
    }
    server.end()?;
    let text = std::fs::read(&file).map_err(|fault| format!("{}: {fault}", file.display()))?;
    let mut order = Order::default();
    for line in String::from_utf8_lossy(&text).lines() {
        order.read(line);
    }
    site.remove()?;
    Ok(order.end())
}

/// A login, its redemption, a use of its refresh token, and a replay of the code or a revocation: six changes, one answer at a time.
fn one_login(
    party: &RelyingParty,
    connection: &mut Connection,
    pid: &str,
    revokes: bool,
) -> Result<(), Miss> {
    let code = party.log_in(connection, pid)?;
    let tokens = party.redeem(connection, &code)?;
    party.userinfo(connection, &tokens.access_token)?;
    let refreshed = party.refresh(connection, tokens.refresh_token.as_deref().unwrap_or_default())?;
    if revokes {
        return party.revoke(connection, refreshed.refresh_token.as_deref().unwrap_or_default());
    }
    match party.redeem(connection, &code) {
        Err(Miss::Answered(answer)) if answer.status == 400 => Ok(()),
        Err(miss) => Err(miss),
        Ok(_) => Err(Miss::Lost(std::io::Error::other("a code gave tokens twice"))),
    }
}
