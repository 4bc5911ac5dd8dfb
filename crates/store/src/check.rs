//! Whether a store holds what it promises (docs/operations.md, "Checking"): the invariants over what is used once, what is acknowledged, what
//! is revoked and what is recorded, as statements that anybody can run, and what only the keys can show. It reads one moment's picture,
//! beside any server, and writes nothing.

mod embedded;
mod invariants;
mod narrowed;
mod postgres;
mod sealed;

use portvakt_crypto::random::Random;

use crate::vault::{Purpose, SealedKey, Vault, VaultFault, VaultKeys};
use crate::{MasterKey, OpenFault, Opening, StoreUrl};

/// How many findings of one kind are told.
const TOLD: usize = 100;

/// Something that a store must not hold, or lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it breaks: `I1` to `I7`, `sealed`, `schema` or `file`.
    pub invariant: &'static str,
    /// What should hold.
    pub rule: &'static str,
    /// Where.
    pub table: &'static str,
    /// Which row: names and values of its key, digests in hexadecimal. Never a `pid`.
    pub key: String,
    /// What to do about it.
    pub remedy: &'static str,
}

/// What a check came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// What was found, at most a hundred of a kind.
    pub findings: Vec<Finding>,
    /// How many statements were asked.
    pub statements: u64,
    /// How many rows were read and their sealed values opened.
    pub rows: u64,
}

/// Checks a store, as it is at one moment.
///
/// # Errors
/// [`OpenFault`]: it cannot be checked at all.
pub async fn check(opening: Opening) -> Result<Checked, OpenFault> {
    match opening.url.clone() {
        StoreUrl::Folder(folder) => embedded::check(&folder, &opening),
        StoreUrl::Postgres(url) => postgres::check(&url, &opening).await,
    }
}

/// The statements of a check, each with what should hold: what one finds should not be there. `url` says for which kind of store.
pub fn check_statements(
    url: &StoreUrl,
    now: portvakt_protocol::time::Timestamp,
) -> Vec<(&'static str, String)> {
    let views = match url {
        StoreUrl::Folder(_) => invariants::IN_FOLDER,
        StoreUrl::Postgres(_) => invariants::IN_DATABASE,
    };
    invariants::INVARIANTS.iter().map(|held| (held.rule, held.statement(views, now))).collect()
}

/// The keys of a store from the rows that hold them; `None` if it has none yet.
fn vault(
    rows: Vec<(String, i64, Vec<u8>)>,
    master: &MasterKey,
    previous: Option<&MasterKey>,
    random: &Random,
) -> Result<Option<Vault>, OpenFault> {
    if rows.is_empty() {
        return Ok(None);
    }
    let key = |(purpose, key_id, sealed): (String, i64, Vec<u8>)| {
        let known = Purpose::ALL.into_iter().map(Purpose::as_str).find(|known| *known == purpose);
        SealedKey { purpose: known.unwrap_or_default(), key_id: u32::try_from(key_id).unwrap_or(0), sealed }
    };
    let rows: Vec<_> = rows.into_iter().map(key).collect();
    let opened = match (VaultKeys::open(master, &rows), previous) {
        (Err(VaultFault::WrongMasterKey), Some(previous)) => VaultKeys::open(previous, &rows),
        (opened, _) => opened,
    };
    match opened {
        Ok(keys) => Ok(Some(keys.into_vault(random.clone()))),
        Err(VaultFault::WrongMasterKey) => Err(OpenFault::WrongMasterKey),
        Err(VaultFault::Damaged) => {
            Err(OpenFault::Corrupt("a key of the vault's is missing or was changed".to_owned()))
        }
    }
}
