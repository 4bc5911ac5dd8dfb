//! Scopes as written, and who may use them.

use super::{NO_ORGNO, each, given_orgno, identifier, one_of, orgno, required, scope_token, seconds};
use crate::catalogue::raw::{RawAccess, RawScope};
use crate::client::ClientId;
use crate::organisation::OrgNumber;
use crate::registration::fault::{Faults, Shown};
use crate::registration::rules::{LONGEST_ACCESS_TOKEN, LONGEST_AUTHORIZATION};
use crate::registration::scope::{MOST_READERS, judge_scope};
use crate::registration::spelled::Spelled;
use crate::scope::{AccessState, Scope, ScopeRecord};

/// A scope from an entry; whether it is active stays as `registered`, if the entry leaves it out.
pub(in crate::catalogue) fn scope(
    faults: &mut Faults,
    raw: &RawScope,
    registered: impl FnOnce(&Scope) -> Option<bool>,
) -> Option<ScopeRecord> {
    let name = required(faults, "scope", raw.scope.as_deref(), scope_token);
    let owner_orgno = raw.owner_orgno.as_deref().and_then(|text| given_orgno(faults, "owner_orgno", text));
    let token_type = one_of(faults, "token_type", raw.token_type.as_deref());
    let at_max_age =
        seconds(faults, "at_max_age", raw.at_max_age, 0, LONGEST_ACCESS_TOKEN).unwrap_or_default();
    let given = raw.authorization_max_lifetime;
    let authorization_max_lifetime =
        seconds(faults, "authorization_max_lifetime", given, 0, LONGEST_AUTHORIZATION).unwrap_or_default();
    let types = raw.allowed_integration_types.as_deref().unwrap_or_default();
    let allowed_integration_types = each(faults, "allowed_integration_types", types).unwrap_or_default();
    let enforced_aud_for_introspection = readers(faults, raw);
    let scope = name?;
    let active = raw.active.or_else(|| registered(&scope)).unwrap_or(true);
    let record = ScopeRecord {
        scope,
        // The operator's own are for all, as they were before a scope had an owner; an owner decides who may use theirs.
        accessible_for_all: raw.accessible_for_all.unwrap_or(raw.owner_orgno.is_none()),
        owner_orgno,
        description: raw.description.clone().unwrap_or_default(),
        description_nn: raw.description_nn.clone(),
        description_en: raw.description_en.clone(),
        description_se: raw.description_se.clone(),
        token_type,
        at_max_age,
        authorization_max_lifetime,
        requires_pseudonymous_tokens: raw.requires_pseudonymous_tokens.unwrap_or(false),
        allowed_integration_types,
        enforced_aud_for_introspection,
        active,
    };
    judge_scope(faults, &record);
    Some(record)
}

/// The clients that may introspect. Whether each is registered is judged where that is known.
fn readers(faults: &mut Faults, raw: &RawScope) -> Vec<ClientId> {
    let given = raw.enforced_aud_for_introspection.as_deref().unwrap_or_default();
    let field = "enforced_aud_for_introspection";
    if given.len() > MOST_READERS {
        let shown = Shown::Withheld { kind: "array", length: given.len() };
        faults.refuse(field, shown, format!("must name at most {MOST_READERS} clients"));
        return Vec::new();
    }
    let mut readers = Vec::with_capacity(given.len());
    for (at, text) in given.iter().enumerate() {
        match identifier(text) {
            Err(rule) => faults.refuse(&format!("{field}[{at}]"), Shown::text(text), rule),
            Ok(id) if readers.contains(&id) => {
                faults.refuse(&format!("{field}[{at}]"), Shown::text(text), "must be named once");
            }
            Ok(id) => readers.push(id),
        }
    }
    readers
}

/// What an entry says of organisations' access to its scope, each with its number in the list. The owner's own is none of it.
pub(in crate::catalogue) fn access(
    faults: &mut Faults,
    given: &[RawAccess],
    owner: Option<&OrgNumber>,
) -> Vec<(usize, OrgNumber, AccessState)> {
    let mut said: Vec<(usize, OrgNumber, AccessState)> = Vec::with_capacity(given.len());
    for (at, raw) in given.iter().enumerate() {
        let (field, state_field) = (format!("access[{at}].consumer_orgno"), format!("access[{at}].state"));
        let consumer = orgno(faults, &field, raw.consumer_orgno.as_deref());
        let state = required(faults, &state_field, raw.state.as_deref(), |text| {
            AccessState::spelled(text).ok_or_else(AccessState::rule)
        });
        let Some(consumer) = consumer.filter(|number| number.as_str() != NO_ORGNO) else { continue };
        let shown = Shown::text(consumer.as_str());
        if owner == Some(&consumer) {
            faults.refuse(
                &field,
                shown,
                "must be another organisation than the owner, which always has access",
            );
        } else if said.iter().any(|(_, known, _)| *known == consumer) {
            faults.refuse(&field, shown, "must be named once");
        } else if let Some(state) = state {
            said.push((at, consumer, state));
        }
    }
    said
}
