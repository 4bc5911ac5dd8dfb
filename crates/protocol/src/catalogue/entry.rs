//! From an entry as written to a registration: each field parsed once, absent ones given their defaults.
//!
//! A field that cannot be parsed is a fault, and something harmless takes its place so that the other fields are judged too.
//! An entry with a fault is never planned, so what took the place goes nowhere.

use std::borrow::Cow;

use super::raw::{RawClient, RawOrganisation, RawScope, RawTerms};
use crate::client::{ApplicationType, AuthMethod, ClientId};
use crate::organisation::{Acceptance, OrgNumber, Organisation, Standing};
use crate::profile::Defaults;
use crate::registration::fault::{Faults, Shown};
use crate::registration::rules::{
    LONGEST_ACCESS_TOKEN, LONGEST_AUTHORIZATION, Spelled, judge_organisation, judge_scope, seconds_rule,
};
use crate::registration::{ClientRegistration, CodeChallengeMethod, IntegrationType};
use crate::scope::{Scope, ScopeRecord, Scopes};
use crate::time::{Seconds, Timestamp};

/// What every identifier-like field says when it is not there.
const MISSING: &str = "must be given";

/// The one grant that there is (RFC 6749 §4.1). A second one makes `grant_types` something to keep.
const GRANT: &str = "authorization_code";

/// A client's registration from an entry. What it was ordered for stays as `registered`, once it is. `None` only if not even a
/// substitute could be made.
pub(super) fn client(
    faults: &mut Faults,
    raw: &RawClient,
    registered: impl FnOnce(&ClientId) -> Option<IntegrationType>,
    defaults: &Defaults,
) -> Option<ClientRegistration> {
    let client_id = required(faults, "client_id", raw.client_id.as_deref(), |text| {
        ClientId::parse(text)
            .ok_or("must have 1 to 255 characters of a-z, A-Z, 0-9, `-`, `.`, `_`, `~` and `:`")
    });
    let client_orgno = orgno(faults, "client_orgno", raw.client_orgno.as_deref());
    let display_name = required(faults, "display_name", raw.display_name.as_deref(), |text| {
        Ok::<_, String>(text.to_owned())
    });
    let application_type =
        one_of(faults, "application_type", raw.application_type.as_deref()).unwrap_or(ApplicationType::Web);
    let own_method = match application_type {
        ApplicationType::Web => AuthMethod::ClientSecretBasic,
        ApplicationType::Browser | ApplicationType::Native => AuthMethod::None,
    };
    let method = one_of(faults, "token_endpoint_auth_method", raw.token_endpoint_auth_method.as_deref());
    grant_types(faults, raw.grant_types.as_deref());
    let integration_type =
        integration_type(faults, raw.integration_type.as_deref(), client_id.as_ref().and_then(registered));
    if raw.redirect_uris.is_none() {
        faults.refuse("redirect_uris", Shown::Absent, MISSING);
    }
    let [authorization_lifetime, access_token_lifetime, refresh_token_lifetime] =
        lifetimes(faults, raw, defaults);
    Some(ClientRegistration {
        client_id: client_id.or_else(|| ClientId::parse("unnamed"))?,
        client_orgno: client_orgno?,
        display_name: display_name.unwrap_or_else(|| "unnamed".to_owned()),
        description: raw.description.clone(),
        client_uri: raw.client_uri.clone(),
        integration_type,
        application_type,
        token_endpoint_auth_method: method.unwrap_or(own_method),
        redirect_uris: raw.redirect_uris.clone().unwrap_or_default(),
        post_logout_redirect_uris: raw.post_logout_redirect_uris.clone().unwrap_or_default(),
        scopes: scopes(faults, raw.scopes.as_deref()),
        code_challenge_method: one_of::<CodeChallengeMethod>(
            faults,
            "code_challenge_method",
            raw.code_challenge_method.as_deref(),
        ),
        amr_claim: one_of(faults, "amr_claim", raw.amr_claim.as_deref()),
        userinfo_without_profile: raw.userinfo_without_profile.unwrap_or(false),
        authorization_lifetime,
        access_token_lifetime,
        refresh_token_lifetime,
    })
}

/// Contract §13.1: a client is ordered for one thing, and ordered anew for another.
fn integration_type(
    faults: &mut Faults,
    given: Option<&str>,
    registered: Option<IntegrationType>,
) -> Option<IntegrationType> {
    let given_type: Option<IntegrationType> = one_of(faults, "integration_type", given);
    if let (Some(text), Some(new), Some(known)) = (given, given_type, registered)
        && new != known
    {
        let rule = "must stay as it was registered: a client that is for something else is another client";
        faults.refuse("integration_type", Shown::text(text), rule);
    }
    given_type.or(registered)
}

fn grant_types(faults: &mut Faults, given: Option<&[String]>) {
    let Some(given) = given else { return };
    if given.is_empty() {
        faults.refuse("grant_types", Shown::Absent, format!("must name {GRANT}, or be left out"));
    }
    for (at, text) in given.iter().enumerate() {
        if text != GRANT {
            let rule = format!("must be {GRANT}, the one grant that is supported");
            faults.refuse(&format!("grant_types[{at}]"), Shown::text(text), rule);
        } else if at > 0 {
            faults.refuse(&format!("grant_types[{at}]"), Shown::text(text), "must be named once");
        }
    }
}

/// The lifetimes for authorization, access token and refresh token.
fn lifetimes(faults: &mut Faults, raw: &RawClient, defaults: &Defaults) -> [Seconds; 3] {
    let (access, longest) = (LONGEST_ACCESS_TOKEN, LONGEST_AUTHORIZATION);
    [
        ("authorization_lifetime", raw.authorization_lifetime, 1, longest, defaults.authorization_lifetime),
        ("access_token_lifetime", raw.access_token_lifetime, 1, access, defaults.access_token_lifetime),
        ("refresh_token_lifetime", raw.refresh_token_lifetime, 0, longest, defaults.refresh_token_lifetime),
    ]
    .map(|(field, given, least, most, default)| seconds(faults, field, given, least, most).unwrap_or(default))
}

/// An organisation from an entry; what the entry leaves out stays as registered.
pub(super) fn organisation(
    faults: &mut Faults,
    raw: &RawOrganisation,
    registered: impl FnOnce(&OrgNumber) -> Option<Organisation>,
    now: Timestamp,
) -> Option<Organisation> {
    let orgno = orgno(faults, "orgno", raw.orgno.as_deref())?;
    let registered = registered(&orgno);
    let name = raw.name.clone().or_else(|| registered.as_ref().map(|known| known.name.clone()));
    if name.is_none() {
        faults.refuse("name", Shown::Absent, MISSING);
    }
    let given = raw.terms.as_ref().and_then(|terms| acceptance(faults, terms, now));
    let wanted: Option<Standing> = one_of(faults, "standing", raw.standing.as_deref());
    let stands = registered.as_ref().map_or(Standing::Active, |known| known.standing);
    let accepted = registered.and_then(|known| known.terms);
    let leaves_withdrawal = stands == Standing::Withdrawn && wanted.is_some_and(|wanted| wanted != stands);
    if leaves_withdrawal && given.is_some() == raw.terms.is_some() {
        judge_return(faults, raw, given.as_ref(), accepted.as_ref());
    }
    let terms = match (given, accepted) {
        // An acceptance is something that happened: an older one does not undo a newer.
        (Some(given), Some(accepted)) if given.accepted_at < accepted.accepted_at => Some(accepted),
        // Kept for the file that also says that the organisation is back: once recorded, it would no longer be a later one.
        (Some(_), accepted) if stands == Standing::Withdrawn && wanted.is_none() => accepted,
        (given, accepted) => given.or(accepted),
    };
    let standing = wanted.unwrap_or(stands);
    let organisation =
        Organisation { orgno, name: name.unwrap_or_else(|| "unnamed".to_owned()), terms, standing };
    judge_organisation(faults, &organisation);
    Some(organisation)
}

/// Who withdrew from the terms is back by accepting them anew, and by no repetition of what was accepted before.
fn judge_return(
    faults: &mut Faults,
    raw: &RawOrganisation,
    given: Option<&Acceptance>,
    accepted: Option<&Acceptance>,
) {
    if given.map(|given| given.accepted_at) > accepted.map(|accepted| accepted.accepted_at) {
        return;
    }
    let later = accepted
        .map(|accepted| format!(" with an accepted_at later than {}", accepted.accepted_at.to_rfc3339()))
        .unwrap_or_default();
    let rule = format!("must be withdrawn, or come with terms{later}: the organisation withdrew from them");
    let shown = raw.standing.as_deref().map_or(Shown::Absent, Shown::text);
    faults.refuse("standing", shown, rule);
}

fn acceptance(faults: &mut Faults, raw: &RawTerms, now: Timestamp) -> Option<Acceptance> {
    let text = |text: &str| Ok::<_, String>(text.to_owned());
    let version = required(faults, "terms.version", raw.version.as_deref(), text);
    let accepted_by = required(faults, "terms.accepted_by", raw.accepted_by.as_deref(), text);
    let accepted_at = required(faults, "terms.accepted_at", raw.accepted_at.as_deref(), |text| {
        let at = Timestamp::from_rfc3339(text)
            .ok_or("must be an instant with its offset, such as 2016-12-01T12:00:00Z")?;
        if at <= now { Ok(at) } else { Err("must not lie in the future") }
    });
    Some(Acceptance { version: version?, accepted_at: accepted_at?, accepted_by: accepted_by? })
}

/// A scope from an entry; whether it is active stays as `registered`, if the entry leaves it out.
pub(super) fn scope(
    faults: &mut Faults,
    raw: &RawScope,
    registered: impl FnOnce(&Scope) -> Option<bool>,
) -> Option<ScopeRecord> {
    let name = required(faults, "scope", raw.scope.as_deref(), scope_token);
    let token_type = one_of(faults, "token_type", raw.token_type.as_deref());
    let at_max_age =
        seconds(faults, "at_max_age", raw.at_max_age, 0, LONGEST_ACCESS_TOKEN).unwrap_or_default();
    let description = raw.description.clone().unwrap_or_default();
    let scope = name?;
    let active = raw.active.or_else(|| registered(&scope)).unwrap_or(true);
    let record = ScopeRecord { scope, description, token_type, at_max_age, active };
    judge_scope(faults, &record);
    Some(record)
}

fn scopes(faults: &mut Faults, raw: Option<&[String]>) -> Scopes {
    let Some(raw) = raw else {
        faults.refuse("scopes", Shown::Absent, MISSING);
        return Scopes::default();
    };
    let mut scopes: Vec<Scope> = Vec::with_capacity(raw.len());
    for (at, text) in raw.iter().enumerate() {
        match scope_token(text) {
            Err(rule) => faults.refuse(&format!("scopes[{at}]"), Shown::text(text), rule),
            Ok(scope) if scopes.contains(&scope) => {
                faults.refuse(&format!("scopes[{at}]"), Shown::text(text), "must be named once");
            }
            Ok(scope) => scopes.push(scope),
        }
    }
    scopes.into_iter().collect()
}

fn scope_token(text: &str) -> Result<Scope, &'static str> {
    Scope::parse(text)
        .ok_or("must be one scope token: printable ASCII without space, quote and backslash (RFC 6749 §3.3)")
}

/// Satisfies the control digit and is no organisation's: it holds the place of a number that is refused.
pub(super) const NO_ORGNO: &str = "000000000";

fn orgno(faults: &mut Faults, field: &str, given: Option<&str>) -> Option<OrgNumber> {
    let parse = |text: &str| match OrgNumber::parse(text) {
        Ok(number) if number.as_str() == NO_ORGNO => Err("must be the number of an organisation".to_owned()),
        Ok(number) => Ok(number),
        Err(fault) => Err(fault.to_string()),
    };
    required(faults, field, given, parse).or_else(|| OrgNumber::parse(NO_ORGNO).ok())
}

fn required<T, R: Into<Cow<'static, str>>>(
    faults: &mut Faults,
    field: &str,
    given: Option<&str>,
    parse: impl FnOnce(&str) -> Result<T, R>,
) -> Option<T> {
    let Some(text) = given else {
        faults.refuse(field, Shown::Absent, MISSING);
        return None;
    };
    match parse(text) {
        Ok(value) => Some(value),
        Err(rule) => {
            faults.refuse(field, Shown::text(text), rule);
            None
        }
    }
}

fn one_of<T: Spelled>(faults: &mut Faults, field: &str, given: Option<&str>) -> Option<T> {
    let text = given?;
    let value = T::spelled(text);
    if value.is_none() {
        faults.refuse(field, Shown::text(text), T::rule());
    }
    value
}

fn seconds(
    faults: &mut Faults,
    field: &str,
    given: Option<i64>,
    least: u32,
    most: Seconds,
) -> Option<Seconds> {
    let number = given?;
    match u32::try_from(number) {
        Ok(seconds) if (least..=most.get()).contains(&seconds) => Some(Seconds::new(seconds)),
        _ => {
            faults.refuse(field, Shown::number(number), seconds_rule(least, most));
            None
        }
    }
}
