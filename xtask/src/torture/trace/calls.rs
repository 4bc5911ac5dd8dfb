//! Lines of a trace as calls: which thread, which call, on what, and whether it begins or ends there.

/// A call, or the half of one that another thread's call came between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Call<'a> {
    /// The thread.
    pub(super) thread: &'a str,
    /// The call's name.
    pub(super) name: &'a str,
    /// What stands from the arguments on: a descriptor, as strace names it, comes first.
    pub(super) rest: &'a str,
    /// Which part of the call the line is.
    pub(super) part: Part,
}

/// Which part of a call a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// All of it: nothing happened between its beginning and its end.
    Whole,
    /// Its beginning; the end comes later.
    Beginning,
    /// Its end.
    End,
}

impl<'a> Call<'a> {
    /// Reads a line of `strace -f -o`; nothing for signals and ends of threads.
    pub(super) fn read(line: &'a str) -> Option<Self> {
        let (thread, rest) = line.split_once(' ')?;
        let rest = rest.trim_start();
        if let Some(resumed) = rest.strip_prefix("<... ") {
            let (name, rest) = resumed.split_once(" resumed>")?;
            return Some(Self { thread, name, rest, part: Part::End });
        }
        let (name, rest) = rest.split_once('(')?;
        let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let part = if rest.ends_with("<unfinished ...>") { Part::Beginning } else { Part::Whole };
        (is_name && !name.is_empty()).then_some(Self { thread, name, rest, part })
    }

    /// What the first argument, a descriptor, leads to: a path, or a socket with its peers.
    pub(super) fn descriptor(&self) -> &'a str {
        let end = self.rest.find([',', ')']).unwrap_or(self.rest.len());
        let first = self.rest.get(..end).unwrap_or_default();
        first.split_once('<').map_or("", |(_, to)| to)
    }

    /// Whether the call ended well here.
    pub(super) fn succeeded(&self) -> bool {
        self.part != Part::Beginning
            && self.rest.rsplit_once(" = ").is_some_and(|(_, result)| !result.starts_with(['-', '?']))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_call_its_beginning_or_its_end() {
        let whole =
            Call::read("42    pwrite64(9</d/portvakt.db-wal>, \"x\\n\"..., 4096, 32) = 4096").unwrap();
        assert_eq!((whole.thread, whole.name, whole.part), ("42", "pwrite64", Part::Whole));
        assert_eq!(whole.descriptor(), "/d/portvakt.db-wal>");
        assert!(whole.succeeded());
        let begun = Call::read("42 fdatasync(9</d/portvakt.db-wal> <unfinished ...>").unwrap();
        assert_eq!((begun.name, begun.part, begun.succeeded()), ("fdatasync", Part::Beginning, false));
        assert!(begun.descriptor().starts_with("/d/portvakt.db-wal>"));
        let ended = Call::read("42 <... fdatasync resumed>)          = 0").unwrap();
        assert_eq!((ended.name, ended.part, ended.succeeded()), ("fdatasync", Part::End, true));
    }

    #[test]
    fn a_failed_call_did_not_succeed_and_an_exit_is_no_call() {
        assert!(!Call::read("1 fsync(9</d>) = -1 EIO (Input/output error)").unwrap().succeeded());
        assert!(!Call::read("1 fsync(9</d>) = ? <unavailable>").unwrap().succeeded());
        assert!(Call::read("1 +++ exited with 0 +++").is_none());
        assert!(Call::read("1 --- SIGTERM {si_signo=SIGTERM} ---").is_none());
    }
}
