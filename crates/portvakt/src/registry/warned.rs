//! Warnings to owners, as commands show them.

use std::fmt;

use portvakt_protocol::time::Seconds;
use portvakt_store::{OwnerWarning, WarningKind};
use serde::{Deserialize, Serialize};

use super::client::ShownSecret;
use crate::owners::FIRST_STAGE;

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
    /// It was refused often for one rule.
    RefusedOften {
        /// The rule's name.
        rule: String,
        /// When its owner was last warned of that, RFC 3339.
        at: String,
    },
}

impl Warned {
    /// What there is to tell of a client with these living secrets, of what its issuer's owners were warned of lately, newest first.
    pub(super) fn of(client_id: &str, secrets: &[ShownSecret], lately: &[OwnerWarning]) -> Vec<Self> {
        let last = secrets.iter().max_by_key(|secret| secret.days_left);
        let soon = last.filter(|secret| Seconds::days(secret.days_left) < FIRST_STAGE);
        let mut warned: Vec<Self> = soon.map(Self::from).into_iter().collect();
        let own = |known: &&OwnerWarning| {
            known.client_id.as_str() == client_id && known.kind == WarningKind::RefusedOften
        };
        for OwnerWarning { reason, at, .. } in lately.iter().filter(own) {
            let is_told =
                warned.iter().any(|known| matches!(known, Self::RefusedOften { rule, .. } if rule == reason));
            if !is_told {
                warned.push(Self::RefusedOften { rule: reason.clone(), at: at.to_rfc3339() });
            }
        }
        warned
    }
}

impl From<&ShownSecret> for Warned {
    fn from(secret: &ShownSecret) -> Self {
        Self::SecretEnds { expires: secret.expires.clone(), days_left: secret.days_left }
    }
}

impl fmt::Display for Warned {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SecretEnds { days_left: 0, .. } => out.write_str("secret ends within a day"),
            Self::SecretEnds { days_left, .. } => write!(out, "secret ends in {days_left} days"),
            Self::RefusedOften { rule, .. } => write!(out, "refused often: {rule}"),
        }
    }
}

/// A warning that was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Given {
    /// When, RFC 3339.
    pub(crate) at: String,
    /// Which client.
    pub(crate) client_id: String,
    /// `secret_ends` or `refused_often`.
    pub(crate) kind: String,
    /// When the secret ends, RFC 3339; or the rule's name.
    pub(crate) reason: String,
}

impl From<OwnerWarning> for Given {
    fn from(warning: OwnerWarning) -> Self {
        let OwnerWarning { client_id, kind, reason, at } = warning;
        Self { at: at.to_rfc3339(), client_id: client_id.to_string(), kind: kind.as_str().to_owned(), reason }
    }
}

#[cfg(test)]
mod tests {
    use portvakt_protocol::client::ClientId;
    use portvakt_protocol::time::Timestamp;

    use super::*;

    fn secret(days_left: u32) -> ShownSecret {
        ShownSecret { expires: format!("in {days_left}"), days_left }
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
        assert_eq!(Warned::of("a", &[secret(60)], &lately), []);
        assert_eq!(Warned::of("a", &[secret(3), secret(100)], &lately), [], "another goes on");
    }

    #[test]
    fn each_rule_is_told_once_with_its_last_warning() {
        let lately = [refused("a", "x", 20), refused("a", "y", 15), refused("a", "x", 10)];
        let warned = Warned::of("a", &[secret(59), secret(0)], &lately);
        let words: Vec<_> = warned.iter().map(ToString::to_string).collect();
        assert_eq!(words, ["secret ends in 59 days", "refused often: x", "refused often: y"]);
        let Warned::RefusedOften { at, .. } = &warned[1] else { panic!("{warned:?}") };
        assert_eq!(at, "1970-01-01T00:00:20Z");
        assert_eq!(Warned::of("a", &[secret(0)], &[])[0].to_string(), "secret ends within a day");
    }
}
