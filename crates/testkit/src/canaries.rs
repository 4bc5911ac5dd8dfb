//! Canaries: every secret that a scene saw, and where it must not turn up.

use std::collections::{HashMap, HashSet};
use std::io::Write;
use std::sync::{Arc, LazyLock, Mutex};

use tracing_subscriber::layer::SubscriberExt;

use crate::data::Data;

/// Everything that this process has logged, at every level. Plain text, where a careless value would break a line.
static LOG: LazyLock<Arc<Mutex<Vec<u8>>>> = LazyLock::new(|| {
    let log = Arc::new(Mutex::new(Vec::new()));
    let lines = tracing_subscriber::fmt::layer().with_ansi(false).with_writer({
        let log = Arc::clone(&log);
        move || Sink(Arc::clone(&log))
    });
    let registry = tracing_subscriber::registry().with(lines);
    // Another subscriber may have been there first; then the process logs there, and the scan sees only files.
    let _ = tracing_subscriber::util::SubscriberInitExt::try_init(registry);
    log
});

struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("the log").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What this process has logged so far: all scenes of one test file write to it.
pub fn log() -> String {
    String::from_utf8_lossy(&LOG.lock().expect("the log")).into_owned()
}

/// The secrets of one world.
#[derive(Clone, Debug, Default)]
pub(crate) struct Canaries(Arc<Mutex<HashSet<String>>>);

impl Canaries {
    pub(crate) fn new() -> Self {
        LazyLock::force(&LOG);
        Self::default()
    }

    /// One more secret. Texts too short to be told from chance are not looked for.
    pub(crate) fn add(&self, secret: &str) {
        if secret.len() >= 11 {
            self.0.lock().expect("canaries").insert(secret.to_owned());
        }
    }

    /// Fails if a canary stands in a file of `folder` or in the log.
    pub(crate) fn scan(&self, data: &Data) {
        let secrets = self.0.lock().expect("canaries").clone();
        let needles = Needles::of(&secrets);
        for (name, bytes) in data.stored() {
            needles.must_not_be_in(&bytes, &name);
        }
        let logged = LOG.lock().expect("the log").clone();
        needles.must_not_be_in(&logged, "the log");
    }
}

/// Secrets by their first bytes, so that one pass finds any of them.
struct Needles<'a>(HashMap<&'a [u8], Vec<&'a str>>, Vec<bool>);

const PREFIX: usize = 8;

impl<'a> Needles<'a> {
    fn of(secrets: &'a HashSet<String>) -> Self {
        let mut by_prefix: HashMap<&[u8], Vec<&str>> = HashMap::new();
        let mut first_two = vec![false; 1 << 16];
        for secret in secrets {
            if let (Some(prefix), [one, two, ..]) = (secret.as_bytes().get(..PREFIX), secret.as_bytes()) {
                by_prefix.entry(prefix).or_default().push(secret);
                if let Some(mark) = first_two.get_mut(usize::from(*one) << 8 | usize::from(*two)) {
                    *mark = true;
                }
            }
        }
        Self(by_prefix, first_two)
    }

    fn must_not_be_in(&self, hay: &[u8], what: &str) {
        for (at, window) in hay.windows(PREFIX).enumerate() {
            let [one, two, ..] = window else { return };
            if !self.1.get(usize::from(*one) << 8 | usize::from(*two)).copied().unwrap_or_default() {
                continue;
            }
            let rest = hay.get(at..).unwrap_or_default();
            let found =
                self.0.get(window).into_iter().flatten().find(|secret| rest.starts_with(secret.as_bytes()));
            if let Some(secret) = found {
                let before = hay.get(at.saturating_sub(200)..at).unwrap_or_default();
                panic!(
                    "a secret of {} characters stands in {what}, after {:?}",
                    secret.len(),
                    String::from_utf8_lossy(before)
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "stands in a file")]
    fn a_planted_canary_is_found() {
        let secrets = HashSet::from(["21879498012".to_owned()]);
        Needles::of(&secrets).must_not_be_in(b"....pid=21879498012;", "a file");
    }

    #[test]
    fn what_only_begins_like_one_is_not() {
        let secrets = HashSet::from(["21879498012".to_owned()]);
        Needles::of(&secrets).must_not_be_in(b"....pid=21879498013; 2187949801", "a file");
    }
}
