//! Storage in protocol verbs. A verb is the unit of atomicity: there is no public transaction and no closure run inside one,
//! so check-then-act cannot be written. The issuer and `now` are always passed in. What is used once can be read only in a
//! form that nothing can sign, and is spent by one conditional write that answers with a witness.
//!
//! The verbs are methods of [`Store`], grouped by what they are about: registrations, logins, grants, signing keys, upkeep.
//! Each backend writes its own SQL behind them, and none can be named by a caller.

mod audit;
mod backup;
mod check;
mod client_cache;
mod client_rows;
mod contract;
mod copy;
mod embedded;
mod error;
#[cfg(feature = "danger-faults")]
mod faults;
mod grant_columns;
mod issuers;
#[cfg(feature = "danger-faults")]
mod planted;
mod postgres;
mod prepared;
mod retention;
mod row;
mod sealed;
mod standing_cache;
mod status;
mod vault;
pub mod verbs;

pub use backup::{BackupFault, Ended, backup, end_past, restore};
pub use check::{Checked, Finding, check, check_statements};
pub use copy::{Copied, CopyFault, Copying, copy};
pub use error::{Broken, OpenFault};
#[cfg(feature = "danger-faults")]
pub use faults::Fault;
#[cfg(feature = "danger-faults")]
pub use planted::{Bug, danger_plant};
pub use postgres::{Pooler, PostgresUrl, PostgresUrlFault, SchemaStatus, migrate, schema_status, statements};
pub use status::{StoreStatus, TableStatus, store_status};
pub use vault::{MasterKey, MasterKeyFault};
pub use verbs::*;

use portvakt_crypto::random::Random;
use portvakt_protocol::time::Timestamp;

/// Where the data is. The scheme picks the backend: a path is the embedded store's folder, `postgres://` a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreUrl {
    /// A folder of this machine's, owned by one process.
    Folder(std::path::PathBuf),
    /// A database that several processes share.
    Postgres(Box<PostgresUrl>),
}

/// How to open a store.
#[derive(Debug)]
pub struct Opening {
    /// Where.
    pub url: StoreUrl,
    /// What the keys inside are sealed under.
    pub master: MasterKey,
    /// The master key they were sealed under until now, when it is being changed: everything is sealed anew on opening.
    pub previous_master: Option<MasterKey>,
    /// The source of nonces and new keys.
    pub random: Random,
    /// The present.
    pub now: Timestamp,
}

/// The store. Clones share one backend.
#[derive(Clone, Debug)]
pub struct Store {
    backend: Backend,
    #[cfg(feature = "danger-faults")]
    faults: faults::Faults,
}

/// No caller can name a backend.
#[derive(Clone, Debug)]
enum Backend {
    Embedded(embedded::Embedded),
    Postgres(postgres::Postgres),
}
