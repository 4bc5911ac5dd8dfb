//! OAuth 2.0 Token Introspection, as contract §10 has it.

use std::sync::Arc;

use portvakt_protocol::client::{AuthMethod, Client, ClientId};
use portvakt_protocol::grant::LoadedAccessToken;
use portvakt_protocol::profile::{IDPORTEN, PILOT};
use portvakt_protocol::provider::{PersonStanding, Provider};
use portvakt_protocol::refusal::rules;
use portvakt_protocol::registration::ClientRegistration;
use portvakt_protocol::scope::{INTROSPECTION, Scope, ScopeRecord, Scopes};
use portvakt_protocol::secret::Code;
use portvakt_protocol::time::Timestamp;
use portvakt_protocol::token::{Inactive, Reason, introspect, tokeninfo};
use serde_json::Value;

use crate::scene::*;

const SCOPE: &str = "skatt:inntekt";

/// A token of the client `web` with the scopes `openid` and [`SCOPE`], which the client `api` may introspect.
struct Told {
    provider: Provider,
    scope: ScopeRecord,
    caller_scopes: &'static str,
    caller_id: &'static str,
    token: LoadedAccessToken,
    not_before: Timestamp,
    standing: PersonStanding,
    now: Timestamp,
}

impl Told {
    fn all() -> Self {
        let provider = provider(&IDPORTEN);
        let mut grant = loaded(&provider, &Code::presented("a code"), request(&[])).grant;
        grant.scopes = Scopes::parse("openid profile skatt:inntekt").unwrap();
        let mut scope = ScopeRecord::open(Scope::parse(SCOPE).unwrap());
        scope.enforced_aud_for_introspection = vec![ClientId::parse("api").unwrap()];
        let scopes = grant.scopes.clone();
        Self {
            token: LoadedAccessToken { grant, issued: NOW, expires: after(600), scopes, revoked: false },
            provider,
            scope,
            caller_scopes: "openid idporten:token.introspection",
            caller_id: "api",
            not_before: Timestamp::from_unix(0),
            standing: PersonStanding::Active,
            now: after(10),
        }
    }

    fn client(&self, id: &str, scopes: &str) -> Arc<Client> {
        let registration = ClientRegistration {
            client_id: ClientId::parse(id).unwrap(),
            scopes: Scopes::parse(scopes).unwrap(),
            ..authenticating(AuthMethod::ClientSecretPost)
        };
        client_among(&self.provider, &registration, std::slice::from_ref(&self.scope), &[], self.not_before)
    }

    fn asked(&self) -> Result<Value, Inactive> {
        let caller = proof_of(self.client(self.caller_id, self.caller_scopes));
        let owner = self.client("web", "openid profile skatt:inntekt");
        let at = (&self.provider, self.standing);
        let told = introspect(
            &caller,
            (Some(self.token.clone()), Some("a name")),
            Some(owner),
            at,
            &pairwise(),
            self.now,
        )?;
        Ok(serde_json::to_value(&told).unwrap())
    }
}

#[test]
fn t4_whatever_is_not_good_is_not_active() {
    let with = |change: fn(&mut Told)| {
        let mut told = Told::all();
        change(&mut told);
        told.asked().unwrap_err()
    };
    assert_eq!(with(|told| told.token.revoked = true), Inactive::Revoked);
    assert_eq!(with(|told| told.not_before = after(1)), Inactive::Revoked);
    assert_eq!(with(|told| told.now = after(600)), Inactive::Expired);
    assert_eq!(with(|told| told.token.grant.expires = after(10)), Inactive::Expired);
    assert_eq!(with(|told| told.standing = PersonStanding::Deactivated), Inactive::PersonStopped);
    assert_eq!(with(|told| told.scope.active = false), Inactive::ScopeWithdrawn);
    assert!(Told::all().asked().is_ok());
}

#[test]
fn row_36_a_caller_that_is_not_entitled_reads_nothing() {
    let with = |change: fn(&mut Told)| {
        let mut told = Told::all();
        change(&mut told);
        told.asked().unwrap_err()
    };
    assert_eq!(with(|told| told.caller_scopes = "openid skatt:inntekt"), Inactive::CallerScope);
    assert_eq!(with(|told| told.caller_id = "another"), Inactive::CallerNotNamed);
    assert_eq!(
        with(|told| told.caller_id = "web"),
        Inactive::CallerNotNamed,
        "nor does the token's own client"
    );
    assert_eq!(with(|told| told.token.scopes = Scopes::parse("openid").unwrap()), Inactive::CallerNotNamed);
    assert!(ScopeRecord::is_reserved(INTROSPECTION));
}

#[test]
fn s2_2_an_entitled_caller_reads_the_claims_of_the_scopes_that_name_it() {
    let told = Told::all().asked().unwrap();
    assert_eq!((&told["active"], &told["scope"]), (&true.into(), &SCOPE.into()), "openid names nobody");
    assert_eq!((&told["iat"], &told["exp"]), (&NOW.unix().into(), &after(600).unix().into()));
    assert_eq!(told["consumer"]["ID"], "0192:991825827");
    assert_eq!(told["jti"], "a name");
    assert_eq!((&told["client_id"], &told["pid"]), (&"web".into(), &PERSON.into()));
}

#[test]
fn row_35_a_withheld_pid_is_read_by_whom_its_own_scope_names() {
    let mut told = Told::all();
    told.scope.requires_pseudonymous_tokens = true;
    assert_eq!(told.asked().unwrap()["pid"], PERSON);
    told.scope.enforced_aud_for_introspection.clear();
    assert_eq!(told.asked().unwrap_err(), Inactive::CallerNotNamed);
}

#[test]
fn row_36_the_pilot_s_tells_anyone_of_the_token_and_nothing_of_the_person() {
    let Told { token, .. } = Told::all();
    let provider = provider(&PILOT);
    let owner = client(&provider, &registration());
    let mut token = token;
    (token.grant.scopes, token.scopes) =
        (Scopes::parse("openid profile").unwrap(), Scopes::parse("openid profile").unwrap());
    let at = (&provider, PersonStanding::Active);
    let revoked = LoadedAccessToken { revoked: true, ..token.clone() };
    let asked = |token, now| tokeninfo(Some(token), Some(Arc::clone(&owner)), at, now);
    assert_eq!(asked(revoked, NOW).unwrap_err(), Inactive::Revoked);
    let told = serde_json::to_value(asked(token, after(100)).unwrap()).unwrap();
    let expected = serde_json::json!({
        "active": true, "token_type": "Bearer", "expires_in": 500, "exp": after(600).unix(), "iat": NOW.unix(),
        "scope": "openid profile", "client_id": "web", "client_orgno": "991825827",
    });
    assert_eq!(told, expected);
}

#[test]
fn every_reason_for_not_active_says_for_the_log_what_is_the_case_and_what_to_do() {
    let mut seen = std::collections::BTreeSet::new();
    let not_yours = Reason::from(&rules::TOKEN_NOT_YOURS);
    for reason in Inactive::ALL.map(Inactive::reason).into_iter().chain([not_yours]) {
        assert!(seen.insert(reason.name), "{} stands twice", reason.name);
        for part in [reason.meaning, reason.fix] {
            assert!(part.ends_with('.') && part.len() > 20, "{}: {part}", reason.name);
            assert!(!part.contains("  ") && !part.contains('\n'), "{}: {part}", reason.name);
        }
    }
    assert!(Inactive::CallerScope.reason().meaning.contains(INTROSPECTION));
}
