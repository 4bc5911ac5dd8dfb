//! The end of the process, asked for by SIGTERM or SIGINT and seen by every task that must finish something first.

use std::time::{Duration, Instant};

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::failure::Failure;

/// Signals within this time are one.
const ONE_WISH: Duration = Duration::from_secs(1);

/// Tells a task when the end has been asked for. Clones wait for the same end.
#[derive(Clone, Debug)]
pub(crate) struct Shutdown(watch::Receiver<bool>);

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
        let (tell, told) = watch::channel(false);
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = terminate.recv() => break,
                    _ = interrupt.recv() => break,
                    _ = hangup.recv() => tracing::debug!("SIGHUP is ignored: certificates are followed without it"),
                }
            }
            tell.send_replace(true);
            // Supervisors signal the process and its group, which is one wish told twice. Whoever asks again later has no
            // patience for draining.
            let told = Instant::now();
            loop {
                tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
                if told.elapsed() > ONE_WISH {
                    std::process::exit(1);
                }
            }
        });
        Ok(Self(told))
    }

    /// Waits for the end to be asked for.
    pub(crate) async fn begun(mut self) {
        // An error means that the sender is gone, and with it everything that could ask.
        let _ = self.0.wait_for(|begun| *begun).await;
    }
}
