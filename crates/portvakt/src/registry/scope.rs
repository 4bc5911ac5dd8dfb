//! Scopes beside `openid` and `profile`, which are always there.

use portvakt_protocol::catalogue::{Catalogue, RawScope};
use portvakt_protocol::registration::Change;
use portvakt_protocol::scope::ScopeRecord;
use portvakt_store::Actor;
use serde::{Deserialize, Serialize};

use super::{Place, change_at, registries, taken, unknown};
use crate::desk::{Answer, Desk, Refused};

/// What can be done with scopes.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ScopeDeed {
    /// Registers one.
    Add {
        /// The scope.
        scope: String,
        /// What it gives access to.
        description: Option<String>,
        /// `OPAQUE` or `SELF_CONTAINED`; none: the profile's own.
        token_type: Option<String>,
        /// Seconds; none or 0: no limit.
        at_max_age: Option<i64>,
    },
    /// Refuses it from now on where it is asked for.
    Deactivate {
        /// Which.
        scope: String,
    },
    /// Gives it again.
    Activate {
        /// Which.
        scope: String,
    },
    /// Shows all.
    List,
}

impl ScopeDeed {
    /// Its command's name, for logs.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Add { .. } => "scope add",
            Self::Deactivate { .. } => "scope deactivate",
            Self::Activate { .. } => "scope activate",
            Self::List => "scope list",
        }
    }
}

/// Carries a deed out at the named issuer, or the only one.
///
/// # Errors
/// Why it was not; nothing has changed then.
pub(crate) async fn perform(
    desk: &Desk,
    actor: &Actor,
    issuer: Option<&str>,
    deed: ScopeDeed,
) -> Result<Answer, Refused> {
    match deed {
        ScopeDeed::Add { scope, description, token_type, at_max_age } => {
            let decide = |place: &Place<'_>| {
                if known(place, &scope).is_ok() {
                    let other = "bring a change about with `portvakt apply`";
                    return Err(taken("scope", &scope, place.provider, other).into());
                }
                let raw = RawScope {
                    scope: Some(scope.clone()),
                    description: description.clone(),
                    token_type: token_type.clone(),
                    at_max_age,
                    active: None,
                };
                place.plan(&Catalogue::of_scope(&place.issuers(), raw))
            };
            change_at(desk, actor, issuer, decide).await
        }
        ScopeDeed::Deactivate { scope } => {
            let decide = |place: &Place<'_>| {
                let record = known(place, &scope)?;
                let change = record.active.then(|| Change::Scope {
                    issuer: place.provider.issuer().clone(),
                    record: ScopeRecord { active: false, ..record.clone() },
                });
                Ok(place.stop(format!("scope {scope}"), change))
            };
            change_at(desk, actor, issuer, decide).await
        }
        ScopeDeed::Activate { scope } => {
            let decide = |place: &Place<'_>| {
                let raw = RawScope { active: Some(true), ..RawScope::from(known(place, &scope)?) };
                place.plan(&Catalogue::of_scope(&place.issuers(), raw))
            };
            change_at(desk, actor, issuer, decide).await
        }
        ScopeDeed::List => {
            let mut listed = Vec::new();
            for (provider, registry) in registries(desk, issuer).await? {
                let issuer = provider.issuer().as_str().to_owned();
                let shown = |record| ShownScope { issuer: issuer.clone(), record };
                listed.extend(registry.scopes.into_iter().map(shown));
            }
            Ok(Answer::Scopes(listed))
        }
    }
}

fn known<'p>(place: &Place<'p>, scope: &str) -> Result<&'p ScopeRecord, Refused> {
    let found = place.registry.scopes.iter().find(|record| record.scope.as_str() == scope);
    found.ok_or_else(|| unknown("scope", scope, place.provider))
}

/// A scope as it is shown.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ShownScope {
    /// Where.
    pub(crate) issuer: String,
    /// It.
    pub(crate) record: ScopeRecord,
}
