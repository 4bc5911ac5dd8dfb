//! What a command did to the registry, as it is told.

use portvakt_protocol::catalogue::{Plan, PlanLine, Sign};
use portvakt_protocol::client::ClientId;
use portvakt_protocol::issuer::Issuer;
use portvakt_protocol::registration::Change;
use portvakt_protocol::secret::ClientSecret;
use serde::{Deserialize, Serialize};

use super::carried::Carried;

/// What was done, or with `dry_run` would be.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Applied {
    /// Whether nothing of it was done.
    pub(crate) dry_run: bool,
    /// What happened to each thing, in order.
    pub(crate) changes: Vec<Line>,
    /// The secrets that were generated. This is the only time that they are told.
    pub(crate) secrets: Vec<Generated>,
}

/// What happened to one thing.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Line {
    /// What happened.
    pub(crate) change: Mark,
    /// To what.
    pub(crate) what: String,
    /// Where; absent for what belongs to a pool.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) issuer: Option<String>,
    /// The fields that change, or what there is to know; may be empty.
    pub(crate) detail: String,
}

/// What can happen to a thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Mark {
    /// It is registered.
    Create,
    /// It is changed.
    Update,
    /// It is stopped.
    Deactivate,
    /// It stays as it is.
    Unchanged,
}

/// A generated secret.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Generated {
    /// Where.
    pub(crate) issuer: String,
    /// Whose.
    pub(crate) client_id: String,
    /// The secret.
    pub(crate) client_secret: Carried,
    /// Its end, RFC 3339.
    pub(crate) expires: String,
}

impl Applied {
    /// Of a plan that was carried out, or with `dry_run` only made.
    pub(crate) fn of(plan: Plan, dry_run: bool) -> Self {
        let generated = if dry_run { &[] } else { plan.generated.as_slice() };
        let secrets = generated.iter().map(|secret| Generated::of(secret, &plan.changes)).collect();
        Self { dry_run, changes: plan.lines.into_iter().map(Line::from).collect(), secrets }
    }
}

impl From<PlanLine> for Line {
    fn from(line: PlanLine) -> Self {
        let change = match line.sign {
            Sign::Create => Mark::Create,
            Sign::Update => Mark::Update,
            Sign::Deactivate => Mark::Deactivate,
            Sign::Unchanged => Mark::Unchanged,
        };
        let issuer = line.issuer.map(|issuer| issuer.as_str().to_owned());
        Self { change, what: line.what, issuer, detail: line.detail }
    }
}

impl Generated {
    fn of((issuer, id, secret): &(Issuer, ClientId, ClientSecret), changes: &[Change]) -> Self {
        let wanted = secret.digest();
        let expires = changes.iter().find_map(|change| match change {
            Change::Secret { digest, expires, .. } if *digest == wanted => Some(*expires),
            Change::Organisation { .. }
            | Change::Scope { .. }
            | Change::ScopeAccess { .. }
            | Change::NotBefore { .. }
            | Change::Client { .. }
            | Change::Secret { .. }
            | Change::EndSecrets { .. }
            | Change::Person { .. } => None,
        });
        Self {
            issuer: issuer.as_str().to_owned(),
            client_id: id.as_str().to_owned(),
            client_secret: Carried::new(secret.reveal()),
            expires: expires.map(portvakt_protocol::time::Timestamp::to_rfc3339).unwrap_or_default(),
        }
    }
}
