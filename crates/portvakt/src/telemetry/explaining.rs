//! How a refusal of this process's is explained afterwards. That hangs on where its log goes, which is settled once; wherever a trace id
//! is told together with what explains it, the words are these.

use std::path::{Path, PathBuf, absolute};
use std::sync::OnceLock;

use super::legible;

static SETTLED: OnceLock<Explaining> = OnceLock::new();

/// What explains a refusal of this process's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Explaining {
    /// The block that a log as text has of it: there is no other log.
    Here,
    /// `explain`, which finds the log of a temporary folder by itself.
    Temporary,
    /// `explain`, with the log in this data folder.
    In(PathBuf),
    /// `explain`, with a log as JSON lines that whoever started the server keeps somewhere.
    Elsewhere,
}

/// What explains a refusal of this process's: the block in its text until something else is settled.
pub(crate) fn explaining() -> &'static Explaining {
    SETTLED.get().unwrap_or(&Explaining::Here)
}

/// Settles it for good, as logging itself.
pub(super) fn settle(explaining: Explaining) {
    // Someone else's is there already only in a test.
    let _ = SETTLED.set(explaining);
}

impl Explaining {
    /// The command between backticks, such that it can be pasted into a shell of this machine, wherever it stands; or in which log it is.
    pub(crate) fn words(&self, trace_id: &str) -> String {
        self.words_of(&program(), trace_id)
    }

    fn words_of(&self, program: &Path, trace_id: &str) -> String {
        let command = format!("{} explain {trace_id}", word(program));
        match self {
            Self::Here => format!("the block of trace id {trace_id} in this log"),
            Self::Temporary => format!("`{command}`"),
            Self::In(folder) => {
                format!("`{command} --data {}`", word(&absolute(folder).unwrap_or_else(|_| folder.clone())))
            }
            // Whoever reads it may be at another machine.
            Self::Elsewhere => {
                format!("`portvakt explain {trace_id} --log FILE`, FILE being this server's log")
            }
        }
    }
}

/// This program as it was called: by its name where the shell found it by that, else by where it lies.
fn program() -> PathBuf {
    let called = std::env::args_os().next().map(PathBuf::from).unwrap_or_default();
    if called.components().count() > 1 { absolute(&called).unwrap_or(called) } else { "portvakt".into() }
}

/// A path as one word of a shell.
fn word(path: &Path) -> String {
    let text = path.to_string_lossy();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+,:@%=".contains(&byte);
    if !text.is_empty() && text.bytes().all(plain) {
        return text.into_owned();
    }
    format!("'{}'", legible(&text).replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_shell_would_take_apart_is_quoted() {
        for (path, expected) in [
            ("/srv/a b", "'/srv/a b'"),
            ("/srv/$HOME;`id`", "'/srv/$HOME;`id`'"),
            ("/srv/o'brien", r"'/srv/o'\''brien'"),
            ("/srv/bjørn", "'/srv/bjørn'"),
            ("/srv/a\nb", r"'/srv/a\u000ab'"),
            ("", "''"),
            ("/srv/data-1.0_x", "/srv/data-1.0_x"),
        ] {
            assert_eq!(word(Path::new(path)), expected);
        }
    }

    #[test]
    fn each_log_has_its_words_and_a_folder_is_named_from_the_root() {
        let words = |how: Explaining| how.words_of(Path::new("/a b/portvakt"), "1f");
        assert_eq!(words(Explaining::Here), "the block of trace id 1f in this log");
        assert_eq!(
            words(Explaining::Elsewhere),
            "`portvakt explain 1f --log FILE`, FILE being this server's log"
        );
        assert_eq!(words(Explaining::Temporary), "`'/a b/portvakt' explain 1f`");
        assert_eq!(
            words(Explaining::In("/srv/data".into())),
            "`'/a b/portvakt' explain 1f --data /srv/data`"
        );
        let here = absolute("data").unwrap();
        assert!(words(Explaining::In("data".into())).ends_with(&format!("--data {}`", word(&here))));
    }
}
