//! The verbs. What each promises is written here, once, and holds for every backend; the conformance suite holds it.

use std::sync::Arc;

use portvakt_crypto::digest::HmacKey;
use portvakt_protocol::client::{Client, ClientId};
use portvakt_protocol::evidence::Evidence;
use portvakt_protocol::issuer::Issuer;
use portvakt_protocol::person::Pid;
use portvakt_protocol::provider::{PersonStanding, Pool, Provider};
use portvakt_protocol::registration::{Change, PersonRecord, Registry};
use portvakt_protocol::secret::{BrowserDigest, LoginDigest};
use portvakt_protocol::time::Timestamp;
use tokio::time::Instant;

use crate::embedded::Embedded;
use crate::postgres::Postgres;
use crate::verbs::{
    Actor, AuditRecord, Duty, FoundLogin, Generation, Issue, LoginWrite, NewLogin, OwnerWarning, Registered,
    StoredKey, SweepPolicy, Swept,
};
use crate::{Backend, Broken, OpenFault, Opening, Store, StoreUrl};

/// A verb, on whichever backend there is.
macro_rules! verb {
    ($self:ident, $name:literal, $store:ident => $call:expr) => {{
        let work = async {
            match &$self.backend {
                Backend::Embedded($store) => $call.await,
                Backend::Postgres($store) => $call.await,
            }
        };
        #[cfg(feature = "danger-faults")]
        let work = $self.faults.around($name, work);
        work.await
    }};
}

// Behind the macro that they use.
mod grants;
mod taken_back;

/// What a backend did about a code, or a refresh token. The witness is made here, of a backend's word that its commit is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Redemption {
    Spent,
    Replayed,
    Unknown,
}

/// Opening, closing, and what the store is asked about itself.
impl Store {
    /// Opens a store, or makes a new one where there is nothing: opens its keys, and seals them anew if the master key is being
    /// changed. The embedded store brings its schema up to date by itself; a database's is [`crate::migrate`]'s alone. A refused
    /// opening writes nothing.
    ///
    /// # Errors
    /// [`OpenFault`] says what to do next.
    pub async fn open(opening: Opening) -> Result<Self, OpenFault> {
        let backend = match opening.url.clone() {
            StoreUrl::Folder(folder) => Backend::Embedded(Embedded::open(&folder, opening)?),
            StoreUrl::Postgres(url) => Backend::Postgres(Postgres::open(&url, opening).await?),
        };
        Ok(Self {
            backend,
            #[cfg(feature = "danger-faults")]
            faults: crate::faults::Faults::default(),
        })
    }

    /// Carries out every write asked for so far, then ends: each later verb answers [`Broken::Closed`].
    ///
    /// # Errors
    /// [`Broken`] if the end could not be made durable. Nothing acknowledged is lost by that.
    pub async fn close(&self) -> Result<(), Broken> {
        verb!(self, "close", store => store.close())
    }

    /// Whether the store can read and write now. After a failed commit it tries a write of its own at each call, so a full disk
    /// that has been emptied is noticed without a request being lost to the attempt.
    ///
    /// # Errors
    /// [`Broken`]: the store should get no traffic.
    pub async fn health(&self, now: Timestamp) -> Result<(), Broken> {
        verb!(self, "health", store => store.health(now))
    }

    /// The key for pairwise `sub`. It is the store's for life; no change of master key changes it.
    pub fn pairwise_key(&self) -> &HmacKey {
        match &self.backend {
            Backend::Embedded(store) => store.pairwise_key(),
            Backend::Postgres(store) => store.pairwise_key(),
        }
    }

    /// How often the registry or a signing key has changed. Whoever sees the same generation twice has missed no change in between.
    ///
    /// # Errors
    /// [`Broken`].
    pub async fn generation(&self) -> Result<Generation, Broken> {
        verb!(self, "generation", store => store.generation())
    }

    /// The generation that copies of what is stored may be of: at most a second old. `None`: the store was not heard for that long, and
    /// no copy may be used, but those of what is published anyway.
    pub fn current(&self) -> Option<Generation> {
        match &self.backend {
            Backend::Embedded(store) => Some(store.current()),
            Backend::Postgres(store) => store.current(),
        }
    }

    /// The same store for one request: none of its verbs waits for its first answer beyond `deadline`, and one that begins later is
    /// [`Broken`] at once. What became of a write that was not answered is still found out, which takes half a second at most. The
    /// embedded store answers as fast as its disk does.
    #[must_use]
    pub fn until(&self, deadline: Instant) -> Self {
        let mut until = self.clone();
        if let Backend::Postgres(store) = &self.backend {
            until.backend = Backend::Postgres(store.until(deadline));
        }
        until
    }

    /// Whether this process has a duty from `now` to `until`: of those that share a store, one alone. Whoever has it may take it again,
    /// and does so before `until` to keep it.
    ///
    /// # Errors
    /// [`Broken`].
    pub async fn take_duty(&self, duty: Duty, now: Timestamp, until: Timestamp) -> Result<bool, Broken> {
        verb!(self, "take_duty", store => store.take_duty(duty, now, until))
    }
}

/// Registrations.
impl Store {
    /// Everything registered at an issuer, and the generation it is of: one moment's picture.
    ///
    /// # Errors
    /// [`Broken`].
    pub async fn registry(&self, issuer: &Issuer) -> Result<(Generation, Registry), Broken> {
        verb!(self, "registry", store => store.registry(issuer))
    }

    /// The test persons of a pool, by number.
    ///
    /// # Errors
    /// [`Broken`].
    pub async fn persons(&self, pool: &Pool) -> Result<Vec<PersonRecord>, Broken> {
        verb!(self, "persons", store => store.persons(pool))
    }

    /// Brings changes about, all in one commit or none, each with its audit record. A change to what stands already is none: it
    /// leaves no record and no new generation.
    ///
    /// With `expected`, the changes were decided on that generation, and nothing is written if the registry has changed since.
    ///
    /// # Errors
    /// [`Broken`], also when a change names what is not registered: the rules decide before. Nothing is written then.
    pub async fn register(
        &self,
        changes: Vec<Change>,
        expected: Option<Generation>,
        actor: Actor,
        now: Timestamp,
    ) -> Result<Registered, Broken> {
        verb!(self, "register", store => store.register(changes, expected, actor, now))
    }

    /// A registered client, parsed against `provider` as it is now. A registration that no longer parses there is logged, and
    /// is none. The answer is as fresh as the last acknowledged [`Store::register`].
    ///
    /// # Errors
    /// [`Broken`].
    pub async fn client(
        &self,
        provider: &Provider,
        client_id: &ClientId,
    ) -> Result<Option<Arc<Client>>, Broken> {
        verb!(self, "client", store => store.client(provider, client_id))
    }

    /// Active persons of these pools, `limit` at most, by number: to pick from.
    ///
    /// # Errors
    /// [`Broken`].
    pub async fn some_persons(&self, pools: &[Pool], limit: u32) -> Result<Vec<Pid>, Broken> {
        verb!(self, "some_persons", store => store.some_persons(pools, limit))
    }

    /// Where a person stands in these pools taken together.
    ///
    /// # Errors
    /// [`Broken`].
    pub async fn person_standing(&self, pools: &[Pool], pid: &Pid) -> Result<PersonStanding, Broken> {
        verb!(self, "person_standing", store => store.person_standing(pools, pid))
    }
}

/// Logins under way. A login is its browser's: to any other, it is unknown.
impl Store {
    /// Begins a login.
    ///
    /// # Errors
    /// [`Broken`], also for a client that the issuer does not have.
    pub async fn begin_login(&self, issuer: &Issuer, login: NewLogin) -> Result<(), Broken> {
        verb!(self, "begin_login", store => store.begin_login(issuer, login))
    }

    /// Finds a login of this browser's.
    ///
    /// # Errors
    /// [`Broken`].
    pub async fn login(
        &self,
        issuer: &Issuer,
        login: LoginDigest,
        browser: BrowserDigest,
        now: Timestamp,
    ) -> Result<FoundLogin, Broken> {
        verb!(self, "login", store => store.login(issuer, login, browser, now))
    }

    /// Records who logged in; later evidence takes the place of earlier. Audit: `login`.
    ///
    /// # Errors
    /// [`Broken`].
    pub async fn record_evidence(
        &self,
        issuer: &Issuer,
        login: LoginDigest,
        browser: BrowserDigest,
        evidence: Evidence,
        now: Timestamp,
    ) -> Result<LoginWrite, Broken> {
        verb!(self, "record_evidence", store => store.record_evidence(issuer, login, browser, evidence, now))
    }

    /// Finishes a login with a code: the mark, the grant and the code are one commit, and one call alone ever gets
    /// [`LoginWrite::Done`]. A login without evidence, or of another client than the grant's, is [`LoginWrite::Unknown`].
    /// Audit: `code_issued`.
    ///
    /// # Errors
    /// [`Broken`].
    pub async fn finish_login(
        &self,
        issuer: &Issuer,
        login: LoginDigest,
        browser: BrowserDigest,
        issue: Issue,
        now: Timestamp,
    ) -> Result<LoginWrite, Broken> {
        verb!(self, "finish_login", store => store.finish_login(issuer, login, browser, issue, now))
    }

    /// Finishes a login without a grant: it was cancelled or refused, for `reason`. Audit: `login_refused`.
    ///
    /// # Errors
    /// [`Broken`].
    pub async fn refuse_login(
        &self,
        issuer: &Issuer,
        login: LoginDigest,
        browser: BrowserDigest,
        reason: &'static str,
        now: Timestamp,
    ) -> Result<LoginWrite, Broken> {
        verb!(self, "refuse_login", store => store.refuse_login(issuer, login, browser, reason, now))
    }

    /// Logout: finishes every unfinished login of these browser secrets' at this issuer, all in one commit, and says how many there
    /// were. Audit, if there were any: one `logins_ended`. Where there are none, nothing is written and no write is waited for.
    ///
    /// # Errors
    /// [`Broken`].
    pub async fn end_logins(
        &self,
        issuer: &Issuer,
        browsers: &[BrowserDigest],
        now: Timestamp,
    ) -> Result<u64, Broken> {
        verb!(self, "end_logins", store => store.end_logins(issuer, browsers, now))
    }
}

/// Warnings to the owners of clients.
impl Store {
    /// Records a warning, and says whether it is the first of its kind and reason for this client on this day (UTC): of several nodes,
    /// one alone warns.
    ///
    /// # Errors
    /// [`Broken`].
    pub async fn warn_owner(&self, issuer: &Issuer, warning: &OwnerWarning) -> Result<bool, Broken> {
        verb!(self, "warn_owner", store => store.warn_owner(issuer, warning))
    }

    /// The warnings since an instant, newest first.
    ///
    /// # Errors
    /// [`Broken`].
    pub async fn owner_warnings(
        &self,
        issuer: &Issuer,
        since: Timestamp,
    ) -> Result<Vec<OwnerWarning>, Broken> {
        verb!(self, "owner_warnings", store => store.owner_warnings(issuer, since))
    }
}

/// Signing keys.
impl Store {
    /// The keys of an issuer's that its JWK Set shows at `now`, in the order in which they sign.
    ///
    /// # Errors
    /// [`Broken`].
    pub async fn signing_keys(&self, issuer: &Issuer, now: Timestamp) -> Result<Vec<StoredKey>, Broken> {
        verb!(self, "signing_keys", store => store.signing_keys(issuer, now))
    }

    /// Stores an issuer's first key, and says whether it did: an issuer that shows a key at `now` keeps that one, so of two
    /// starts at once one key comes. Read [`Store::signing_keys`] afterwards. Audit: `key_published`.
    ///
    /// # Errors
    /// [`Broken`]; [`Broken::ClockBehind`] if the issuer has keys, and `now` is before each was published.
    pub async fn add_signing_key(
        &self,
        issuer: &Issuer,
        key: StoredKey,
        now: Timestamp,
    ) -> Result<bool, Broken> {
        verb!(self, "add_signing_key", store => store.add_signing_key(issuer, key, now))
    }

    /// Stores the next key and ends the older ones, in one commit: none of them signs from `new.signs_from` on, and each leaves
    /// the JWK Set at `previous_removed`, unless either was to come earlier. In an emergency `new.signs_from` is `now`, which
    /// also stops a next key that had not begun to sign. Audit: `key_rotated`.
    ///
    /// # Errors
    /// [`Broken`].
    pub async fn rotate_signing_key(
        &self,
        issuer: &Issuer,
        new: StoredKey,
        previous_removed: Timestamp,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<(), Broken> {
        let done = verb!(self, "rotate_signing_key", store => store.rotate_signing_key(issuer, new, previous_removed, None, actor, now))?;
        match done {
            Registered::Done => Ok(()),
            Registered::Conflict => {
                Err(Broken::Engine("a rotation without a condition was refused".to_owned()))
            }
        }
    }

    /// As [`Store::rotate_signing_key`], decided on the generation `expected`: nothing is stored if a key or the registry has changed
    /// since, so of two processes that find a rotation due one alone makes a key.
    ///
    /// # Errors
    /// [`Broken`].
    pub async fn rotate_signing_key_at(
        &self,
        issuer: &Issuer,
        new: StoredKey,
        previous_removed: Timestamp,
        expected: Generation,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<Registered, Broken> {
        verb!(self, "rotate_signing_key_at", store => store.rotate_signing_key(issuer, new, previous_removed, Some(expected), actor, now))
    }
}

/// Upkeep.
impl Store {
    /// Removes what has ended, a batch to a commit. A grant goes with its codes and refresh tokens, when it and the last of
    /// them have ended: what was spent stays recognisable until then. An access token, which ends with its grant at the latest, goes by its
    /// own end. A signing key goes when it has left the JWK Set. Audit records go by their own
    /// retention alone, and never the newest.
    ///
    /// # Errors
    /// [`Broken`]; what was removed until then stays removed.
    pub async fn sweep(&self, now: Timestamp, policy: SweepPolicy) -> Result<Swept, Broken> {
        verb!(self, "sweep", store => store.sweep(now, policy))
    }

    /// At most `limit` audit records with numbers above `after`, in order.
    ///
    /// # Errors
    /// [`Broken`].
    pub async fn audit(&self, after: i64, limit: u32) -> Result<Vec<AuditRecord>, Broken> {
        verb!(self, "audit", store => store.audit(after, limit))
    }
}
