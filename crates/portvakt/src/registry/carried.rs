//! Secrets on their way from the caller of a command to the desk, and back. The socket between them is the owner's alone
//! (mode 0600), and it is the one place where a secret is written out.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use portvakt_protocol::catalogue::SecretReference;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// A text that is, or may hold, a secret or an identity number.
#[derive(Clone)]
pub(crate) struct Carried(Zeroizing<String>);

impl Carried {
    /// Of this text.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text, for the one who is to have it.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Carried {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Carried({} characters)", self.0.len())
    }
}

impl Serialize for Carried {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Carried {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from).map(Self::new)
    }
}

/// A secret that the caller fetched for the desk, which has neither its environment nor its folder.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Fetched {
    place: Place,
    /// The text, or why there is none.
    found: Result<Carried, String>,
}

/// A [`SecretReference`] as it travels.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Place {
    Env(String),
    File(PathBuf),
}

/// What was fetched, as a catalogue takes it.
pub(crate) type Found = BTreeMap<SecretReference, Result<Zeroizing<String>, String>>;

/// Fetches secrets from this process's environment and files. Relative paths start at `folder`.
pub(crate) fn fetch(references: BTreeSet<SecretReference>, folder: &Path) -> Vec<Fetched> {
    let fetched = references.into_iter().map(|reference| {
        let found = fetch_one(&reference, folder);
        let place = match reference {
            SecretReference::Environment(name) => Place::Env(name),
            SecretReference::File(path) => Place::File(path),
        };
        Fetched { place, found }
    });
    fetched.collect()
}

#[expect(clippy::disallowed_methods, reason = "a catalogue's own references to the environment")]
fn fetch_one(reference: &SecretReference, folder: &Path) -> Result<Carried, String> {
    match reference {
        SecretReference::Environment(name) => match std::env::var(name) {
            Ok(text) => Ok(Carried::new(text)),
            Err(std::env::VarError::NotPresent) => Err("it is not set".to_owned()),
            Err(std::env::VarError::NotUnicode(_)) => Err("it is no text".to_owned()),
        },
        SecretReference::File(path) => {
            std::fs::read_to_string(folder.join(path)).map(Carried::new).map_err(|why| why.to_string())
        }
    }
}

/// What was fetched, by where it is from.
pub(crate) fn found(fetched: Vec<Fetched>) -> Found {
    let entry = |Fetched { place, found }| (SecretReference::from(place), found.map(|carried| carried.0));
    fetched.into_iter().map(entry).collect()
}

impl From<Place> for SecretReference {
    fn from(place: Place) -> Self {
        match place {
            Place::Env(name) => Self::Environment(name),
            Place::File(path) => Self::File(path),
        }
    }
}

impl Fetched {
    /// Where it is from.
    pub(crate) fn reference(&self) -> SecretReference {
        match &self.place {
            Place::Env(name) => SecretReference::Environment(name.clone()),
            Place::File(path) => SecretReference::File(path.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_carried_does_not_print_and_arrives_whole() {
        let name = BTreeSet::from([SecretReference::File(PathBuf::from("/nowhere/secret"))]);
        let mut fetched = fetch(name, Path::new(""));
        fetched.push(Fetched { place: Place::Env("NAME".into()), found: Ok(Carried::new("swordfish")) });
        assert!(!format!("{fetched:?}").contains("swordfish"));
        let told = serde_json::to_string(&fetched).unwrap();
        let arrived = found(serde_json::from_str(&told).unwrap());
        let at = |reference| arrived.get(&reference).unwrap().as_ref().map(|text| text.as_str());
        assert_eq!(at(SecretReference::Environment("NAME".into())), Ok("swordfish"));
        assert!(at(SecretReference::File(PathBuf::from("/nowhere/secret"))).is_err());
    }
}
