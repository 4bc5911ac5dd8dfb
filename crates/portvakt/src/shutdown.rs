//! The end of the process, asked for by SIGTERM or SIGINT and seen by every task that must finish something first.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::failure::Failure;

/// Signals within this time are one.
const ONE_WISH: Duration = Duration::from_secs(1);

/// Tells a task when the end has been asked for. Clones wait for the same end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shutdown {
    asked: watch::Sender<bool>,
    temporary: Arc<Mutex<Vec<Temporary>>>,
}

/// What goes with the process. Which of the two it is says who made it, and never what lies there at the end: that may be
/// another's.
#[derive(Debug)]
pub(crate) enum Temporary {
    /// A folder, with all that is in it.
    Folder(PathBuf),
    /// One file.
    File(PathBuf),
}

impl Shutdown {
    /// The end as the process's signals ask for it. SIGHUP is not one: a terminal that closes ends nothing.
    ///
    /// # Errors
    /// The signals cannot be received.
    pub(crate) fn on_signals() -> Result<Self, Failure> {
        let receive =
            |kind| signal(kind).map_err(|why| Failure::new(format!("signals cannot be received: {why}")));
        let mut terminate = receive(SignalKind::terminate())?;
        let mut interrupt = receive(SignalKind::interrupt())?;
        let mut hangup = receive(SignalKind::hangup())?;
        let shutdown = Self::default();
        let told = shutdown.clone();
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = terminate.recv() => break,
                    _ = interrupt.recv() => break,
                    _ = hangup.recv() => tracing::debug!("SIGHUP is ignored: certificates are followed without it"),
                }
            }
            told.begin();
            // Supervisors signal the process and its group, which is one wish told twice. Whoever asks again later has no
            // patience for draining.
            let once = Instant::now();
            loop {
                tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
                if once.elapsed() > ONE_WISH {
                    told.leave_nothing();
                    std::process::exit(1);
                }
            }
        });
        Ok(shutdown)
    }

    /// Has something removed if the process ends without draining, when nothing is dropped.
    pub(crate) fn takes_along(&self, temporary: Temporary) {
        self.temporary.lock().unwrap_or_else(PoisonError::into_inner).push(temporary);
    }

    fn leave_nothing(&self) {
        for temporary in self.temporary.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            // What cannot be removed is the system's to clean up.
            let _ = match temporary {
                Temporary::Folder(path) => std::fs::remove_dir_all(path),
                Temporary::File(path) => std::fs::remove_file(path),
            };
        }
    }

    /// Asks for the end.
    pub(crate) fn begin(&self) {
        self.asked.send_replace(true);
    }

    /// Whether the end has been asked for.
    pub(crate) fn has_begun(&self) -> bool {
        *self.asked.borrow()
    }

    /// Waits for the end to be asked for.
    pub(crate) async fn begun(self) {
        // An error would mean that no sender is left; this is one.
        let _ = self.asked.subscribe().wait_for(|begun| *begun).await;
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_folder_that_lies_where_a_file_was_stays() {
        let all = tempfile::tempdir().unwrap();
        let [data, ready, others] = ["data", "ready", "others"].map(|name| all.path().join(name));
        fs::create_dir(&data).unwrap();
        fs::write(data.join("inside"), "").unwrap();
        fs::write(&ready, "").unwrap();
        fs::create_dir(&others).unwrap();
        fs::write(others.join("inside"), "").unwrap();
        let shutdown = Shutdown::default();
        shutdown.takes_along(Temporary::Folder(data.clone()));
        shutdown.takes_along(Temporary::File(ready.clone()));
        shutdown.takes_along(Temporary::File(others.clone()));
        shutdown.leave_nothing();
        assert!(others.join("inside").exists(), "not ours");
        assert!(!data.exists() && !ready.exists());
    }
}
