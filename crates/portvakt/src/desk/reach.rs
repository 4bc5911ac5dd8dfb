//! The caller's end of the desk: the running server if there is one, and otherwise the data folder itself.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use portvakt_crypto::random::Random;
use portvakt_store::Actor;
use portvakt_web::clock::Clock;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::time::timeout;

use super::socket::{FILE, LONGEST_LINE, user};
use super::{Answer, Command, Desk, Outcome, perform};
use crate::config::Settings;
use crate::failure::Failure;
use crate::house::open_store;
use crate::serve::master_keys;

/// How long the server may take to carry a command out.
const WAITING: Duration = Duration::from_secs(60);

/// What a command is for.
#[derive(Debug)]
pub(crate) enum Target {
    /// The server of this configuration, or its data folder where none runs.
    Configured(Box<Settings>),
    /// The server that runs on this folder.
    Running(PathBuf),
}

impl Target {
    fn data(&self) -> &Path {
        match self {
            Self::Configured(settings) => &settings.data,
            Self::Running(data) => data,
        }
    }
}

/// Has a command carried out.
///
/// # Errors
/// Why it was not.
pub(crate) async fn have(target: Target, command: Command) -> Result<Answer, Failure> {
    let socket = target.data().join(FILE);
    let outcome = match connect(&socket).await? {
        Some(stream) => ask(stream, &command).await?,
        None => match target {
            Target::Configured(settings) => alone(*settings, command).await?,
            Target::Running(data) => {
                return Err(Failure::new(format!("no server runs on {}", data.display())).hint(
                    "name the configuration with --config FILE, and the command opens its data folder itself",
                ));
            }
        },
    };
    match outcome {
        Outcome::Done(answer) => Ok(answer),
        Outcome::Refused(refused) => {
            let failure = Failure::new(refused.what);
            Err(match refused.hint {
                Some(hint) => failure.hint(hint),
                None => failure,
            })
        }
    }
}

/// Connects to the server; `None` if none runs.
async fn connect(socket: &Path) -> Result<Option<UnixStream>, Failure> {
    match UnixStream::connect(socket).await {
        Ok(stream) => Ok(Some(stream)),
        Err(why) if matches!(why.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
            Ok(None)
        }
        Err(why) => Err(Failure::new(format!("{}: {why}", socket.display()))
            .hint("run the command as the user that the server runs as")),
    }
}

async fn ask(stream: UnixStream, command: &Command) -> Result<Outcome, Failure> {
    let lost = |why: String| {
        Failure::new(format!("the server did not answer: {why}"))
            .hint("what was asked may be done or not: look before asking again")
    };
    let mut line = serde_json::to_vec(command).map_err(Failure::new)?;
    line.push(b'\n');
    let mut stream = BufReader::new(stream);
    let mut told = Vec::new();
    let conversation = async {
        stream.get_mut().write_all(&line).await?;
        stream.take(LONGEST_LINE).read_until(b'\n', &mut told).await
    };
    match timeout(WAITING, conversation).await {
        Err(_) => return Err(lost("it took too long".to_owned())),
        Ok(Err(why)) => return Err(lost(why.to_string())),
        Ok(Ok(_)) => {}
    }
    serde_json::from_slice(&told)
        .map_err(|_| lost("it hung up, or is another version of portvakt".to_owned()))
}

/// Carries a command out without a server, and closes the folder again.
async fn alone(settings: Settings, command: Command) -> Result<Outcome, Failure> {
    let (clock, random) = (Clock::system(), Random::system());
    let (master, previous_master) = master_keys(&settings, &random)?;
    let store = open_store(&settings.data, master, previous_master, &clock, &random)?;
    let desk = Desk { store: store.clone(), clock, random, issuers: settings.issuers, sites: Vec::new() };
    let actor = Actor(user(rustix::process::getuid().as_raw()));
    let outcome = perform(&desk, &actor, command).await;
    store.close().await.map_err(|broken| Failure::new(format!("the store could not be closed: {broken}")))?;
    Ok(outcome)
}
