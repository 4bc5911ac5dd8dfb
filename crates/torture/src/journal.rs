//! A history as it is made: in memory, and in a file that outlives its writer.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, UNIX_EPOCH};

use portvakt_protocol::time::Timestamp;

use crate::history::{Event, History, Line, Outcome};

/// The clock of a history: microseconds since 1970, never backwards within a process, and the same for all on one machine.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    began: Instant,
    at: Duration,
}

impl Clock {
    /// Reads the machine's clock, this once.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the machine's clock, to count on from there"
    )]
    pub fn start() -> Self {
        let at = std::time::SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { began: Instant::now(), at }
    }

    /// The present in microseconds.
    pub fn micros(&self) -> u64 {
        u64::try_from((self.at + self.began.elapsed()).as_micros()).unwrap_or(u64::MAX)
    }

    /// The present as the protocol counts it.
    pub fn now(&self) -> Timestamp {
        Timestamp::from_unix(i64::try_from(self.micros() / 1_000_000).unwrap_or(i64::MAX))
    }
}

/// Where events are written down. Clones write to the same place.
#[derive(Clone, Debug)]
pub struct Journal {
    clock: Clock,
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug)]
struct Inner {
    events: Vec<Event>,
    file: Option<(File, u64)>,
    /// The first failure to write to the file; nothing was written since.
    failed: Option<io::ErrorKind>,
}

/// An event without its answer yet.
#[derive(Debug)]
pub struct Asked {
    number: usize,
    event: Event,
}

impl Asked {
    /// With the keys that the answer shows.
    #[must_use]
    pub fn showing(mut self, kids: Vec<String>) -> Self {
        self.event.kids = kids;
        self
    }
}

impl Journal {
    /// In memory alone.
    pub fn in_memory(clock: Clock) -> Self {
        let inner = Inner { events: Vec::new(), file: None, failed: None };
        Self { clock, inner: Arc::new(Mutex::new(inner)) }
    }

    /// In memory, and at the end of a file. `writer` tells this process from the others that write into the same history; each at
    /// its time, for a line that an earlier one tore is cut off.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn at(clock: Clock, path: &Path, writer: u64) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        let written = fs::read(path)?;
        let whole = written.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        if whole < written.len() {
            file.set_len(whole as u64)?;
        }
        let inner = Inner { events: Vec::new(), file: Some((file, writer)), failed: None };
        Ok(Self { clock, inner: Arc::new(Mutex::new(inner)) })
    }

    /// The clock that its times are of.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Writes down what is about to be asked. Its start is set to the present.
    pub fn ask(&self, event: Event) -> Asked {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let event = Event { start: self.clock.micros(), ..event };
        let number = inner.events.len();
        inner.events.push(event.clone());
        inner.write(number, &event);
        Asked { number, event }
    }

    /// Writes down the answer, which is there now.
    pub fn tell(&self, asked: Asked, outcome: Outcome) {
        let end = self.clock.micros();
        let event = asked.event.told(end, outcome);
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.write(asked.number, &event);
        if let Some(place) = inner.events.get_mut(asked.number) {
            *place = event;
        }
    }

    /// Everything so far. What has no answer yet has none.
    ///
    /// # Errors
    /// The file could not be written: then it says less than this history.
    pub fn history(&self) -> io::Result<History> {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        match inner.failed {
            Some(kind) => Err(kind.into()),
            None => Ok(History { events: inner.events.clone(), audit: None }),
        }
    }
}

impl Inner {
    /// One line in one write, so that a writer that dies tears no line but its last.
    fn write(&mut self, number: usize, event: &Event) {
        let Some((file, writer)) = &mut self.file else { return };
        let line = Line { writer: *writer, number: number as u64, event: event.clone() };
        let written = serde_json::to_vec(&line).map_err(io::Error::from).and_then(|mut text| {
            text.push(b'\n');
            file.write_all(&text)
        });
        if let Err(fault) = written {
            self.failed = Some(fault.kind());
            self.file = None;
        }
    }
}
