//! A primary and its synchronous standby, which change places when the primary is killed.

use std::path::Path;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::guard::Folder;
use crate::ports::free_port;
use crate::postgres::{OWNER, Postgres};
use crate::settings::Settings;

/// Two servers on two ports that stay the same: which of them takes the writes changes.
#[derive(Debug)]
pub struct Pair {
    primary: Postgres,
    second: Second,
    ports: [u16; 2],
    settings: Settings,
    _temporary: Option<Folder>,
}

/// The one that is not the primary.
#[derive(Debug)]
enum Second {
    /// It streams, and the primary waits for it.
    Streams(Box<Postgres>),
    /// It was killed and is being made a standby.
    Returns(JoinHandle<Result<Postgres, String>>),
    /// It could not be made one: why.
    Lost(String),
}

impl Pair {
    /// Makes both, in folders of their own below `folder`.
    ///
    /// # Errors
    /// As [`Postgres::start`] and [`Postgres::standby_of`].
    pub fn start(folder: &Path, settings: &Settings) -> Result<Self, String> {
        let ports = [free_port()?, free_port()?];
        let [first, second] = ports;
        let settings = settings.clone();
        let primary = Postgres::start(&folder.join("first"), &settings.clone().port(first))?;
        let standby =
            Postgres::standby_of(primary.address(), &folder.join("second"), &settings.clone().port(second))?;
        let second = Second::Streams(Box::new(standby));
        Ok(Self { primary, second, ports, settings, _temporary: None })
    }

    /// As [`Pair::start`], in a temporary folder that goes with it.
    ///
    /// # Errors
    /// As [`Pair::start`].
    pub fn temporary(settings: &Settings) -> Result<Self, String> {
        let folder = Folder::temporary("pair")?;
        let mut pair = Self::start(folder.path(), settings)?;
        pair._temporary = Some(folder);
        Ok(pair)
    }

    /// The address of `database` for a client that finds the primary by itself: both servers, `target_session_attrs=read-write`.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        let [first, second] = self.ports;
        format!(
            "postgres://{OWNER}@127.0.0.1:{first},127.0.0.1:{second}/{database}?target_session_attrs=read-write"
        )
    }

    /// The ports of both. They stay; the servers on them change places.
    #[must_use]
    pub fn ports(&self) -> [u16; 2] {
        self.ports
    }

    /// The one that takes writes.
    #[must_use]
    pub fn primary(&self) -> &Postgres {
        &self.primary
    }

    /// The one that takes writes, to be paused, killed or restarted.
    pub fn primary_mut(&mut self) -> &mut Postgres {
        &mut self.primary
    }

    /// The standby, once it holds every confirmed commit. While it is paused or dead the primary confirms nothing.
    ///
    /// # Errors
    /// When it could not be made one after the last failover.
    pub fn standby_mut(&mut self) -> Result<&mut Postgres, String> {
        if let Second::Returns(_) = &self.second {
            let second = std::mem::replace(&mut self.second, Second::Lost("it was dropped".to_owned()));
            self.second = second.awaited();
        }
        match &mut self.second {
            Second::Streams(standby) => Ok(standby),
            Second::Lost(why) => Err(format!("the standby did not come back: {why}")),
            Second::Returns(_) => Err("the standby is still on its way".to_owned()),
        }
    }

    /// Kills the primary (`kill -9`) and promotes the standby, which must hold every confirmed commit: this waits until it does.
    /// Answers the time from the kill until the new primary took a write. The killed one becomes the new one's standby in the
    /// background; until it streams, the new primary confirms commits alone.
    ///
    /// # Errors
    /// When there is no standby any more, or it does not take writes within a minute.
    pub fn fail_over(&mut self) -> Result<Duration, String> {
        self.standby_mut()?;
        let killed = Instant::now();
        self.primary.kill();
        self.standby_mut()?.promote()?;
        let took = killed.elapsed();

        let second = std::mem::replace(&mut self.second, Second::Lost("it was dropped".to_owned()));
        if let Second::Streams(promoted) = second {
            let mut dead = std::mem::replace(&mut self.primary, *promoted);
            let primary = self.primary.address().clone();
            let settings = self.settings.clone();
            self.second = Second::Returns(thread::spawn(move || {
                dead.become_standby_of(&primary, &settings)?;
                Ok(dead)
            }));
        }
        Ok(took)
    }
}

impl Second {
    /// The same, when it is no longer on its way.
    fn awaited(self) -> Self {
        match self {
            Self::Returns(thread) => match thread.join() {
                Ok(Ok(standby)) => Self::Streams(Box::new(standby)),
                Ok(Err(why)) => Self::Lost(why),
                Err(_) => Self::Lost("the thread that made it ended in a panic".to_owned()),
            },
            second @ (Self::Streams(_) | Self::Lost(_)) => second,
        }
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        // Nothing is started any more in a folder that goes.
        let second = std::mem::replace(&mut self.second, Second::Lost(String::new()));
        drop(second.awaited());
    }
}
