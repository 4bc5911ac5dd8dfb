//! From an entry as written to a registration: each field parsed once, absent ones given their defaults.
//!
//! A field that cannot be parsed is a fault, and something harmless takes its place so that the other fields are judged too.
//! An entry with a fault is never planned, so what took the place goes nowhere.

use std::borrow::Cow;

mod scope;

pub(super) use scope::{access, scope};

use super::raw::{RawClient, RawOnBehalfOf, RawOrganisation, RawTerms};
use crate::client::{ApplicationType, AuthMethod, ClientId, OnBehalfOf};
use crate::organisation::{Acceptance, OrgNumber, Organisation, Standing};
use crate::profile::Defaults;
use crate::registration::fault::{Faults, Shown};
use crate::registration::rules::{
    LONGEST_ACCESS_TOKEN, LONGEST_AUTHORIZATION, judge_organisation, seconds_rule,
};
use crate::registration::spelled::Spelled;
use crate::registration::{ClientRegistration, CodeChallengeMethod, GrantType, IntegrationType};
use crate::scope::{Scope, Scopes};
use crate::time::{Seconds, Timestamp};

/// What every identifier-like field says when it is not there.
const MISSING: &str = "must be given";

/// A client's registration from an entry. What it was ordered for stays as `registered`, once it is. `None` only if not even a
/// substitute could be made.
pub(super) fn client(
    faults: &mut Faults,
    raw: &RawClient,
    registered: impl FnOnce(&ClientId) -> Option<IntegrationType>,
    defaults: &Defaults,
) -> Option<ClientRegistration> {
    let client_id = required(faults, "client_id", raw.client_id.as_deref(), identifier);
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
        supplier_orgno: raw
            .supplier_orgno
            .as_deref()
            .and_then(|text| given_orgno(faults, "supplier_orgno", text)),
        grant_types: raw
            .grant_types
            .as_deref()
            .and_then(|given| each::<GrantType>(faults, "grant_types", given)),
        refresh_token_usage: one_of(faults, "refresh_token_usage", raw.refresh_token_usage.as_deref()),
        onbehalfof: customers(faults, raw.onbehalfof.as_deref().unwrap_or_default()),
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

/// The customers of a client; what is wrong with a name, a text or a URL is the rules' to say.
fn customers(faults: &mut Faults, given: &[RawOnBehalfOf]) -> Vec<OnBehalfOf> {
    let mut customers = Vec::with_capacity(given.len());
    for (at, raw) in given.iter().enumerate() {
        let mut text = |name: &str, given: &Option<String>| {
            let as_it_is = |text: &str| Ok::<_, String>(text.to_owned());
            required(faults, &format!("onbehalfof[{at}].{name}"), given.as_deref(), as_it_is)
        };
        let (onbehalfof, display_name) =
            (text("onbehalfof", &raw.onbehalfof), text("display_name", &raw.display_name));
        let orgno = orgno(faults, &format!("onbehalfof[{at}].orgno"), raw.orgno.as_deref());
        if let (Some(onbehalfof), Some(display_name), Some(orgno)) = (onbehalfof, display_name, orgno) {
            customers.push(OnBehalfOf { onbehalfof, display_name, orgno, url: raw.url.clone() });
        }
    }
    customers
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
    required(faults, field, given, organisations).or_else(|| OrgNumber::parse(NO_ORGNO).ok())
}

/// The number in a field that need not be there.
fn given_orgno(faults: &mut Faults, field: &str, text: &str) -> Option<OrgNumber> {
    required(faults, field, Some(text), organisations)
}

fn organisations(text: &str) -> Result<OrgNumber, String> {
    match OrgNumber::parse(text) {
        Ok(number) if number.as_str() == NO_ORGNO => Err("must be the number of an organisation".to_owned()),
        Ok(number) => Ok(number),
        Err(fault) => Err(fault.to_string()),
    }
}

fn identifier(text: &str) -> Result<ClientId, &'static str> {
    ClientId::parse(text).ok_or("must have 1 to 255 characters of a-z, A-Z, 0-9, `-`, `.`, `_`, `~` and `:`")
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

/// Values of a closed set, each named once; `None` if one is not.
fn each<T: Spelled + PartialEq>(faults: &mut Faults, field: &str, given: &[String]) -> Option<Vec<T>> {
    let mut values = Vec::with_capacity(given.len());
    for (at, text) in given.iter().enumerate() {
        match T::spelled(text) {
            None => faults.refuse(&format!("{field}[{at}]"), Shown::text(text), T::rule()),
            Some(value) if values.contains(&value) => {
                faults.refuse(&format!("{field}[{at}]"), Shown::text(text), "must be named once");
            }
            Some(value) => values.push(value),
        }
    }
    (values.len() == given.len()).then_some(values)
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
