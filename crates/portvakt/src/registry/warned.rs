//! Warnings to owners, as commands show them.

use std::fmt;

use portvakt_protocol::registration::ClientRecord;
use portvakt_protocol::time::{Seconds, Timestamp};
use portvakt_store::{OwnerWarning, WarningKind};
use serde::{Deserialize, Serialize};

use super::client::days_left;
use crate::owners::{FIRST_STAGE, SecretEnd};

/// For so long a list tells that a client was refused often.
pub(crate) const REFUSED_LATELY: Seconds = Seconds::days(7);

/// What is to be told of a client now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Warned {
    /// Its last secret ends soon.
    SecretEnds {
        /// When, RFC 3339.
        expires: String,
        /// Whole days until then.
        days_left: u32,
    },
    /// Another secret of its ends soon, and no harm comes of that if nobody uses it.
    OlderSecretEnds {
        /// When, RFC 3339.
        expires: String,
        /// Whole days until then.
        days_left: u32,
        /// When the last one ends, RFC 3339.
        goes_on_until: String,
    },
    /// Its last secret has ended.
    SecretEnded {
        /// When, RFC 3339.
        expires: String,
    },
    /// It was refused often for one rule.
    RefusedOften {
        /// The rule's name.
        rule: String,
        /// When its owner was last warned of that, RFC 3339.
        at: String,
    },
}

impl Warned {
    /// What there is to tell of a client, of what its issuer's owners were warned of lately, newest first.
    pub(super) fn of(record: &ClientRecord, lately: &[OwnerWarning], now: Timestamp) -> Vec<Self> {
        let soon = SecretEnd::of(record, now).into_iter().filter(|end| end.expires <= now + FIRST_STAGE);
        let mut warned: Vec<Self> = soon.map(|end| Self::of_secret(end, now)).collect();
        let client_id = &record.registration.client_id;
        let own =
            |known: &&OwnerWarning| known.client_id == *client_id && known.kind == WarningKind::RefusedOften;
        for OwnerWarning { reason, at, .. } in lately.iter().filter(own) {
            let is_told =
                warned.iter().any(|known| matches!(known, Self::RefusedOften { rule, .. } if rule == reason));
            if !is_told {
                warned.push(Self::RefusedOften { rule: reason.clone(), at: at.to_rfc3339() });
            }
        }
        warned
    }

    fn of_secret(SecretEnd { expires, goes_on_until }: SecretEnd, now: Timestamp) -> Self {
        let days_left = days_left(expires, now);
        let expires_at = expires.to_rfc3339();
        match goes_on_until {
            None if expires <= now => Self::SecretEnded { expires: expires_at },
            None => Self::SecretEnds { expires: expires_at, days_left },
            Some(until) => {
                Self::OlderSecretEnds { expires: expires_at, days_left, goes_on_until: until.to_rfc3339() }
            }
        }
    }
}

impl fmt::Display for Warned {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SecretEnds { days_left, .. } => write!(out, "secret ends {}", within(*days_left)),
            Self::OlderSecretEnds { days_left, .. } => {
                write!(out, "older secret ends {}, another goes on", within(*days_left))
            }
            Self::SecretEnded { .. } => out.write_str("secret has ended"),
            Self::RefusedOften { rule, .. } => write!(out, "refused often: {rule}"),
        }
    }
}

/// How soon something comes, as people say it.
fn within(days_left: u32) -> String {
    match days_left {
        0 => "within a day".to_owned(),
        1 => "in 1 day".to_owned(),
        days => format!("in {days} days"),
    }
}

/// A warning that was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Given {
    /// When, RFC 3339.
    pub(crate) at: String,
    /// Which client.
    pub(crate) client_id: String,
    /// `secret_ends`, `secret_ended` or `refused_often`.
    pub(crate) kind: String,
    /// When the secret ends or did, RFC 3339; or the rule's name.
    pub(crate) reason: String,
}

impl From<OwnerWarning> for Given {
    fn from(warning: OwnerWarning) -> Self {
        let OwnerWarning { client_id, kind, reason, at } = warning;
        let has_ended = kind == WarningKind::SecretEnds
            && Timestamp::from_rfc3339(&reason).is_some_and(|expires| expires <= at);
        let kind = if has_ended { "secret_ended" } else { kind.as_str() };
        Self { at: at.to_rfc3339(), client_id: client_id.to_string(), kind: kind.to_owned(), reason }
    }
}

#[cfg(test)]
mod tests {
    use portvakt_protocol::client::{AuthMethod, ClientId, StoredSecret};
    use portvakt_protocol::registration::ClientRegistration;
    use portvakt_protocol::secret::ClientSecret;
    use portvakt_testkit::registration;

    use super::*;
    use crate::served::tests::NOW;

    /// A client with secrets that end so many days and an hour from now.
    fn record(days: &[i64]) -> ClientRecord {
        let secret = |days: &i64| StoredSecret {
            digest: ClientSecret::presented("swordfish").digest(),
            expires: Timestamp::from_unix(NOW.unix() + days * 86_400 + 3600),
        };
        ClientRecord {
            registration: registration("a"),
            active: true,
            created: NOW,
            last_updated: NOW,
            secrets: days.iter().map(secret).collect(),
        }
    }

    fn words(record: &ClientRecord, lately: &[OwnerWarning]) -> Vec<String> {
        Warned::of(record, lately, NOW).iter().map(ToString::to_string).collect()
    }

    fn refused(client: &str, rule: &str, at: i64) -> OwnerWarning {
        OwnerWarning {
            client_id: ClientId::parse(client).unwrap(),
            kind: WarningKind::RefusedOften,
            reason: rule.to_owned(),
            at: Timestamp::from_unix(at),
        }
    }

    #[test]
    fn a_secret_that_lasts_and_what_others_were_warned_of_is_not_told() {
        let lately =
            [refused("b", "x", 9), OwnerWarning { kind: WarningKind::SecretEnds, ..refused("a", "x", 9) }];
        assert_eq!(words(&record(&[60]), &lately), [""; 0]);
        assert_eq!(words(&record(&[]), &[]), [""; 0], "it never had one");
        assert_eq!(words(&record(&[-3, 100]), &[]), [""; 0], "it has ended, and another goes on");
        let registration =
            ClientRegistration { token_endpoint_auth_method: AuthMethod::None, ..registration("a") };
        let without = ClientRecord { registration, ..record(&[3]) };
        assert_eq!(words(&without, &[]), [""; 0], "it authenticates without");
    }

    #[test]
    fn each_secret_that_ends_is_told_the_older_more_mildly() {
        assert_eq!(
            words(&record(&[59, 0]), &[]),
            ["older secret ends within a day, another goes on", "secret ends in 59 days"]
        );
        assert_eq!(
            words(&record(&[300, 1, 30]), &[]),
            ["older secret ends in 1 day, another goes on", "older secret ends in 30 days, another goes on",]
        );
        assert_eq!(words(&record(&[59, 59]), &[]), ["secret ends in 59 days"], "both at once");
        assert_eq!(words(&record(&[-400, -3]), &[]), ["secret has ended"]);
        let [Warned::OlderSecretEnds { goes_on_until, .. }] = &Warned::of(&record(&[3, 300]), &[], NOW)[..]
        else {
            panic!("one ends")
        };
        assert_eq!(*goes_on_until, (NOW + Seconds::days(300) + Seconds::new(3600)).to_rfc3339());
    }

    #[test]
    fn each_rule_is_told_once_with_its_last_warning() {
        let lately = [refused("a", "x", 20), refused("a", "y", 15), refused("a", "x", 10)];
        assert_eq!(
            words(&record(&[59]), &lately),
            ["secret ends in 59 days", "refused often: x", "refused often: y"]
        );
        let warned = Warned::of(&record(&[]), &lately, NOW);
        let Warned::RefusedOften { at, .. } = &warned[0] else { panic!("{warned:?}") };
        assert_eq!(at, "1970-01-01T00:00:20Z");
    }

    #[test]
    fn a_warning_that_was_given_when_the_secret_had_ended_is_told_as_such() {
        let given = |at: Timestamp, kind| {
            let warning = OwnerWarning { kind, reason: NOW.to_rfc3339(), at, ..refused("a", "x", 0) };
            Given::from(warning).kind
        };
        assert_eq!(given(NOW - Seconds::new(1), WarningKind::SecretEnds), "secret_ends");
        assert_eq!(given(NOW, WarningKind::SecretEnds), "secret_ended");
        assert_eq!(given(NOW, WarningKind::RefusedOften), "refused_often");
    }
}
