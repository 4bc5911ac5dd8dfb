//! What a measured server stands on: a folder of its own, or a database that nodes share.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use portvakt_cluster::fitted;

use super::node::{Place, WRITTEN_FOR};
use super::parties::CATALOGUE;
use super::server::{Server, Start};
use crate::house::{Outcome, run};

/// Where the data is.
#[derive(Clone, Copy)]
pub(super) enum Ground<'a> {
    /// The embedded store's folder, under `portvakt dev`.
    Folder {
        /// The binary.
        binary: &'a Path,
        /// The folder.
        data: &'a Path,
    },
    /// A PostgreSQL server, under `portvakt serve`.
    Database(&'a Place),
}

impl Ground<'_> {
    /// Starts a server and waits until it answers. `port` and `measured` as in [`Start`]; a node has a port of its own.
    ///
    /// # Errors
    /// It does not start.
    pub(super) fn start(&self, port: u16, measured: bool) -> Result<Server, String> {
        match *self {
            Self::Folder { binary, data } => Server::start(&Start { binary, data, port, measured }),
            Self::Database(place) => place.start(measured),
        }
    }

    /// Registers clients and persons, while a server runs. `dev` has done that by itself.
    ///
    /// # Errors
    /// They were refused.
    pub(super) fn furnish(&self) -> Outcome {
        match self {
            Self::Folder { .. } => Ok(()),
            Self::Database(place) => place.register(),
        }
    }

    /// Registers what rows are measured with beside that, while `server` runs.
    ///
    /// # Errors
    /// It was refused.
    pub(super) fn furnish_for_rows(&self, server: &Server) -> Outcome {
        let text = fitted(CATALOGUE, &[(WRITTEN_FOR, server.issuer_of("idporten")?)])?;
        match self {
            Self::Database(place) => place.apply("bench.toml", &text),
            Self::Folder { binary, data } => {
                let file = data.with_extension("toml");
                fs::write(&file, text).map_err(|why| format!("{}: {why}", file.display()))?;
                let mut apply = Command::new(binary);
                apply.arg("apply").arg(&file).arg("--data").arg(data).stdout(Stdio::null());
                run(&mut apply)
            }
        }
    }

    /// CPU time of the database server since its start; none where the server is its own database.
    pub(super) fn database_cpu(&self) -> Option<Duration> {
        match self {
            Self::Folder { .. } => None,
            Self::Database(place) => Some(place.database_cpu()),
        }
    }

    /// Where the data is.
    pub(super) fn data(&self) -> &Path {
        match self {
            Self::Folder { data, .. } => data,
            Self::Database(place) => place.data(),
        }
    }
}
