//! Where a secret is kept: a file or an environment variable, never the configuration itself.

use std::fmt;
use std::path::{Path, PathBuf};

use portvakt_protocol::registration::Shown;
use portvakt_store::MasterKey;
use zeroize::Zeroizing;

use super::fault::{ConfigFault, Place};
use super::key_file::KeyFile;
use super::reader::{At, Keys, Page};

/// Where a secret is fetched from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SecretPlace {
    source: Source,
    /// The key that names it.
    place: Place,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Source {
    Environment(String),
    File(PathBuf),
}

impl SecretPlace {
    /// Reads `{ file = "…" }` or `{ env = "…" }`; a file's path is relative to `folder`.
    pub(super) fn read(page: &mut Page, keys: &mut Keys<'_>, name: &str, folder: &Path) -> Option<Self> {
        let mut table = keys.table(page, name)?;
        let place = table.place.clone();
        let (file, env) = (table.text(page, "file"), table.text(page, "env"));
        table.end(page);
        let source = match (file, env) {
            (Some(At { value, .. }), None) => Source::File(folder.join(value)),
            (None, Some(At { value, .. })) => Source::Environment(value),
            (Some(_), Some(_)) | (None, None) => {
                let rule = "must be { file = \"path\" } or { env = \"NAME\" }";
                page.refuse(&place, Shown::Absent, rule);
                return None;
            }
        };
        Some(Self { source, place })
    }

    /// The file, if it is one, and what it holds: "a key".
    pub(super) fn key_file(&self, holds: &'static str) -> Option<KeyFile> {
        match &self.source {
            Source::File(path) => Some(KeyFile { place: self.place.clone(), path: path.clone(), holds }),
            Source::Environment(_) => None,
        }
    }

    /// Fetches a master key.
    ///
    /// # Errors
    /// The fault, which holds nothing of what was fetched.
    pub(crate) fn master_key(&self) -> Result<MasterKey, ConfigFault> {
        let refuse = |rule: String| {
            ConfigFault::new(&self.place, Shown::Absent, rule).with_fix(
                "a new store's key can be made with `openssl rand -hex 32`, and must be kept as long as its data",
            )
        };
        let text = self.fetch().map_err(|why| refuse(format!("cannot be had from {self}: {why}")))?;
        MasterKey::parse(&text)
            .map_err(|fault| refuse(format!("what {self} holds is no master key: it {fault}")))
    }

    /// Fetches a password: one line, as an editor or `echo` leaves it.
    ///
    /// # Errors
    /// The fault, which holds nothing of what was fetched.
    pub(crate) fn password(&self) -> Result<Zeroizing<String>, ConfigFault> {
        let refuse = |rule: String| ConfigFault::new(&self.place, Shown::Absent, rule);
        let text = self.fetch().map_err(|why| refuse(format!("cannot be had from {self}: {why}")))?;
        let line = text.strip_suffix('\n').unwrap_or(&text);
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.is_empty() || line.chars().any(char::is_control) {
            return Err(refuse(format!("what {self} holds is no password: it must be one line of text")));
        }
        Ok(Zeroizing::new(line.to_owned()))
    }

    #[expect(clippy::disallowed_methods, reason = "the configuration's own reference to the environment")]
    fn fetch(&self) -> Result<Zeroizing<String>, String> {
        match &self.source {
            Source::Environment(name) => match std::env::var(name) {
                Ok(text) => Ok(Zeroizing::new(text)),
                Err(std::env::VarError::NotPresent) => Err("it is not set".to_owned()),
                Err(std::env::VarError::NotUnicode(_)) => Err("it is no text".to_owned()),
            },
            Source::File(path) => match std::fs::read_to_string(path) {
                Ok(text) => Ok(Zeroizing::new(text)),
                Err(why) => Err(why.to_string()),
            },
        }
    }
}

impl fmt::Display for SecretPlace {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.source {
            Source::Environment(name) => write!(out, "the environment variable {name}"),
            Source::File(path) => write!(out, "the file {}", path.display()),
        }
    }
}
