//! The second half of `cargo xtask torture disk`: the time of day is stepped by an hour and by more than a day, forwards and
//! backwards, at once or while the process stands still. Nothing is accepted past its end, nothing single-use works twice, and
//! the server goes on.

use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use portvakt_cluster::shim::{Control, Shim};

use super::chance::Chance;
use super::server::{CLIENT, PERSONS, Server, Site};
use crate::client::{Connection, Login, Miss, RelyingParty, Tokens};
use crate::house::{House, Outcome};

/// The steps, in seconds; a day is longer than any token of the catalogue lives.
const STEPS: [i64; 4] = [3600, -3600, 86_400 + 120, -86_400];
/// The server was set up so long ago, in seconds, so that its signing keys are older than any step: before a key was made, nothing
/// is signed with it.
const AGO: i64 = 7 * 86_400;
/// A code lives so long, in seconds.
const CODE: i64 = 60;
/// A login lives so long.
const LOGIN: i64 = 30 * 60;
/// An access token lives so long; see [`super::server::catalogue`].
const TOKEN: i64 = 86_400;

/// Runs all the steps on a server of its own.
///
/// # Errors
/// Something accepted that has ended or was used, or a server that does not go on.
pub(super) fn run(house: &House, binary: PathBuf, chance: &mut Chance) -> Outcome {
    let began = Instant::now();
    let folder = house.target.join("torture");
    let shim = Shim::built(&folder).map_err(|fault| fault.to_string())?;
    let site = Site::new(binary, folder.join("clock"), chance)?;
    let control = Control::sound(site.file("control")).map_err(|fault| fault.to_string())?;
    control.step_clock(-AGO).map_err(|fault| fault.to_string())?;
    let mut command = site.command();
    shim.preload(&mut command, &site.data(), &control, None);
    let mut server = site.launch(command)?;
    let ready = server.ready()?;
    control.step_clock(0).map_err(|fault| fault.to_string())?;
    for profile in ["pilot", "idporten"] {
        let party = ready.relying_party(profile, &CLIENT)?;
        for paused in [false, true] {
            for by in STEPS {
                let mut hands = Hands { party: &party, server: Connection::to(&party.at.authority) };
                let step = Step { by, paused, control: &control, process: &server };
                step.through(&mut hands).map_err(|why| {
                    format!("{profile}, a step of {by} s{}: {why}", if paused { " in a pause" } else { "" })
                })?;
            }
        }
    }
    server.end()?;
    site.remove()?;
    println!(
        "{} steps of the clock, from -1 day to +1 day: nothing outlived its end, nothing worked twice; {:.1} s",
        2 * 2 * STEPS.len(),
        began.elapsed().as_secs_f64()
    );
    Ok(())
}

/// One step of the clock, and back.
struct Step<'a> {
    by: i64,
    paused: bool,
    control: &'a Control,
    process: &'a Server,
}

impl Step<'_> {
    fn through(&self, hands: &mut Hands<'_>) -> Outcome {
        let mut before = Held::taken(hands)?;
        self.clock(self.by)?;
        before.called_in(hands, self.by)?;
        let mut meanwhile = Held::taken(hands)?;
        self.clock(0)?;
        // What was used stays used, under any clock.
        before.called_in(hands, 0)?;
        meanwhile.called_in(hands, -self.by)?;
        Held::taken(hands).map(|_| ())
    }

    fn clock(&self, seconds: i64) -> Outcome {
        if self.paused {
            self.process.pause()?;
        }
        self.control.step_clock(seconds).map_err(|fault| fault.to_string())?;
        if self.paused {
            thread::sleep(Duration::from_millis(50));
            self.process.go_on()?;
        }
        Ok(())
    }
}

/// A relying party and its connection.
struct Hands<'a> {
    party: &'a RelyingParty,
    server: Connection,
}

impl Hands<'_> {
    fn code(&mut self) -> Result<String, String> {
        let [pid, ..] = PERSONS;
        self.party.log_in(&mut self.server, pid).map_err(|miss| format!("no login: {miss}"))
    }

    fn tokens(&mut self, code: &str) -> Result<Tokens, String> {
        self.party.redeem(&mut self.server, code).map_err(|miss| format!("no tokens: {miss}"))
    }

    /// Whether the code gives tokens.
    fn redeems(&mut self, code: &str) -> Result<bool, String> {
        match self.party.redeem(&mut self.server, code) {
            Ok(_) => Ok(true),
            Err(Miss::Answered(answer)) if answer.error() == "invalid_grant" => Ok(false),
            Err(miss) => Err(format!("a redemption: {miss}")),
        }
    }

    /// Whether the token works.
    fn reads(&mut self, tokens: &Tokens) -> Result<bool, String> {
        match self.party.userinfo(&mut self.server, &tokens.access_token) {
            Ok(_) => Ok(true),
            Err(Miss::Answered(answer)) if answer.status == 401 => Ok(false),
            Err(miss) => Err(format!("userinfo: {miss}")),
        }
    }

    /// Whether the login gives a code.
    fn collects(&mut self, login: &Login) -> Result<bool, String> {
        match self.party.collect(&mut self.server, login) {
            Ok(_) => Ok(true),
            Err(Miss::Answered(answer)) if answer.status < 500 => Ok(false),
            Err(miss) => Err(format!("a login's end: {miss}")),
        }
    }
}

/// What a relying party and a browser hold, in every state that matters.
struct Held {
    /// Redeemed; its tokens work.
    spent: (String, Tokens),
    /// Redeemed twice; its tokens are revoked.
    replayed: (String, Tokens),
    /// Not redeemed yet.
    fresh: String,
    /// Not redeemed yet, and only asked after at the end.
    kept: String,
    /// A person has typed who they are; there is no code yet.
    login: Login,
    used: Used,
}

/// What was used since.
#[derive(Default)]
struct Used {
    fresh: bool,
    login: bool,
    replayed_again: bool,
}

impl Held {
    /// Everything works at the present time, whatever that is.
    fn taken(hands: &mut Hands<'_>) -> Result<Self, String> {
        let code = hands.code()?;
        let tokens = hands.tokens(&code)?;
        let replayed = hands.code()?;
        let revoked = hands.tokens(&replayed)?;
        if hands.redeems(&replayed)? || hands.reads(&revoked)? || !hands.reads(&tokens)? {
            return Err("a replay did not revoke, or did more".to_owned());
        }
        let (fresh, kept) = (hands.code()?, hands.code()?);
        let [pid, ..] = PERSONS;
        let mut login = hands.party.begin(&mut hands.server).map_err(|miss| miss.to_string())?;
        hands.party.identify(&mut hands.server, &mut login, pid).map_err(|miss| miss.to_string())?;
        let (spent, replayed) = ((code, tokens), (replayed, revoked));
        Ok(Self { spent, replayed, fresh, kept, login, used: Used::default() })
    }

    /// Asks after everything when the clock stands `later` seconds after it was taken.
    fn called_in(&mut self, hands: &mut Hands<'_>, later: i64) -> Outcome {
        let held = |name: &str, accepted: bool, sound: bool| {
            if accepted && !sound { Err(format!("{name} is accepted {later} s later")) } else { Ok(()) }
        };
        if self.used.replayed_again {
            held("a token of a replayed code", hands.reads(&self.spent.1)?, false)?;
        } else {
            held("an access token", hands.reads(&self.spent.1)?, later < TOKEN)?;
        }
        held("a spent code", hands.redeems(&self.spent.0)?, false)?;
        self.used.replayed_again = true;
        held("a replayed code", hands.redeems(&self.replayed.0)?, false)?;
        held("a revoked token", hands.reads(&self.replayed.1)?, false)?;
        let sound = later < CODE && !self.used.fresh;
        let redeemed = hands.redeems(&self.fresh)?;
        held("a code", redeemed, sound)?;
        self.used.fresh |= redeemed;
        let collected = hands.collects(&self.login)?;
        held("a login", collected, later < LOGIN && !self.used.login)?;
        self.used.login |= collected;
        if later >= CODE {
            held("a code", hands.redeems(&self.kept)?, false)?;
        }
        Ok(())
    }
}
