//! The server's end of the desk: a Unix socket in the data folder, which only the folder's owner can open.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use portvakt_store::Actor;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::{Command, Desk, Outcome, Refused, perform};
use crate::failure::Failure;
use crate::shutdown::Shutdown;

/// The socket's name in the data folder.
pub(crate) const FILE: &str = "portvakt.sock";

/// The longest line, either way: a catalogue of ten thousand clients fits.
pub(crate) const LONGEST_LINE: u64 = 16 * 1024 * 1024;

/// How long a caller may take to say what it wants.
const ASKING: Duration = Duration::from_secs(10);

/// How long a caller may take to read what it is told.
const TELLING: Duration = Duration::from_secs(10);

/// Callers at one time; more wait in the system's queue.
const CALLERS: usize = 8;

/// After accepting has failed for want of a resource.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// A bound socket, removed again at the end.
#[derive(Debug)]
pub(crate) struct Bound {
    listener: UnixListener,
    _file: Removed,
}

/// A file that goes when this does.
#[derive(Debug)]
struct Removed(PathBuf);

impl Drop for Removed {
    fn drop(&mut self) {
        // One that stays is replaced at the next start.
        let _ = std::fs::remove_file(&self.0);
    }
}

impl Bound {
    /// Binds the socket of a folder that this process holds the lock of: whatever stands there is left from a process that is
    /// gone.
    ///
    /// # Errors
    /// The socket cannot be made.
    pub(crate) fn bind(data: &Path) -> Result<Self, Failure> {
        let file = data.join(FILE);
        let refuse = |why: std::io::Error| {
            Failure::new(format!("{}: the socket for commands cannot be made: {why}", file.display()))
                .hint("the folder must belong to this user, and its path have at most 90 characters")
        };
        match std::fs::remove_file(&file) {
            Err(why) if why.kind() != std::io::ErrorKind::NotFound => return Err(refuse(why)),
            Ok(()) | Err(_) => {}
        }
        let listener = UnixListener::bind(&file).map_err(refuse)?;
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).map_err(refuse)?;
        Ok(Self { listener, _file: Removed(file) })
    }

    /// Answers callers until the end; what was begun is finished.
    pub(crate) async fn attend(self, desk: Arc<Desk>, shutdown: Shutdown) {
        let mut callers = JoinSet::new();
        let mut end = std::pin::pin!(shutdown.begun());
        loop {
            let accepted = tokio::select! {
                () = &mut end => break,
                Some(_) = callers.join_next() => continue,
                accepted = self.listener.accept(), if callers.len() < CALLERS => accepted,
            };
            match accepted {
                Ok((stream, _)) => {
                    callers.spawn(attend_one(stream, Arc::clone(&desk)));
                }
                Err(error) => {
                    tracing::error!(%error, "cannot accept commands");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        while callers.join_next().await.is_some() {}
    }
}

/// One line in, one line out.
async fn attend_one(stream: UnixStream, desk: Arc<Desk>) {
    let caller = match stream.peer_cred() {
        Ok(caller) => caller.uid(),
        Err(error) => {
            tracing::warn!(%error, "a caller of the desk could not be told, and was not answered");
            return;
        }
    };
    let own = rustix::process::geteuid().as_raw();
    let mut stream = BufReader::new(stream);
    let outcome = if caller == own || caller == 0 {
        match asked(&mut stream).await {
            Ok(command) => perform(&desk, &Actor(user(caller)), command).await,
            Err(refused) => Outcome::Refused(refused),
        }
    } else {
        // The file's mode refuses them before; a folder on a file system without modes would not.
        Outcome::Refused(Refused {
            what: "the server takes commands from its own user and from root only".to_owned(),
            hint: Some("run the command as the user that the server runs as".to_owned()),
        })
    };
    let Some(line) = line(&outcome).or_else(|| line(&Outcome::Refused(too_long(&outcome)))) else { return };
    // A caller that has gone is told nothing; what it asked for is done.
    let _ = timeout(TELLING, stream.get_mut().write_all(&line)).await;
}

/// An outcome as a line; `None` if its asker would not read it to its end.
fn line(outcome: &Outcome) -> Option<Vec<u8>> {
    let mut line = serde_json::to_vec(outcome).ok()?;
    line.push(b'\n');
    (line.len() as u64 <= LONGEST_LINE).then_some(line)
}

/// What is told in the place of an outcome that is too long to be told.
fn too_long(outcome: &Outcome) -> Refused {
    let (what, hint) = match outcome {
        Outcome::Done(_) => (
            "the command was carried out, and its answer is over 16 MiB",
            "ask for less: for one issuer, or one by one; what was to be changed is changed",
        ),
        Outcome::Refused(_) => {
            ("the command was refused, and why is over 16 MiB long", "nothing was changed: ask in parts")
        }
    };
    Refused { what: what.to_owned(), hint: Some(hint.to_owned()) }
}

async fn asked(stream: &mut BufReader<UnixStream>) -> Result<Command, Refused> {
    let mut line = Vec::new();
    let mut limited = stream.take(LONGEST_LINE);
    let read = timeout(ASKING, limited.read_until(b'\n', &mut line)).await;
    let refuse = |what: &str, hint: &str| Refused { what: what.to_owned(), hint: Some(hint.to_owned()) };
    match read {
        Ok(Ok(_)) if line.last() == Some(&b'\n') => {}
        Ok(_) => return Err(refuse("the command was cut short, or is over 16 MiB", "send it in parts")),
        Err(_) => return Err(refuse("the command did not come in time", "try again")),
    }
    // What serde says of it could quote a secret.
    serde_json::from_slice(&line).map_err(|_| {
        refuse(
            "the running server does not know this command",
            "run the portvakt that the server runs, or restart it",
        )
    })
}

/// How the audit names a user of this machine: `drift (uid 1000)`.
pub(super) fn user(uid: u32) -> String {
    let known = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = known.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let number = fields.nth(1)?;
        (number.parse() == Ok(uid)).then_some(name)
    });
    match name {
        Some(name) => format!("{name} (uid {uid})"),
        None => format!("uid {uid}"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Answer;
    use super::*;
    use crate::keys::IssuerKeys;

    fn listed(length: usize) -> Outcome {
        Outcome::Done(Answer::Keys(vec![IssuerKeys { issuer: "x".repeat(length), keys: Vec::new() }]))
    }

    #[test]
    fn an_answer_that_its_asker_would_cut_is_said_to_be_too_long() {
        let around = line(&listed(0)).unwrap().len();
        let longest = usize::try_from(LONGEST_LINE).unwrap() - around;
        assert!(line(&listed(longest)).is_some());
        assert!(line(&listed(longest + 1)).is_none());
        let told = too_long(&listed(longest + 1));
        assert!(told.what.contains("was carried out") && told.what.contains("16 MiB"), "{}", told.what);
        assert!(told.hint.unwrap().contains("ask for less"));
        let told = too_long(&Outcome::Refused(Refused { what: "x".repeat(longest), hint: None }));
        assert!(told.hint.unwrap().contains("nothing was changed"));
    }
}
