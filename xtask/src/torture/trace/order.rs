//! The order that durability is: the last write to the log, then a sync of the log that began after it and has ended, then
//! the answer.
//!
//! strace stops a thread at both ends of each call and writes the lines in that order, so a line further down happened
//! later. Requests come one at a time; what is written to the log before an answer is therefore what the answer tells of.

use std::collections::{HashMap, HashSet};

use super::calls::{Call, Part};

/// The end of the write-ahead log's name.
const LOG: &str = "portvakt.db-wal>";

/// Reads a trace from its first line on.
#[derive(Debug, Default)]
pub(super) struct Order {
    /// Writes to the log so far: each counts when it begins and again when it has ended.
    written: u64,
    /// Writes to the log that have not ended.
    writing: HashSet<String>,
    /// Syncs of the log that have not ended, with the writes that each covers, if it does.
    syncing: HashMap<String, Option<u64>>,
    /// The writes that a finished sync has covered.
    durable: u64,
    /// The writes there were at the last answer that told of a change.
    told: u64,
    reading: Reading,
}

/// What a trace says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Reading {
    /// Answers that tell of a change.
    pub(super) changes: usize,
    /// Those of them that left before what was written was on the disk.
    pub(super) early: usize,
    /// Those of them before which nothing was written at all.
    pub(super) unwritten: usize,
    /// Writes to the log.
    pub(super) writes: usize,
    /// Syncs of the log.
    pub(super) syncs: usize,
    /// The first early answer's line.
    first: Option<String>,
}

impl Order {
    /// The next line.
    pub(super) fn read(&mut self, line: &str) {
        let Some(call) = Call::read(line) else { return };
        match call.name {
            "fsync" | "fdatasync" => self.sync(&call),
            _ if call.part == Part::End => self.written += u64::from(self.writing.remove(call.thread)),
            _ if is_log(&call) => self.write(&call),
            _ if is_change(&call) => self.answer(line),
            _ => {}
        }
    }

    fn write(&mut self, call: &Call<'_>) {
        self.reading.writes += 1;
        self.written += 1;
        if call.part == Part::Beginning {
            self.writing.insert(call.thread.to_owned());
        }
    }

    fn sync(&mut self, call: &Call<'_>) {
        if call.part != Part::End {
            if !is_log(call) {
                return;
            }
            self.reading.syncs += 1;
            // What is being written just now may or may not be covered: so it is not.
            let covers = self.writing.is_empty().then_some(self.written);
            self.syncing.insert(call.thread.to_owned(), covers);
        }
        if call.part != Part::Beginning {
            let covers = self.syncing.remove(call.thread).flatten();
            if let Some(covers) = covers.filter(|_| call.succeeded()) {
                self.durable = self.durable.max(covers);
            }
        }
    }

    fn answer(&mut self, line: &str) {
        self.reading.changes += 1;
        if self.written == self.told {
            self.reading.unwritten += 1;
        }
        if self.durable < self.written || !self.writing.is_empty() {
            self.reading.early += 1;
            self.reading.first.get_or_insert_with(|| line.chars().take(160).collect());
        }
        self.told = self.written;
    }

    /// What was read.
    pub(super) fn end(self) -> Reading {
        self.reading
    }
}

fn is_log(call: &Call<'_>) -> bool {
    call.descriptor().contains(LOG)
}

/// Whether a write to a socket is an answer that tells of a change: a redirect in a login, tokens, the refusal of a replay,
/// which has revoked them, or to a command at the desk that it was carried out.
fn is_change(call: &Call<'_>) -> bool {
    let begins = |status: &str| call.rest.contains(&format!("\"HTTP/1.1 {status} "));
    match call.descriptor() {
        socket if socket.starts_with("TCP") => {
            // Of the answers that tell no change, none is empty; a revocation's is (RFC 7009 §2.2).
            let empty = call.rest.to_ascii_lowercase().contains("content-length: 0\\r\\n");
            begins("303") || begins("400") || (begins("200") && (empty || call.rest.contains("access_token")))
        }
        socket if socket.starts_with("UNIX") => {
            call.rest.contains("portvakt.sock\"") && call.rest.contains(r#"{\"done\""#)
        }
        _ => false,
    }
}

impl Reading {
    /// Whether the order held for as many answers as there were changes.
    ///
    /// # Errors
    /// It did not, or the trace does not show them all.
    pub(super) fn verdict(&self, expected: usize) -> Result<(), String> {
        match (&self.first, self.changes == expected, self.unwritten) {
            (Some(line), _, _) => {
                Err(format!("{} of {} answers left before the sync, first\n{line}", self.early, self.changes))
            }
            (None, false, _) => Err(format!("{} changes in the trace, not {expected}", self.changes)),
            (None, true, 0) => Ok(()),
            (None, true, unwritten) => Err(format!("{unwritten} answers tell of what was never written")),
        }
    }
}

impl std::fmt::Display for Reading {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { changes, early, writes, syncs, .. } = self;
        write!(
            f,
            "{changes} acknowledged changes, {writes} writes to the log, {syncs} syncs of it; {early} left early"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WRITE: &str = "2 pwrite64(9</d/portvakt.db-wal>, \"x\", 1, 0) = 1";
    const SYNC: &str = "2 fdatasync(9</d/portvakt.db-wal>) = 0";
    const ANSWER: &str =
        "3 sendto(12<TCP:[127.0.0.1:1->127.0.0.1:2]>, \"HTTP/1.1 303 See\", 16, 0, NULL, 0) = 16";
    const BEGUN: &str = "2 fdatasync(9</d/portvakt.db-wal> <unfinished ...>";
    const ENDED: &str = "2 <... fdatasync resumed>) = 0";

    fn read(lines: &[&str]) -> Result<(), String> {
        let mut order = Order::default();
        for line in lines {
            order.read(line);
        }
        order.end().verdict(1)
    }

    #[test]
    fn an_answer_before_the_end_of_the_sync_is_found() {
        for early in [
            vec![WRITE, ANSWER],
            vec![WRITE, ANSWER, SYNC],
            vec![WRITE, SYNC, WRITE, ANSWER],
            vec![WRITE, BEGUN, ANSWER, ENDED],
            vec![WRITE, BEGUN, "4 pwrite64(9</d/portvakt.db-wal>, \"x\", 1, 0) = 1", ENDED, ANSWER],
            vec![
                "4 pwrite64(9</d/portvakt.db-wal>, \"x\" <unfinished ...>",
                SYNC,
                "4 <... pwrite64 resumed>) = 1",
                ANSWER,
            ],
            vec![WRITE, "2 fdatasync(9</d/portvakt.db-wal>) = -1 EIO (Input/output error)", ANSWER],
            vec![WRITE, "2 fdatasync(8</d/portvakt.db>) = 0", ANSWER],
            vec![WRITE, "2 fsync(8</d/portvakt.db> <unfinished ...>", "2 <... fsync resumed>) = 0", ANSWER],
        ] {
            assert!(read(&early).unwrap_err().contains("before the sync"), "{early:?}");
        }
        for sound in [
            vec![WRITE, SYNC, ANSWER],
            vec![WRITE, WRITE, SYNC, ANSWER],
            vec![WRITE, BEGUN, "3 futex(0x1, FUTEX_WAKE) = 1", ENDED, ANSWER],
            vec![
                "4 pwrite64(9</d/portvakt.db-wal>, \"x\" <unfinished ...>",
                "4 <... pwrite64 resumed>) = 1",
                SYNC,
                ANSWER,
            ],
        ] {
            assert_eq!(read(&sound), Ok(()), "{sound:?}");
        }
    }

    #[test]
    fn a_trace_that_shows_too_little_proves_nothing() {
        assert!(read(&[WRITE, SYNC]).unwrap_err().contains("0 changes"));
        assert!(read(&[ANSWER]).unwrap_err().contains("never written"));
        assert!(read(&[WRITE, SYNC, ANSWER, WRITE, SYNC, ANSWER]).unwrap_err().contains("2 changes"));
    }

    #[test]
    fn a_command_that_was_carried_out_is_a_change() {
        let done =
            r#"3 sendto(25<UNIX-STREAM:[7->8,"/d/portvakt.sock"]>, "{\"done\":{}}\n", 12, 0, NULL, 0) = 12"#;
        assert_eq!(read(&[WRITE, SYNC, done]), Ok(()));
        assert!(read(&[WRITE, done, SYNC]).unwrap_err().contains("before the sync"));
        assert!(read(&[WRITE, SYNC, &done.replace("done", "refused")]).unwrap_err().contains("0 changes"));
    }

    #[test]
    fn tokens_are_a_change_and_a_page_is_none() {
        let page = ANSWER.replace("303 See", "200 OK");
        assert!(read(&[WRITE, SYNC, &page]).is_err());
        let tokens = page.replace("OK", "OK\\r\\n{\\\"access_token\\\"");
        assert_eq!(read(&[WRITE, SYNC, &tokens]), Ok(()));
    }
}
