//! The caller's end of the desk: the running server if there is one, and otherwise the data folder itself; a database is always opened
//! here, for it is no server's own.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use portvakt_crypto::random::Random;
use portvakt_store::{Actor, OpenFault, StoreUrl};
use portvakt_web::clock::Clock;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::time::{sleep, timeout};

use super::socket::{FILE, LONGEST_LINE, user};
use super::{Answer, Command, Desk, Outcome, perform};
use crate::config::{Settings, Storage};
use crate::failure::Failure;
use crate::house::{not_opened, open_store};
use crate::serve::{master_keys, store_url};
use crate::served::Served;

/// How long the server may take to carry a command out: longer than it ever waits for a clock.
const WAITING: Duration = Duration::from_secs(90);

/// How long a folder may be locked without a socket, and how often that is looked at.
const STARTING: Duration = Duration::from_secs(5);
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// What a command is for.
#[derive(Debug)]
pub(crate) enum Target {
    /// The server of this configuration, or its data folder where none runs; or its database.
    Configured(Box<Settings>),
    /// The server that runs on this folder.
    Running(PathBuf),
}

/// Has a command carried out.
///
/// # Errors
/// Why it was not.
pub(crate) async fn have(target: Target, command: Command) -> Result<Answer, Failure> {
    let outcome = match &target {
        Target::Running(data) => in_folder(data, None, command).await?,
        Target::Configured(settings) => match &settings.data {
            Storage::Folder(data) => in_folder(data, Some(settings), command).await?,
            Storage::Database(_) => {
                let url = store_url(settings)?;
                let desk = open(&url, settings).await?.map_err(|fault| not_opened(&url, &fault))?;
                alone(desk, command).await?
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

/// Asks the server that has the folder, or opens the folder as `settings` say.
async fn in_folder(data: &Path, settings: Option<&Settings>, command: Command) -> Result<Outcome, Failure> {
    let socket = data.join(FILE);
    let begun = Instant::now();
    loop {
        if let Some(stream) = connect(&socket).await? {
            return ask(stream, &command).await;
        }
        let Some(settings) = settings else {
            return Err(Failure::new(format!("no server runs on {}", data.display())).hint(
                "name the configuration with --config FILE, and the command opens its data folder itself",
            ));
        };
        let url = StoreUrl::Folder(data.to_owned());
        match open(&url, settings).await? {
            Ok(desk) => return alone(desk, command).await,
            // A server that is starting, or ending, has the folder before, or after, it has the socket.
            Err(OpenFault::Locked { .. }) if begun.elapsed() < STARTING => sleep(LOOK_AGAIN).await,
            Err(fault) => return Err(not_opened(&url, &fault)),
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
    if line.len() as u64 > LONGEST_LINE {
        return Err(Failure::new("the command is over 16 MiB").hint("apply the catalogue in parts"));
    }
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

/// Opens the store, as a server would.
async fn open(url: &StoreUrl, settings: &Settings) -> Result<Result<Desk, OpenFault>, Failure> {
    let (clock, random) = (Clock::system(), Random::system());
    let (master, previous_master) = master_keys(settings, &random)?;
    let opened = open_store(url, master, previous_master, &clock, &random).await;
    let issuers = settings.issuers.clone();
    Ok(opened.map(|store| Desk { store, clock, random, issuers, served: Served::default() }))
}

/// Carries a command out without a server, and closes the store again.
async fn alone(desk: Desk, command: Command) -> Result<Outcome, Failure> {
    let actor = Actor(user(rustix::process::getuid().as_raw()));
    let outcome = perform(&desk, &actor, command).await;
    let closed = desk.store.close().await;
    closed.map_err(|broken| Failure::new(format!("the store could not be closed: {broken}")))?;
    Ok(outcome)
}
