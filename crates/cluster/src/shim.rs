//! The preloaded shim (`shim/disk.c`) from its other side: how it is built, how a server is started under it, and the page
//! that tells it what to do while the server runs.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

const SOURCE: &str = include_str!("../shim/disk.c");

/// The built library.
#[derive(Clone, Debug)]
pub struct Shim {
    library: PathBuf,
}

impl Shim {
    /// Builds it into that folder with the machine's C compiler. A library that a running server has loaded is left as it is
    /// and gets another file's name in its place.
    ///
    /// # Errors
    /// There is no C compiler `cc`, or the folder cannot be written.
    pub fn built(into: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(into)?;
        let library = into.join("disk.so");
        let draft = into.join(format!("disk.{}.so", std::process::id()));
        let mut compiler = Command::new("cc")
            .args(["-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror", "-x", "c", "-", "-o"])
            .arg(&draft)
            .arg("-ldl")
            .stdin(Stdio::piped())
            .spawn()
            .map_err(|fault| io::Error::new(fault.kind(), format!("cc cannot be started: {fault}")))?;
        if let Some(mut source) = compiler.stdin.take() {
            source.write_all(SOURCE.as_bytes())?;
        }
        if !compiler.wait()?.success() {
            return Err(io::Error::other("cc does not build the shim"));
        }
        std::fs::rename(&draft, &library)?;
        Ok(Self { library })
    }

    /// Has `command` run under the shim, which minds the files of `folder` (absolute, without links in it) and does what
    /// `control` says. With a `journal`, every change is written down there.
    pub fn preload(&self, command: &mut Command, folder: &Path, control: &Control, journal: Option<&Path>) {
        command
            .env("LD_PRELOAD", &self.library)
            .env("PORTVAKT_SHIM_FOLDER", folder)
            .env("PORTVAKT_SHIM_CONTROL", &control.path);
        if let Some(journal) = journal {
            command.env("PORTVAKT_SHIM_JOURNAL", journal);
        }
    }
}

/// A kind of call on the folder's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// A write, or a change of a file's length.
    Write,
    /// An `fsync` or `fdatasync`, of a file or of the folder.
    Sync,
}

/// What a call that is made to fail answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The disk failed.
    Eio,
    /// The disk is full.
    Enospc,
}

/// The page: what is set here holds from the next call on.
#[derive(Debug)]
pub struct Control {
    path: PathBuf,
    page: File,
}

/// The places of the page's numbers, as in `shim/disk.c`.
#[derive(Clone, Copy)]
enum Place {
    WriteDelay,
    SyncDelay,
    ErrorNumber,
    WriteFailsFrom,
    WriteFailsTo,
    SyncFailsFrom,
    SyncFailsTo,
    Room,
    ClockStep,
    Writes,
    Syncs,
    Refused,
}

/// How many numbers there are.
const PLACES: u64 = Place::Refused as u64 + 1;

/// The numbers of the errors, the same on every Linux.
const EIO: i64 = 5;
const ENOSPC: i64 = 28;

impl Control {
    /// A new page in that file: a sound disk and a right clock.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn sound(path: PathBuf) -> io::Result<Self> {
        let page = File::options().read(true).write(true).create(true).truncate(true).open(&path)?;
        page.set_len(8 * PLACES)?;
        let control = Self { path, page };
        control.set(Place::Room, -1)?;
        Ok(control)
    }

    /// Each call of that kind takes so much longer.
    ///
    /// # Errors
    /// The page cannot be written.
    pub fn slow(&self, call: Call, by: Duration) -> io::Result<()> {
        let place = match call {
            Call::Write => Place::WriteDelay,
            Call::Sync => Place::SyncDelay,
        };
        self.set(place, i64::try_from(by.as_micros()).unwrap_or(i64::MAX))
    }

    /// After `passing` more calls of that kind, the next `failing` answer `refusal`, and those after them work again.
    ///
    /// # Errors
    /// The page cannot be written.
    pub fn fail(&self, call: Call, refusal: Refusal, passing: u32, failing: u32) -> io::Result<()> {
        let (counter, from, to) = match call {
            Call::Write => (Place::Writes, Place::WriteFailsFrom, Place::WriteFailsTo),
            Call::Sync => (Place::Syncs, Place::SyncFailsFrom, Place::SyncFailsTo),
        };
        let error = match refusal {
            Refusal::Eio => EIO,
            Refusal::Enospc => ENOSPC,
        };
        let first = self.get(counter)?.saturating_add(i64::from(passing));
        self.set(Place::ErrorNumber, error)?;
        // Empty while it is being moved.
        self.set(to, 0)?;
        self.set(from, first)?;
        self.set(to, first.saturating_add(i64::from(failing)))
    }

    /// The files may grow by so many bytes together; `None`: as much as they like.
    ///
    /// # Errors
    /// The page cannot be written.
    pub fn room(&self, bytes: Option<u32>) -> io::Result<()> {
        self.set(Place::Room, bytes.map_or(-1, i64::from))
    }

    /// The time of day is so many seconds away from what it is; negative: in the past.
    ///
    /// # Errors
    /// The page cannot be written.
    pub fn step_clock(&self, seconds: i64) -> io::Result<()> {
        self.set(Place::ClockStep, seconds.saturating_mul(1_000_000_000))
    }

    /// The disk is fast, sound and has room again. The clock stays as it is.
    ///
    /// # Errors
    /// The page cannot be written.
    pub fn mend(&self) -> io::Result<()> {
        for place in [
            Place::WriteDelay,
            Place::SyncDelay,
            Place::WriteFailsTo,
            Place::WriteFailsFrom,
            Place::SyncFailsTo,
            Place::SyncFailsFrom,
        ] {
            self.set(place, 0)?;
        }
        self.room(None)
    }

    /// How many calls of that kind there were, those that failed included.
    ///
    /// # Errors
    /// The page cannot be read.
    pub fn calls(&self, call: Call) -> io::Result<u64> {
        let place = match call {
            Call::Write => Place::Writes,
            Call::Sync => Place::Syncs,
        };
        self.get(place).map(i64::unsigned_abs)
    }

    /// How many calls were made to fail.
    ///
    /// # Errors
    /// The page cannot be read.
    pub fn refused(&self) -> io::Result<u64> {
        self.get(Place::Refused).map(i64::unsigned_abs)
    }

    fn set(&self, place: Place, value: i64) -> io::Result<()> {
        self.page.write_all_at(&value.to_ne_bytes(), 8 * place as u64)
    }

    fn get(&self, place: Place) -> io::Result<i64> {
        let mut value = [0; 8];
        self.page.read_exact_at(&mut value, 8 * place as u64)?;
        Ok(i64::from_ne_bytes(value))
    }
}
