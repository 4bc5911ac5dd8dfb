//! `cargo xtask torture disk`: the disk fails call by call, fails and fills up for a while, and is slow; the process stands
//! still for a while. All under load: nothing is acknowledged that does not stay, readiness tells of the outage, documents
//! that need no disk are answered meanwhile, and the server serves again by itself. After each of them the power is cut, so
//! that what a fault left undone has nowhere to hide.

use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use portvakt_cluster::shim::{Call, Control, Refusal, Shim};

use super::chance::Chance;
use super::checker::Checker;
use super::crew::Crew;
use super::power::Grid;
use super::server::{CLIENT, PERSONS, Ready, Server, Site};
use crate::client::{Connection, Miss, RelyingParty, Request};
use crate::house::{House, Outcome};

/// How soon the server serves again once the fault is gone.
const RECOVERED: Duration = Duration::from_secs(30);

/// How soon readiness tells of a fault under load.
const TOLD: Duration = Duration::from_secs(10);

/// How long one failing call is waited for: the load writes all the time.
const MET: Duration = Duration::from_secs(5);

/// Single faults between two power cuts.
const FAULTS_A_LIFE: u32 = 12;

/// Runs the scenes; `faults` calls fail one by one, and each outage lasts so long.
///
/// # Errors
/// A broken promise, with its history; a readiness that told nothing; or a server that did not recover.
pub(super) fn run(
    house: &House,
    binary: PathBuf,
    checker: &Checker,
    faults: u32,
    outage: Duration,
    chance: &mut Chance,
) -> Outcome {
    let folder = house.target.join("torture");
    let shim = Shim::built(&folder).map_err(|fault| fault.to_string())?;
    let site = Site::new(binary, folder.join("disk"), chance)?;
    let mut bench = Bench::new(&site, &shim, chance)?;
    let mut done = 0;
    while done < faults {
        let few = FAULTS_A_LIFE.min(faults - done);
        bench.ordeal("failing calls", chance, |look, chance| look.one_by_one(done, few, chance))?;
        done += few;
    }
    println!("{faults} single calls failed, one after another");
    for fault in [Fault::Writes, Fault::Syncs, Fault::Full, Fault::Slow, Fault::Pause] {
        let told = bench.ordeal(fault.name(), chance, |look, _| look.outage(fault, outage))?;
        println!("{told}");
    }
    bench.end(checker)?;
    site.remove()
}

/// What is wrong for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// Every write fails.
    Writes,
    /// Every sync fails.
    Syncs,
    /// No file can grow.
    Full,
    /// Every sync takes long, and a write its time.
    Slow,
    /// The process stands still.
    Pause,
}

impl Fault {
    fn name(self) -> &'static str {
        match self {
            Self::Writes => "failing writes",
            Self::Syncs => "failing syncs",
            Self::Full => "full disk",
            Self::Slow => "slow disk",
            Self::Pause => "paused process",
        }
    }
}

/// The server under its shim, and those who use it.
struct Bench<'a> {
    grid: Grid<'a>,
    crew: Crew,
    server: Option<Server>,
    party: RelyingParty,
}

impl<'a> Bench<'a> {
    fn new(site: &'a Site, shim: &'a Shim, chance: &mut Chance) -> Result<Self, String> {
        let mut grid = Grid::on(site, shim)?;
        let (server, ready): (Server, Ready) = grid.start()?;
        let crew = Crew::new(site, &ready, chance)?;
        let party = ready.relying_party("idporten", &CLIENT)?;
        Ok(Self { grid, crew, server: Some(server), party })
    }

    /// Has something go wrong under load, calls in every promise, cuts the power, and calls them in again.
    fn ordeal<T>(
        &mut self,
        name: &str,
        chance: &mut Chance,
        scene: impl FnOnce(&Onlooker<'_>, &mut Chance) -> Result<T, String>,
    ) -> Result<T, String> {
        let Self { grid, crew, server, party } = self;
        let running = server.take().ok_or("the server was not started")?;
        let look = Onlooker { control: &grid.control, server: &running, party };
        let told = crew.work_through(name, || scene(&look, chance))?;
        crew.settle()?;
        crew.work_until_dark(chance.time(Duration::from_millis(300)), || running.kill());
        grid.cut(chance)?;
        let (started, _) = grid.start()?;
        *server = Some(started);
        crew.settle()?;
        Ok(told)
    }

    fn end(mut self, checker: &Checker) -> Outcome {
        self.crew.judged(checker)?;
        if let Some(server) = self.server.take() {
            server.end()?;
        }
        self.crew.tell()?;
        println!("{} power cuts after them; nothing lost, nothing used twice", self.grid.cuts);
        Ok(())
    }
}

/// Watches the server from outside while the others load it.
struct Onlooker<'a> {
    control: &'a Control,
    server: &'a Server,
    party: &'a RelyingParty,
}

impl Onlooker<'_> {
    /// So many calls fail, one after another, in turn a write or a sync, each the nth from now on.
    fn one_by_one(&self, done: u32, faults: u32, chance: &mut Chance) -> Outcome {
        for number in done..done + faults {
            let (call, refusal) = match number % 3 {
                0 => (Call::Sync, Refusal::Eio),
                1 => (Call::Write, Refusal::Eio),
                _ => (Call::Write, Refusal::Enospc),
            };
            let nth = u32::try_from(chance.below(24)).unwrap_or(0);
            let before = self.refused()?;
            self.control.fail(call, refusal, nth, 1).map_err(|fault| fault.to_string())?;
            let since = Instant::now();
            while self.refused()? == before {
                if since.elapsed() > MET {
                    return Err(format!("nobody came to the {nth}th {call:?}: the shim is not asked"));
                }
                thread::sleep(Duration::from_millis(2));
            }
        }
        self.recovers().map(|_| ())
    }

    /// Something is wrong for so long.
    fn outage(&self, fault: Fault, lasting: Duration) -> Result<String, String> {
        let before = self.refused()?;
        self.breaks(fault).map_err(|fault| fault.to_string())?;
        let since = Instant::now();
        let told = match fault {
            Fault::Writes | Fault::Syncs | Fault::Full => {
                let after = self.turns_red(since)?;
                self.answers_without_disk()?;
                format!(", not ready after {} ms", after.as_millis())
            }
            Fault::Slow => {
                self.answers_without_disk()?;
                String::new()
            }
            Fault::Pause => {
                self.server.pause()?;
                String::new()
            }
        };
        thread::sleep(lasting.saturating_sub(since.elapsed()));
        if fault == Fault::Pause {
            self.server.go_on()?;
        }
        self.control.mend().map_err(|fault| fault.to_string())?;
        let recovered = self.recovers()?;
        Ok(format!(
            "{}: {:.1} s{told}, {} calls refused; a login succeeds {} ms after it",
            fault.name(),
            since.elapsed().saturating_sub(recovered).as_secs_f64(),
            self.refused()? - before,
            recovered.as_millis()
        ))
    }

    fn breaks(&self, fault: Fault) -> std::io::Result<()> {
        const FOR_LONG: u32 = u32::MAX;
        match fault {
            Fault::Writes => self.control.fail(Call::Write, Refusal::Eio, 0, FOR_LONG),
            Fault::Syncs => self.control.fail(Call::Sync, Refusal::Eio, 0, FOR_LONG),
            Fault::Full => self.control.room(Some(0)),
            Fault::Slow => {
                self.control.slow(Call::Write, Duration::from_millis(2))?;
                self.control.slow(Call::Sync, Duration::from_millis(250))
            }
            Fault::Pause => Ok(()),
        }
    }

    fn refused(&self) -> Result<u64, String> {
        self.control.refused().map_err(|fault| fault.to_string())
    }

    /// How long it took until readiness told of it.
    fn turns_red(&self, since: Instant) -> Result<Duration, String> {
        while since.elapsed() < TOLD {
            if self.asked("/health/ready")? == 503 {
                return Ok(since.elapsed());
            }
            thread::sleep(Duration::from_millis(10));
        }
        Err(format!("ready for {} s on a disk that fails", TOLD.as_secs()))
    }

    /// What everybody may read is answered whatever the disk does.
    fn answers_without_disk(&self) -> Outcome {
        let mut connection = Connection::to(&self.party.at.authority);
        for target in ["/health/live", &self.party.at.discovery, &self.party.at.jwks] {
            let answer = connection.send(&Request::get(target)).map_err(Miss::from);
            answer.and_then(|answer| answer.expect(200)).map_err(|miss| format!("{target}: {miss}"))?;
        }
        Ok(())
    }

    fn asked(&self, target: &str) -> Result<u16, String> {
        let answer = Connection::to(&self.party.at.authority).send(&Request::get(target));
        answer.map(|answer| answer.status).map_err(|fault| format!("{target}: {fault}"))
    }

    /// How long it took until a whole login succeeded. Nobody helps.
    fn recovers(&self) -> Result<Duration, String> {
        let since = Instant::now();
        let mut last = String::new();
        while since.elapsed() < RECOVERED {
            match self.whole_login() {
                Ok(()) if self.asked("/health/ready")? == 200 => return Ok(since.elapsed()),
                Ok(()) => "not ready".clone_into(&mut last),
                Err(why) => last = why,
            }
            thread::sleep(Duration::from_millis(10));
        }
        Err(format!("no login for {} s after the fault was gone: {last}", RECOVERED.as_secs()))
    }

    fn whole_login(&self) -> Outcome {
        let mut connection = Connection::to(&self.party.at.authority);
        let [pid, ..] = PERSONS;
        let code = self.party.log_in(&mut connection, pid);
        let tokens = code.and_then(|code| self.party.redeem(&mut connection, &code));
        let read = tokens.and_then(|tokens| self.party.userinfo(&mut connection, &tokens.access_token));
        read.map(|_| ()).map_err(|miss| miss.to_string())
    }
}
