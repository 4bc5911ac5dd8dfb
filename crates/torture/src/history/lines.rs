//! A history as lines of JSON: a log that only grows, written by any number of processes, each of which may be killed.
//!
//! A question is written down before it is put, and once more with its answer. What has no second line has no answer. The last
//! line of a file may be torn, for its writer may have died writing it.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::Event;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Which writer's: no two processes of one history have the same.
    pub writer: u64,
    /// The writer's number of the event. A later line of the same number takes the place of an earlier.
    pub number: u64,
    /// The event.
    pub event: Event,
}

/// A line that is none.
#[derive(Debug)]
pub struct LineFault {
    /// Which, counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub why: serde_json::Error,
}

impl std::fmt::Display for LineFault {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "line {} is no event: {}", self.line, self.why)
    }
}

impl std::error::Error for LineFault {}

/// Reads the events of one file.
///
/// # Errors
/// A whole line that is no event.
pub fn parse(text: &str) -> Result<Vec<Event>, LineFault> {
    let mut events: Vec<Event> = Vec::new();
    let mut places: HashMap<(u64, u64), usize> = HashMap::new();
    for (at, line) in text.split_inclusive('\n').enumerate() {
        let Some(whole) = line.strip_suffix('\n') else { break };
        let line: Line = serde_json::from_str(whole).map_err(|why| LineFault { line: at + 1, why })?;
        match places.get(&(line.writer, line.number)).and_then(|place| events.get_mut(*place)) {
            Some(event) => *event = line.event,
            None => {
                places.insert((line.writer, line.number), events.len());
                events.push(line.event);
            }
        }
    }
    Ok(events)
}
