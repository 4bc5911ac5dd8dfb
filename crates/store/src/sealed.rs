//! What rows hold sealed, and what each value is bound to. One place for both backends, so that a row that moves from one to the
//! other still opens.

use portvakt_protocol::evidence::{Evidence, Method};
use portvakt_protocol::grant::{Grant, GrantId};
use portvakt_protocol::issuer::Issuer;
use portvakt_protocol::person::{PersonHandle, Pid};
use portvakt_protocol::provider::Pool;
use portvakt_protocol::registration::PersonRecord;
use portvakt_protocol::secret::LoginDigest;
use portvakt_protocol::time::Timestamp;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::Broken;
use crate::row;
use crate::vault::{Column, Vault};
use crate::verbs::StoredKey;

const REQUEST: Column = Column { table: "login", column: "request_sealed" };
const EVIDENCE: Column = Column { table: "login", column: "evidence_sealed" };
const GRANT_PID: Column = Column { table: "login_grant", column: "pid_sealed" };
const PERSON_PID: Column = Column { table: "person", column: "pid_sealed" };
const PRIVATE_KEY: Column = Column { table: "signing_key", column: "private_sealed" };

/// Evidence as it is sealed.
#[derive(Serialize, Deserialize)]
struct EvidenceText<'a> {
    pid: &'a str,
    method: &'a str,
    assurance: &'a str,
    auth_time: i64,
}

/// A person on the way to a pool: sealed already.
#[derive(Debug)]
pub(crate) struct Assignment {
    pub(crate) pool: String,
    pub(crate) person: PersonHandle,
    pub(crate) pid_sealed: Vec<u8>,
    pub(crate) active: bool,
}

/// A signing key on the way to its row: sealed already, and without its private part in the open.
#[derive(Debug)]
pub(crate) struct SealedSigningKey {
    /// The issuer's number.
    pub(crate) issuer: i64,
    pub(crate) kid: String,
    pub(crate) private_sealed: Vec<u8>,
    pub(crate) chain: Vec<u8>,
    pub(crate) published: Timestamp,
    pub(crate) signs_from: Timestamp,
    pub(crate) signs_until: Option<Timestamp>,
    pub(crate) removed: Option<Timestamp>,
}

/// Logins.
impl Vault {
    /// Seals a request's parameters for the row of its login.
    pub(crate) fn seal_request(&self, issuer: i64, login: LoginDigest, request: &str) -> Vec<u8> {
        self.seal(REQUEST, &[&issuer.to_be_bytes(), login.as_bytes()], request.as_bytes())
    }

    /// Opens what [`Vault::seal_request`] sealed.
    ///
    /// # Errors
    /// [`Broken::Row`].
    pub(crate) fn open_request(
        &self,
        issuer: i64,
        login: LoginDigest,
        sealed: &[u8],
    ) -> Result<String, Broken> {
        let request = self.open(REQUEST, &[&issuer.to_be_bytes(), login.as_bytes()], sealed)?;
        let request = std::str::from_utf8(&request).map_err(|_| row::unreadable("login", "request"))?;
        Ok(request.to_owned())
    }

    /// Seals evidence for the row of its login.
    ///
    /// # Errors
    /// [`Broken::Row`] if it cannot be written as text.
    pub(crate) fn seal_evidence(
        &self,
        issuer: i64,
        login: LoginDigest,
        evidence: &Evidence,
    ) -> Result<Vec<u8>, Broken> {
        let text = serde_json::to_vec(&EvidenceText {
            pid: evidence.pid.reveal(),
            method: evidence.method.as_str(),
            assurance: row::assurance_word(evidence.assurance),
            auth_time: evidence.auth_time.unix(),
        });
        let text = Zeroizing::new(text.map_err(|_| row::unreadable("login", "evidence"))?);
        Ok(self.seal(EVIDENCE, &[&issuer.to_be_bytes(), login.as_bytes()], &text))
    }

    /// Opens what [`Vault::seal_evidence`] sealed.
    ///
    /// # Errors
    /// [`Broken::Row`].
    pub(crate) fn open_evidence(
        &self,
        issuer: i64,
        login: LoginDigest,
        sealed: &[u8],
    ) -> Result<Evidence, Broken> {
        let text = self.open(EVIDENCE, &[&issuer.to_be_bytes(), login.as_bytes()], sealed)?;
        let unreadable = || row::unreadable("login", "evidence");
        let said: EvidenceText<'_> = serde_json::from_slice(&text).map_err(|_| unreadable())?;
        Ok(Evidence {
            pid: Pid::parse(said.pid).map_err(|_| unreadable())?,
            method: Method::named(said.method).ok_or_else(unreadable)?,
            assurance: row::assurance("login", said.assurance)?,
            auth_time: Timestamp::from_unix(said.auth_time),
        })
    }

    /// A tag of this evidence: equal for equal evidence, and nothing can be learnt from it without the lookup key. A store that
    /// decides in its own statement compares it in place of evidence that only this process can open.
    pub(crate) fn evidence_tag(&self, evidence: &Evidence) -> [u8; 32] {
        self.tag(&evidence.pid, evidence.method, row::assurance_word(evidence.assurance), evidence.auth_time)
    }

    /// The tag of the evidence that a grant tells of.
    pub(crate) fn grant_tag(&self, grant: &Grant) -> [u8; 32] {
        self.tag(&grant.pid, grant.method, row::assurance_word(grant.assurance), grant.auth_time)
    }

    fn tag(&self, pid: &Pid, method: Method, assurance: &str, auth_time: Timestamp) -> [u8; 32] {
        let auth_time = auth_time.unix().to_be_bytes();
        let told = [pid.reveal().as_bytes(), method.as_str().as_bytes(), assurance.as_bytes(), &auth_time];
        self.lookup_tag(b"evidence", &told)
    }
}

/// Whether a grant tells of this evidence.
pub(crate) fn tells_of(grant: &Grant, evidence: &Evidence) -> bool {
    let Evidence { pid, method, assurance, auth_time } = evidence;
    (&grant.pid, grant.method, grant.assurance, grant.auth_time) == (pid, *method, *assurance, *auth_time)
}

/// Grants and persons.
impl Vault {
    /// Seals a grant's `pid` for its row.
    pub(crate) fn seal_grant_pid(&self, issuer: i64, grant: GrantId, pid: &Pid) -> Vec<u8> {
        self.seal(GRANT_PID, &[&issuer.to_be_bytes(), &grant.0], pid.reveal().as_bytes())
    }

    /// Opens what [`Vault::seal_grant_pid`] sealed.
    ///
    /// # Errors
    /// [`Broken::Row`].
    pub(crate) fn open_grant_pid(&self, issuer: i64, grant: GrantId, sealed: &[u8]) -> Result<Pid, Broken> {
        self.open_pid(GRANT_PID, &[&issuer.to_be_bytes(), &grant.0], sealed)
    }

    /// Seals a person for a pool.
    pub(crate) fn assignment(&self, pool: Pool, record: &PersonRecord) -> Assignment {
        let person = self.handle(&record.pid);
        let key: [&[u8]; 2] = [pool.0.as_bytes(), person.as_bytes()];
        let pid_sealed = self.seal(PERSON_PID, &key, record.pid.reveal().as_bytes());
        Assignment { person, pid_sealed, active: record.active, pool: pool.0 }
    }

    /// Opens a person's `pid` in a pool's row.
    ///
    /// # Errors
    /// [`Broken::Row`].
    pub(crate) fn open_person_pid(&self, pool: &Pool, person: &[u8], sealed: &[u8]) -> Result<Pid, Broken> {
        self.open_pid(PERSON_PID, &[pool.0.as_bytes(), person], sealed)
    }
}

/// Signing keys.
impl Vault {
    /// Seals the private part, bound to issuer and `kid`.
    pub(crate) fn seal_signing_key(&self, number: i64, issuer: &Issuer, key: StoredKey) -> SealedSigningKey {
        let bound: [&[u8]; 2] = [issuer.as_str().as_bytes(), key.kid.as_bytes()];
        SealedSigningKey {
            issuer: number,
            private_sealed: self.seal(PRIVATE_KEY, &bound, &key.pkcs8),
            chain: join(&key.chain),
            kid: key.kid,
            published: key.published,
            signs_from: key.signs_from,
            signs_until: key.signs_until,
            removed: key.removed,
        }
    }

    /// Opens what [`Vault::seal_signing_key`] sealed.
    ///
    /// # Errors
    /// [`Broken::Row`].
    pub(crate) fn open_signing_key(
        &self,
        issuer: &Issuer,
        key: SealedSigningKey,
    ) -> Result<StoredKey, Broken> {
        let bound: [&[u8]; 2] = [issuer.as_str().as_bytes(), key.kid.as_bytes()];
        Ok(StoredKey {
            pkcs8: self.open(PRIVATE_KEY, &bound, &key.private_sealed)?,
            chain: split(&key.chain).ok_or_else(|| row::unreadable("signing_key", "chain"))?,
            kid: key.kid,
            published: key.published,
            signs_from: key.signs_from,
            signs_until: key.signs_until,
            removed: key.removed,
        })
    }
}

/// A chain as one value: each certificate preceded by its length, 32 bits.
fn join(chain: &[Vec<u8>]) -> Vec<u8> {
    let mut joined = Vec::new();
    for der in chain {
        joined.extend_from_slice(&u32::try_from(der.len()).unwrap_or(u32::MAX).to_be_bytes());
        joined.extend_from_slice(der);
    }
    joined
}

/// The chain that [`join`] joined; `None` if it is cut short.
fn split(mut joined: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut chain = Vec::new();
    while !joined.is_empty() {
        let (length, rest) = joined.split_first_chunk::<4>()?;
        let (der, rest) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
        chain.push(der.to_vec());
        joined = rest;
    }
    Some(chain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_cut_short_is_none() {
        let chain = vec![b"own".to_vec(), b"issuing".to_vec()];
        let joined = join(&chain);
        for length in (1..joined.len()).filter(|length| *length != 7) {
            assert_eq!(split(&joined[..length]), None, "{length} bytes");
        }
        assert_eq!(split(&joined), Some(chain));
        assert_eq!(split(&[]), Some(vec![]));
    }
}
