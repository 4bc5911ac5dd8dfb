//! The rules of a scope's registration (contract §13.2).

use super::fault::{Faults, Shown};
use super::rules::{
    LONGEST_ACCESS_TOKEN, LONGEST_AUTHORIZATION, LONGEST_DESCRIPTION, people_read, seconds_rule,
};
use crate::scope::{INTROSPECTION, ScopeRecord};

/// A scope names this many clients at most that may introspect.
pub const MOST_READERS: usize = 100;

/// Judges what is registered of a scope. The names without a prefix are OpenID Connect's own (Core §5.4 and §11).
pub(crate) fn judge_scope(faults: &mut Faults, record: &ScopeRecord) {
    let name = record.scope.as_str();
    if ScopeRecord::is_reserved(name) {
        let rule = format!("must not be openid, profile or {INTROSPECTION}, which are always there");
        faults.refuse("scope", Shown::text(name), rule);
    } else if !name.split_once(':').is_some_and(|(prefix, rest)| !prefix.is_empty() && !rest.is_empty()) {
        faults.refuse(
            "scope",
            Shown::text(name),
            "must be a prefix, a colon and a name, such as `skatt:inntekt`",
        );
    }
    let told = [
        ("description", Some(&record.description).filter(|text| !text.is_empty())),
        ("description_nn", record.description_nn.as_ref()),
        ("description_en", record.description_en.as_ref()),
        ("description_se", record.description_se.as_ref()),
    ];
    for (field, text) in told {
        if let Some(text) = text {
            people_read(faults, field, text, LONGEST_DESCRIPTION);
        }
    }
    if record.authorization_max_lifetime > LONGEST_AUTHORIZATION {
        let rule = seconds_rule(0, LONGEST_AUTHORIZATION);
        let shown = Shown::number(record.authorization_max_lifetime.get().into());
        faults.refuse("authorization_max_lifetime", shown, rule);
    }
    if record.at_max_age > LONGEST_ACCESS_TOKEN {
        let rule = seconds_rule(0, LONGEST_ACCESS_TOKEN);
        faults.refuse("at_max_age", Shown::number(record.at_max_age.get().into()), rule);
    }
}
