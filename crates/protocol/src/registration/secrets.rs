//! Client secrets as they are given, generated and rotated. A secret is shown once, kept as a digest, and ends after 360 days.

use std::collections::BTreeSet;

use portvakt_crypto::random::Random;

use super::fault::{Faults, Shown};
use super::{Change, ClientRecord, RegistrationFault};
use crate::client::StoredSecret;
use crate::issuer::Issuer;
use crate::profile::SECRET_LIFETIME;
use crate::provider::Environment;
use crate::secret::ClientSecret;
use crate::time::{Seconds, Timestamp};

/// In production a given secret has at least this many characters.
pub const SHORTEST_SECRET: usize = 22;

/// In production a given secret has at least this many different characters.
pub const FEWEST_DIFFERENT: usize = 10;

/// A given secret is at most this long.
pub const LONGEST_SECRET: usize = 255;

/// Judges a secret that an operator chose: printable ASCII (RFC 6749 appendix A.2), and in production hard to guess.
pub(crate) fn judge_secret(
    faults: &mut Faults,
    field: &str,
    secret: &ClientSecret,
    environment: Environment,
) {
    let text = secret.reveal();
    let shown = Shown::withheld("text", text);
    if text.is_empty()
        || text.len() > LONGEST_SECRET
        || !text.bytes().all(|byte| (0x20..=0x7E).contains(&byte))
    {
        let rule = format!(
            "must have 1 to {LONGEST_SECRET} characters, all of printable ASCII (RFC 6749 appendix A.2)"
        );
        faults.refuse(field, shown, rule);
    } else if environment.is_production() {
        let different = text.bytes().collect::<BTreeSet<_>>().len();
        if text.len() < SHORTEST_SECRET || different < FEWEST_DIFFERENT {
            let rule = format!(
                "must have at least {SHORTEST_SECRET} characters in production, at least {FEWEST_DIFFERENT} of them \
                 different; leave it out to have one generated"
            );
            faults.refuse(field, shown, rule);
        }
    }
}

impl ClientRecord {
    /// Its secrets that have not ended.
    pub fn living_secrets(&self, now: Timestamp) -> impl Iterator<Item = &StoredSecret> {
        self.secrets.iter().filter(move |secret| now < secret.expires)
    }
}

/// A new secret for a registered client: the change that brings it about, and the secret, to be shown once. Its other secrets
/// end after `keep_old`, by default at once.
///
/// # Errors
/// A [`RegistrationFault`] if the client authenticates without a secret.
pub fn rotate_secret(
    issuer: &Issuer,
    record: &ClientRecord,
    keep_old: Option<Seconds>,
    now: Timestamp,
    random: &Random,
) -> Result<(Change, ClientSecret), RegistrationFault> {
    let method = record.registration.token_endpoint_auth_method;
    if !method.has_secret() {
        return Err(RegistrationFault {
            path: "token_endpoint_auth_method".to_owned(),
            line: None,
            value: Shown::text(method.as_str()),
            rule: "must be client_secret_basic or client_secret_post: this client has no secret to rotate"
                .into(),
        });
    }
    let secret = ClientSecret::draw(random);
    let change = Change::Secret {
        issuer: issuer.clone(),
        client_id: record.registration.client_id.clone(),
        digest: secret.digest(),
        expires: now + SECRET_LIFETIME,
        others_expire: now + keep_old.unwrap_or_default(),
    };
    Ok((change, secret))
}
