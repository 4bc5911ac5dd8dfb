//! Refreshing: RFC 6749 §6 and RFC 9700 §4.14, with the lifetimes of contract §8.

use portvakt_protocol::client::{AuthMethod, RefreshUse};
use portvakt_protocol::grant::{LoadedRefreshToken, SpentOn};
use portvakt_protocol::profile::{IDPORTEN, PILOT, Profile};
use portvakt_protocol::provider::{PersonStanding, Provider};
use portvakt_protocol::registration::{ClientRegistration, GrantType};
use portvakt_protocol::scope::{AccessState, Scope, ScopeAccess, ScopeRecord, Scopes};
use portvakt_protocol::secret::{Code, RefreshToken};
use portvakt_protocol::time::{Seconds, Timestamp};
use portvakt_protocol::token::{RefreshFault, RefreshPlan, TokenFault, Turn, refresh};
use portvakt_protocol::witness::Refreshed;
use serde_json::Value;

use crate::scene::*;

const PRESENTED: &str = "a refresh token";

fn may_refresh() -> ClientRegistration {
    ClientRegistration {
        grant_types: Some(vec![GrantType::AuthorizationCode, GrantType::RefreshToken]),
        refresh_token_lifetime: Seconds::new(600),
        ..authenticating(AuthMethod::ClientSecretPost)
    }
}

/// The refresh token of a login at [`NOW`], as the store would bring it back: unused, and good for ten minutes.
fn family(provider: &Provider, scope: &str) -> LoadedRefreshToken {
    let mut grant = loaded(provider, &Code::presented("a code"), request(&[])).grant;
    grant.scopes = Scopes::parse(scope).unwrap();
    LoadedRefreshToken { grant, expires: after(600), spent: None, revoked: false }
}

struct Try {
    provider: Provider,
    registration: ClientRegistration,
    scopes: Vec<ScopeRecord>,
    access: Vec<ScopeAccess>,
    not_before: Timestamp,
    loaded: Option<LoadedRefreshToken>,
    scope: Option<&'static str>,
    standing: PersonStanding,
    now: Timestamp,
}

impl Try {
    fn at(profile: &'static Profile) -> Self {
        let provider = provider(profile);
        Self {
            loaded: Some(family(&provider, "openid profile")),
            provider,
            registration: may_refresh(),
            scopes: Vec::new(),
            access: Vec::new(),
            not_before: Timestamp::from_unix(0),
            scope: None,
            standing: PersonStanding::Active,
            now: after(60),
        }
    }

    fn run(&self) -> Result<RefreshPlan, TokenFault> {
        let Self { provider, registration, scopes, access, not_before, .. } = self;
        let proof = proof_of(client_among(provider, registration, scopes, access, *not_before));
        let request = refreshing(PRESENTED, self.scope);
        refresh(&proof, &request, self.loaded.clone(), self.standing, draws(), provider, self.now)
    }

    fn fault(&self) -> RefreshFault {
        match self.run() {
            Err(TokenFault::Refresh(fault)) => fault,
            other => panic!("{other:?}"),
        }
    }

    /// The claims of the ID token and of the JWT access token, and the response.
    fn answer(&self) -> Value {
        let plan = self.run().unwrap();
        let successor = match plan.turn() {
            Some(Turn::Successor { token, .. }) => Some(token.digest),
            Some(Turn::Stays(_)) | None => None,
        };
        let word = Refreshed::vouched(plan.presented(), (plan.access_token().digest, successor));
        let issuance = plan.join(&word).unwrap();
        let sign =
            |_, claims: &[u8]| Ok::<_, serde_json::Error>(String::from_utf8_lossy(claims).into_owned());
        let body = issuance.respond(&self.provider, &pairwise(), sign).unwrap();
        serde_json::from_slice(&body).unwrap()
    }
}

fn claims(token: &Value) -> Value {
    serde_json::from_str(token.as_str().unwrap()).unwrap()
}

#[test]
fn row_30_no_refresh_unless_the_grant_is_registered() {
    let ten_fields =
        |seconds| ClientRegistration { refresh_token_lifetime: Seconds::new(seconds), ..registration() };
    let code_alone =
        ClientRegistration { grant_types: Some(vec![GrantType::AuthorizationCode]), ..may_refresh() };
    let described = ClientRegistration { description: Some("A service".to_owned()), ..ten_fields(600) };
    for refused in [&ten_fields(0), &code_alone, &described] {
        assert!(!refused.may_refresh(), "{refused:?}");
    }
    assert_eq!(Try { registration: code_alone, ..Try::at(&PILOT) }.fault(), RefreshFault::NotRegistered);
    // Anybody may come in the name of a public client: who has no token of its does not learn how it is registered.
    let public = ClientRegistration {
        grant_types: Some(vec![GrantType::AuthorizationCode]),
        ..authenticating(AuthMethod::None)
    };
    let stranger = Try { registration: public.clone(), loaded: None, ..Try::at(&PILOT) };
    assert_eq!(stranger.fault(), RefreshFault::Unknown(PRESENTED.len()));
    assert_eq!(Try { registration: public, ..Try::at(&PILOT) }.fault(), RefreshFault::NotRegistered);
    assert!(
        ten_fields(600).may_refresh(),
        "the pilot's ten fields: the lifetime is the registration of the grant"
    );
    assert!(Try::at(&PILOT).run().is_ok());
}

#[test]
fn s6_a_token_is_its_client_s_and_its_grant_s() {
    let try_ = Try::at(&PILOT);
    let mut others = family(&try_.provider, "openid");
    others.grant.client_id = portvakt_protocol::client::ClientId::parse("other").unwrap();
    let length = PRESENTED.len();
    for loaded in [None, Some(others)] {
        assert_eq!(Try { loaded, ..Try::at(&PILOT) }.fault(), RefreshFault::Unknown(length));
    }
    let revoked = Some(LoadedRefreshToken { revoked: true, ..family(&try_.provider, "openid") });
    assert_eq!(Try { loaded: revoked, ..Try::at(&PILOT) }.fault(), RefreshFault::Unknown(length));
    assert!(try_.run().is_ok());
}

#[test]
fn t5_what_was_granted_before_a_time_gives_nothing_after_it() {
    let not_before = after(1);
    assert!(matches!(Try { not_before, ..Try::at(&PILOT) }.fault(), RefreshFault::Unknown(_)));
    assert!(
        Try { not_before: NOW, ..Try::at(&PILOT) }.run().is_ok(),
        "granted in that instant, not before it"
    );
}

#[test]
fn row_31_unused_it_ends_by_refresh_token_lifetime_and_at_last_by_authorization_lifetime() {
    let end = |now| Try { now, ..Try::at(&PILOT) };
    assert_eq!(end(after(600)).fault(), RefreshFault::Expired);
    assert!(end(after(599)).run().is_ok());

    let mut late = Try::at(&PILOT);
    late.loaded = late.loaded.map(|loaded| LoadedRefreshToken { expires: after(8000), ..loaded });
    late.now = after(7200);
    assert_eq!(late.fault(), RefreshFault::Expired);
    late.now = after(7190);
    let plan = late.run().unwrap();
    let Some(Turn::Successor { token, .. }) = plan.turn() else { panic!("it rotates") };
    assert_eq!(token.expires, after(7200), "the successor ends with the grant");
    assert_eq!(plan.access_token().expires, after(7200), "and so does the access token");
}

#[test]
fn row_30_onetime_rotates_reuse_does_not_and_a_public_client_always_does() {
    let turn = |registration| Try { registration, ..Try::at(&PILOT) }.run().unwrap().turn().unwrap();
    let reuse = ClientRegistration { refresh_token_usage: Some(RefreshUse::Reuse), ..may_refresh() };
    assert_eq!(turn(reuse), Turn::Stays(after(660)), "ten minutes from its last use");
    let Turn::Successor { token, retry_since } = turn(may_refresh()) else { panic!("it rotates") };
    assert_eq!(token.digest, RefreshToken::presented(&"r".repeat(43)).digest());
    assert_eq!((token.expires, retry_since), (after(660), after(31)), "a retry within thirty seconds");

    let public = ClientRegistration {
        grant_types: may_refresh().grant_types,
        refresh_token_lifetime: Seconds::new(600),
        ..authenticating(AuthMethod::None)
    };
    assert!(matches!(turn(public), Turn::Successor { .. }));
}

#[test]
fn s4_14_2_a_spent_token_that_is_no_retry_is_judged_by_the_store_alone() {
    let spent = |at, successor_unused, ends| {
        let mut spent = Try { standing: PersonStanding::Deactivated, now: after(100), ..Try::at(&PILOT) };
        let on = Some(SpentOn { at, successor_unused });
        spent.loaded = spent.loaded.map(|loaded| LoadedRefreshToken { spent: on, expires: ends, ..loaded });
        spent
    };
    let ends = after(600);
    assert_eq!(spent(after(71), true, ends).fault(), RefreshFault::Stopped, "a retry meets every rule");
    let ended = Try { standing: PersonStanding::Active, ..spent(after(71), true, after(72)) };
    assert!(ended.run().is_ok(), "a retry after its own end, for it was spent before");
    for replay in [spent(after(70), true, ends), spent(after(71), false, ends)] {
        assert!(replay.run().is_ok(), "so that the store says that it was a replay, and revokes");
    }
    for scope in ["openid profile skatt:inntekt", "\"", "openid  profile"] {
        let wrong = Try { scope: Some(scope), ..spent(after(71), false, ends) };
        assert!(wrong.run().is_ok(), "whatever else is wrong with it: {scope}");
    }
    let reuse = ClientRegistration { refresh_token_usage: Some(RefreshUse::Reuse), ..may_refresh() };
    let stays = Try { registration: reuse, scope: Some("\""), ..spent(after(71), true, ends) };
    assert!(
        stays.run().is_ok(),
        "nothing that stays is retried, so what was spent before it stayed is a replay"
    );
    let retried = Try { scope: Some("\""), ..spent(after(71), true, ends) };
    assert!(matches!(retried.run(), Err(TokenFault::Scope(_))), "of a retry it is told");
}

#[test]
fn what_is_registered_now_bounds_what_was_given_before() {
    let shorter = |lifetime| {
        let mut try_ = Try { now: after(60), ..Try::at(&IDPORTEN) };
        try_.registration.authorization_lifetime = Seconds::new(lifetime);
        try_
    };
    assert_eq!(shorter(60).fault(), RefreshFault::Expired);
    assert_eq!(shorter(90).answer()["refresh_token_expires_in"], 30);
    assert_eq!(shorter(90_000).answer()["refresh_token_expires_in"], 600, "and never lengthens it");
}

#[test]
fn c6_scopes_may_narrow_and_never_widen() {
    let mut wider = Try { scope: Some("openid profile skatt:inntekt"), ..Try::at(&IDPORTEN) };
    wider.scopes = vec![ScopeRecord::open(Scope::parse("skatt:inntekt").unwrap())];
    assert_eq!(wider.fault(), RefreshFault::Wider(Scope::parse("skatt:inntekt").unwrap()));

    let answer = Try { scope: Some("profile"), ..Try::at(&IDPORTEN) }.answer();
    assert_eq!(answer["scope"], "profile");
    assert_eq!(claims(&answer["access_token"])["scope"], "profile");
    assert!(answer.get("id_token").is_none(), "without openid no ID token");
    let answer = Try::at(&IDPORTEN).answer();
    assert_eq!(answer["scope"], "openid profile");
    assert!(answer.get("id_token").is_some());
}

#[test]
fn a_withdrawn_scope_ends_it_and_the_others_go_on() {
    let scope = Scope::parse("skatt:inntekt").unwrap();
    let record = ScopeRecord { accessible_for_all: false, ..ScopeRecord::open(scope.clone()) };
    let said =
        |state| ScopeAccess { scope: scope.clone(), consumer_orgno: registration().client_orgno, state };
    let with = |record: ScopeRecord, access: Vec<ScopeAccess>| {
        let mut all = Try { access, scopes: vec![record], ..Try::at(&IDPORTEN) };
        all.registration.scopes = Scopes::parse("openid profile skatt:inntekt").unwrap();
        all.loaded = Some(family(&all.provider, "openid skatt:inntekt"));
        all
    };
    for state in [AccessState::Requested, AccessState::Denied, AccessState::Withdrawn] {
        let fault = with(record.clone(), vec![said(state)]).fault();
        assert!(matches!(fault, RefreshFault::ScopeWithdrawn(..)), "{fault:?}");
    }
    let gone = with(ScopeRecord { active: false, ..record.clone() }, vec![said(AccessState::Approved)]);
    assert!(matches!(gone.fault(), RefreshFault::ScopeWithdrawn(..)));
    let withdrawn = vec![said(AccessState::Withdrawn)];
    assert!(Try { scope: Some("openid"), ..with(record.clone(), withdrawn) }.run().is_ok());
    assert!(with(record, vec![said(AccessState::Approved)]).run().is_ok());
}

#[test]
fn row_35_no_refresh_brings_a_withheld_pid_out() {
    let mut scope = ScopeRecord::open(Scope::parse("skatt:inntekt").unwrap());
    scope.requires_pseudonymous_tokens = true;
    let mut pseudonymous = Try { scope: Some("openid profile"), scopes: vec![scope], ..Try::at(&IDPORTEN) };
    pseudonymous.registration.scopes = Scopes::parse("openid profile skatt:inntekt").unwrap();
    pseudonymous.loaded = Some(family(&pseudonymous.provider, "openid profile skatt:inntekt"));
    let answer = pseudonymous.answer();
    assert!(!answer.to_string().contains(PERSON), "{answer}");
    assert!(Try::at(&IDPORTEN).answer().to_string().contains(PERSON));
}

#[test]
fn s21_a_refreshed_id_token_keeps_what_it_was_and_is_newer() {
    let answer = Try::at(&IDPORTEN).answer();
    let id_token = claims(&answer["id_token"]);
    assert_eq!(id_token["iat"], after(60).unix());
    assert_eq!((&id_token["auth_time"], &id_token["nonce"]), (&NOW.unix().into(), &"a nonce".into()));
    assert_eq!((&id_token["aud"], &id_token["exp"]), (&"web".into(), &after(180).unix().into()));
    assert_eq!(answer["refresh_token_expires_in"], 600);
    assert!(Try::at(&PILOT).answer().get("refresh_token_expires_in").is_none(), "the pilot never said");
}

#[test]
fn s10_5_a_refresh_is_signed_only_with_the_store_s_word_about_its_own_tokens() {
    let plan = || Try::at(&PILOT).run().unwrap();
    let (presented, access) = (plan().presented(), plan().access_token().digest);
    let Some(Turn::Successor { token, .. }) = plan().turn() else { panic!("it rotates") };
    let other = RefreshToken::presented("another").digest();
    assert!(plan().join(&Refreshed::vouched(other, (access, Some(token.digest)))).is_none());
    assert!(plan().join(&Refreshed::vouched(presented, (access, Some(other)))).is_none());
    assert!(plan().join(&Refreshed::vouched(presented, (access, None))).is_none());
    assert!(plan().join(&Refreshed::vouched(presented, (access, Some(token.digest)))).is_some());
}
