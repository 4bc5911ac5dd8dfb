//! `cargo xtask torture power`: the kill loop with power cuts. The server runs under the shim that journals what it does to
//! its disk; at a random moment it is killed, and its folder is made anew of what was synced and any part of what was not.
//! Then every promise is called in, as after a kill. The same loop must find out a server built without its syncs.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use portvakt_cluster::power::{Cut, Files, survivors};
use portvakt_cluster::shim::{Call, Control, Shim};

use super::chance::Chance;
use super::checker::Checker;
use super::crew::Crew;
use super::server::{Ready, Server, Site};
use super::trace;
use crate::house::{House, Outcome};

/// So many cuts cannot all come when nothing is on its way to the disk.
const TELLING: u32 = 20;

/// The longest life under load; the shortest is nothing.
const LONGEST_LIFE: Duration = Duration::from_millis(900);

/// A sync takes up to so much longer, in some lives: then more is on its way when the power goes.
const SLOWEST_SYNC: Duration = Duration::from_millis(8);

/// After so many cuts, a server without syncs must have been found out.
const FOUND_OUT: u32 = 12;

/// Cuts the server's power so often, and then that of one without syncs.
///
/// # Errors
/// A broken promise, a server that does not come up again; or one without syncs that was not found out.
pub(super) fn run(
    house: &House,
    binary: PathBuf,
    checker: &Checker,
    cuts: u32,
    chance: &mut Chance,
) -> Outcome {
    let folder = house.target.join("torture");
    let shim = Shim::built(&folder).map_err(|fault| fault.to_string())?;
    let (told, site) =
        cut_off(binary, &folder.join("power"), (&shim, checker), cuts, chance).map_err(|end| match end {
            Ended::ByBreach(cuts, why) => format!("after {cuts} power cuts: {why}"),
            Ended::ByTrouble(why) => why,
        })?;
    let without = trace::without_syncs(house)?;
    let found =
        match cut_off(without, &folder.join("power-without-syncs"), (&shim, checker), FOUND_OUT, chance) {
            Err(Ended::ByBreach(cuts, why)) => {
                let first = why.lines().next().unwrap_or_default().to_owned();
                format!("a server without syncs is found out after {cuts} power cuts: {first}")
            }
            Err(Ended::ByTrouble(why)) => return Err(why),
            Ok(_) => {
                return Err(format!(
                    "a server that never syncs outlived {FOUND_OUT} power cuts: they show nothing"
                ));
            }
        };
    println!("{told}\n{found}");
    site.remove()
}

/// Why a run ended early.
enum Ended {
    /// After so many cuts, a promise was broken, or the server did not come up.
    ByBreach(u32, String),
    /// Something that says nothing of the server.
    ByTrouble(String),
}

impl From<String> for Ended {
    fn from(why: String) -> Self {
        Self::ByTrouble(why)
    }
}

/// One run; answers its last line, and the site. Its folder stays for a look when a promise was broken.
fn cut_off(
    binary: PathBuf,
    folder: &Path,
    (shim, checker): (&Shim, &Checker),
    cuts: u32,
    chance: &mut Chance,
) -> Result<(String, Site), Ended> {
    let began = Instant::now();
    let site = Site::new(binary, folder.to_owned(), chance)?;
    let mut grid = Grid::on(&site, shim)?;
    let (mut server, ready) = grid.start()?;
    let mut crew = Crew::new(&site, &ready, chance)?;
    while grid.cuts < cuts {
        let slower = if chance.once_in(2) { chance.time(SLOWEST_SYNC) } else { Duration::ZERO };
        grid.control.slow(Call::Sync, slower).map_err(|fault| fault.to_string())?;
        crew.work_until_dark(chance.time(LONGEST_LIFE), || server.kill());
        grid.cut(chance)?;
        if chance.once_in(4) {
            let starting = grid.launch()?;
            thread::sleep(chance.time(Duration::from_millis(80)));
            starting.kill();
            grid.cut(chance)?;
            grid.in_the_start += 1;
        }
        (server, _) = grid.start().map_err(|why| Ended::ByBreach(grid.cuts, why))?;
        crew.settle().map_err(|why| Ended::ByBreach(grid.cuts, why))?;
        if grid.cuts % 20 == 0 {
            println!("{:>4} power cuts, {:.0} s", grid.cuts, began.elapsed().as_secs_f64());
        }
    }
    crew.judged(checker).map_err(|why| Ended::ByBreach(grid.cuts, why))?;
    server.end()?;
    crew.without_failures().map_err(|why| Ended::ByBreach(grid.cuts, why))?;
    // A few cuts may by chance come when nothing is on its way.
    if grid.all.syncs == 0 || (grid.cuts >= TELLING && grid.all.stale == 0) {
        return Err(Ended::ByTrouble(format!("the cuts took nothing: {:?}", grid.all)));
    }
    crew.tell()?;
    let told = grid.told(began.elapsed());
    Ok((told, site))
}

/// Where the server's power comes from, and what its disk is known to hold.
pub(super) struct Grid<'a> {
    site: &'a Site,
    shim: &'a Shim,
    /// Tells the server's disk and clock how to be.
    pub(super) control: Control,
    before: Files,
    /// How often the power was cut.
    pub(super) cuts: u32,
    in_the_start: u32,
    all: Cut,
}

impl<'a> Grid<'a> {
    /// A sound disk and a right clock.
    ///
    /// # Errors
    /// The site's folder cannot be written.
    pub(super) fn on(site: &'a Site, shim: &'a Shim) -> Result<Self, String> {
        let control = Control::sound(site.file("control")).map_err(|fault| fault.to_string())?;
        let before = Files::default();
        Ok(Self { site, shim, control, before, cuts: 0, in_the_start: 0, all: Cut::default() })
    }

    fn journal(&self) -> PathBuf {
        self.site.file("journal")
    }

    /// Starts a server whose every change is journalled, on what is now in the folder.
    fn launch(&mut self) -> Result<Server, String> {
        self.before = Files::read(&self.site.data()).map_err(|fault| fault.to_string())?;
        std::fs::write(self.journal(), []).map_err(|fault| fault.to_string())?;
        let mut command = self.site.command();
        self.shim.preload(&mut command, &self.site.data(), &self.control, Some(&self.journal()));
        self.site.launch(command)
    }

    /// Starts such a server and waits until it is ready.
    ///
    /// # Errors
    /// It does not become ready.
    pub(super) fn start(&mut self) -> Result<(Server, Ready), String> {
        let mut server = self.launch()?;
        let ready = server.ready()?;
        Ok((server, ready))
    }

    /// The server is dead: makes its folder what the disk may hold.
    ///
    /// # Errors
    /// What the server did is not known, or the folder cannot be written.
    pub(super) fn cut(&mut self, chance: &mut Chance) -> Result<(), String> {
        let data = self.site.data();
        let journal = std::fs::read(self.journal()).map_err(|fault| fault.to_string())?;
        let (files, cut) = survivors(&self.before, &journal, &mut |end| chance.below(end))
            .map_err(|unreadable| unreadable.to_string())?;
        files.replace(&data).map_err(|fault| format!("{}: {fault}", data.display()))?;
        if chance.once_in(3) && files.0.contains_key("portvakt.db") {
            // The log's index is not durable by design: whatever is there must not be believed.
            let index: Vec<u8> = (0..4096).flat_map(|_| chance.next().to_ne_bytes()).collect();
            std::fs::write(data.join("portvakt.db-shm"), index).map_err(|fault| fault.to_string())?;
        }
        self.cuts += 1;
        self.all += cut;
        Ok(())
    }

    fn told(&self, took: Duration) -> String {
        let Cut { syncs, pending, sectors, stale, names } = self.all;
        let mut told = format!("{} power cuts, {} of them in the start; ", self.cuts, self.in_the_start);
        let _ = write!(
            told,
            "{syncs} syncs held; of {pending} changes that none covered, {stale} of {sectors} sectors and {names} names \
             were taken; nothing lost, nothing used twice; {:.1} s",
            took.as_secs_f64()
        );
        told
    }
}
