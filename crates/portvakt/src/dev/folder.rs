//! The data folder of `dev`: given, or a temporary one that goes with the process.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use portvakt_crypto::encoding::hex_encode;
use portvakt_crypto::random::Random;

use crate::failure::Failure;

/// How the name of a temporary one begins.
pub(crate) const TEMPORARY: &str = "portvakt-dev-";

/// A data folder. A temporary one is removed when this is dropped.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    temporary: bool,
}

impl Folder {
    /// The folder `given`, or a new temporary one.
    pub(super) fn new(given: Option<PathBuf>, random: &Random) -> Result<Self, Failure> {
        if let Some(path) = given {
            return Ok(Self { path, temporary: false });
        }
        let path = std::env::temp_dir().join(format!("{TEMPORARY}{}", hex_encode(&random.bytes::<8>())));
        DirBuilder::new().mode(0o700).create(&path).map_err(|why| {
            Failure::new(format!("{}: {why}", path.display()))
                .hint("name a folder for the data with --data DIR")
        })?;
        Ok(Self { path, temporary: true })
    }

    /// Whether it goes with the process.
    pub(super) fn is_temporary(&self) -> bool {
        self.temporary
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.temporary {
            // What cannot be removed is the system's to clean up, as everything in a temporary folder.
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}
