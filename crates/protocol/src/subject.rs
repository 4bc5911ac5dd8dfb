//! The pairwise subject identifier (OpenID Connect Core §8.1): a keyed HMAC over issuer, client and person, so that it is
//! stable for one client, differs between clients and issuers, and says nothing of the number behind it.

use portvakt_crypto::digest::HmacKey;
use portvakt_crypto::encoding::{base64_encode as base64, base64url_encode as base64url};

use crate::client::ClientId;
use crate::issuer::Issuer;
use crate::person::Pid;
use crate::profile::SubjectSpelling;

/// The key of pairwise subjects, held apart from every other key. Changing it changes every `sub`.
#[derive(Clone, Debug)]
pub struct PairwiseKey(HmacKey);

impl PairwiseKey {
    /// The key as the store unsealed it.
    pub fn new(key: HmacKey) -> Self {
        Self(key)
    }

    /// The `sub` of a person for a client at an issuer.
    pub fn subject(
        &self,
        issuer: &Issuer,
        client: &ClientId,
        pid: &Pid,
        spelling: SubjectSpelling,
    ) -> String {
        let mac = self.0.mac_parts(&[
            b"sub",
            issuer.as_str().as_bytes(),
            client.as_str().as_bytes(),
            pid.reveal().as_bytes(),
        ]);
        spelling.spell(&mac)
    }
}

impl SubjectSpelling {
    /// 32 bytes in this spelling.
    pub fn spell(self, bytes: &[u8; 32]) -> String {
        match self {
            Self::Base64 => base64(bytes),
            Self::Base64Url => base64url(bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_23_sub_is_stable_per_client_and_person_and_differs_between_them() {
        let key = PairwiseKey::new(HmacKey::from_bytes([7; 32]));
        let issuers = ["https://a.example", "https://a.example/"].map(|text| Issuer::parse(text).unwrap());
        let clients = ["a", "b"].map(|text| ClientId::parse(text).unwrap());
        let people = ["21879498012", "20914695016"].map(|text| Pid::parse(text).unwrap());
        let mut seen = std::collections::HashSet::new();
        for issuer in &issuers {
            for client in &clients {
                for pid in &people {
                    let sub = key.subject(issuer, client, pid, SubjectSpelling::Base64Url);
                    assert_eq!(sub, key.subject(issuer, client, pid, SubjectSpelling::Base64Url));
                    assert_eq!(sub.len(), 43);
                    assert!(seen.insert(sub), "two subjects are one");
                }
            }
        }
        let padded = key.subject(&issuers[0], &clients[0], &people[0], SubjectSpelling::Base64);
        assert!(padded.len() == 44 && padded.ends_with('='));
    }
}
