//! Each rule of a registration: what it refuses, beside the nearest that it accepts.

use super::*;
use crate::client::{ClientId, OnBehalfOf};
use crate::organisation::{Acceptance, OrgNumber, Standing};
use crate::profile::{AmrShape, IDPORTEN, PILOT, Profile, TokenType};
use crate::registration::AmrClaim;
use crate::registration::scope::judge_scope;
use crate::scope::{AccessState, INTROSPECTION, Scope, Scopes};
use crate::secret::ClientSecret;
use crate::time::Timestamp;

fn provider(environment: Environment, profile: &'static Profile) -> Provider {
    Provider::new("https://idporten.difi.no/idporten-oidc-provider/", None, profile, environment, None, "1")
        .unwrap()
}

fn organisation() -> Organisation {
    Organisation {
        orgno: OrgNumber::parse("991825827").unwrap(),
        name: "Direktoratet".into(),
        terms: Some(Acceptance {
            version: "1".into(),
            accepted_at: Timestamp::from_unix(0),
            accepted_by: "Kari".into(),
        }),
        standing: Standing::Active,
    }
}

fn skatt(active: bool) -> ScopeRecord {
    ScopeRecord {
        token_type: Some(TokenType::Opaque),
        active,
        ..ScopeRecord::open(Scope::parse("skatt:inntekt").unwrap())
    }
}

/// An active client of `organisation`'s without a secret.
fn beside<'a>(organisation: &'a Organisation, scopes: &'a [ScopeRecord]) -> Beside<'a> {
    let not_before = Timestamp::from_unix(0);
    Beside {
        organisation,
        supplier: None,
        scopes,
        access: &[],
        secrets: Vec::new(),
        active: true,
        not_before,
    }
}

fn web() -> ClientRegistration {
    ClientRegistration {
        client_id: ClientId::parse("demo").unwrap(),
        client_orgno: OrgNumber::parse("991825827").unwrap(),
        display_name: "Demo".into(),
        description: None,
        client_uri: None,
        integration_type: None,
        supplier_orgno: None,
        grant_types: None,
        refresh_token_usage: None,
        onbehalfof: vec![],
        application_type: ApplicationType::Web,
        token_endpoint_auth_method: AuthMethod::ClientSecretBasic,
        redirect_uris: vec!["https://demo.example/callback".into()],
        post_logout_redirect_uris: vec![],
        scopes: Scopes::parse("openid profile").unwrap(),
        code_challenge_method: None,
        amr_claim: None,
        userinfo_without_profile: false,
        authorization_lifetime: Seconds::new(7200),
        access_token_lifetime: Seconds::new(120),
        refresh_token_lifetime: Seconds::new(600),
    }
}

fn public(application_type: ApplicationType) -> ClientRegistration {
    ClientRegistration { application_type, token_endpoint_auth_method: AuthMethod::None, ..web() }
}

fn judge(
    registration: &ClientRegistration,
    environment: Environment,
) -> Result<Client, Vec<RegistrationFault>> {
    registration.client(&provider(environment, &PILOT), beside(&organisation(), &[skatt(true)]))
}

/// The one fault of a registration outside production, as `path: rule` shows it.
fn refused(registration: &ClientRegistration) -> String {
    one(judge(registration, Environment::Test))
}

fn one(judged: Result<Client, Vec<RegistrationFault>>) -> String {
    let faults = judged.expect_err("a fault");
    assert_eq!(faults.len(), 1, "{faults:?}");
    faults[0].to_string()
}

fn accepted(registration: &ClientRegistration) -> Client {
    judge(registration, Environment::Test).expect("no fault")
}

#[test]
fn who_cannot_keep_a_secret_has_none_and_who_can_has_one() {
    let none = ClientRegistration { token_endpoint_auth_method: AuthMethod::None, ..web() };
    assert!(
        refused(&none).starts_with("token_endpoint_auth_method = \"none\": must be client_secret_basic or")
    );
    for application_type in [ApplicationType::Browser, ApplicationType::Native] {
        for method in [AuthMethod::ClientSecretBasic, AuthMethod::ClientSecretPost] {
            let secretive =
                ClientRegistration { token_endpoint_auth_method: method, ..public(application_type) };
            assert!(refused(&secretive).contains("must be none for the application_type browser or native"));
        }
        accepted(&public(application_type));
    }
    accepted(&ClientRegistration { token_endpoint_auth_method: AuthMethod::ClientSecretPost, ..web() });
}

#[test]
fn rfc7636_a_public_client_cannot_opt_out_of_pkce() {
    let opted_out = Some(CodeChallengeMethod::None);
    for application_type in [ApplicationType::Browser, ApplicationType::Native] {
        let without = ClientRegistration { code_challenge_method: opted_out, ..public(application_type) };
        assert_eq!(
            refused(&without),
            "code_challenge_method = \"none\": must be S256 for a client without a secret (RFC 7636)"
        );
    }
    accepted(&ClientRegistration { code_challenge_method: opted_out, ..web() });
}

#[test]
fn pkce_is_the_profiles_unless_the_registration_says_otherwise() {
    let pkce = |registration: &ClientRegistration, profile| {
        let provider = provider(Environment::Test, profile);
        registration.client(&provider, beside(&organisation(), &[])).unwrap().pkce()
    };
    let with = |method| ClientRegistration { code_challenge_method: Some(method), ..web() };
    for (registration, at_pilot, at_idporten) in [
        (web(), PkcePolicy::WhenSent, PkcePolicy::Required),
        (with(CodeChallengeMethod::S256), PkcePolicy::Required, PkcePolicy::Required),
        (with(CodeChallengeMethod::None), PkcePolicy::WhenSent, PkcePolicy::WhenSent),
        (public(ApplicationType::Browser), PkcePolicy::Required, PkcePolicy::Required),
        (public(ApplicationType::Native), PkcePolicy::Required, PkcePolicy::Required),
    ] {
        assert_eq!(pkce(&registration, &PILOT), at_pilot, "{registration:?}");
        assert_eq!(pkce(&registration, &IDPORTEN), at_idporten, "{registration:?}");
    }
}

#[test]
fn the_shape_of_amr_is_the_profiles_unless_the_registration_says_otherwise() {
    let amr = |claim, profile| {
        let registration = ClientRegistration { amr_claim: claim, ..web() };
        let provider = provider(Environment::Test, profile);
        registration.client(&provider, beside(&organisation(), &[])).unwrap().amr()
    };
    assert_eq!(amr(None, &PILOT), AmrShape::String);
    assert_eq!(amr(None, &IDPORTEN), AmrShape::Array);
    assert_eq!(amr(Some(AmrClaim::Array), &PILOT), AmrShape::Array);
    assert_eq!(amr(Some(AmrClaim::String), &IDPORTEN), AmrShape::String);
}

#[test]
fn g1_every_uri_is_judged_and_named_by_its_place() {
    let uris = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let (good, other) = ("https://demo.example/callback", "https://demo.example/other");
    for (bad, rule) in [
        ("/callback", "must be an absolute URI of printable ASCII characters"),
        ("https://demo.example/#x", "must have no fragment"),
        ("https://*.example/", "must have no wildcard: it is compared by string"),
        ("https://a@demo.example/", "must have no user information"),
        ("https://demo.example/\u{7}", "must be an absolute URI of printable ASCII characters"),
        ("https://dømo.example/", "must be an absolute URI of printable ASCII characters"),
    ] {
        let shown = Shown::text(bad);
        let redirect = ClientRegistration { redirect_uris: uris(&[good, other, bad]), ..web() };
        assert_eq!(refused(&redirect), format!("redirect_uris[2] = {shown}: {rule}"));
        let logout = ClientRegistration { post_logout_redirect_uris: uris(&[bad]), ..web() };
        assert_eq!(refused(&logout), format!("post_logout_redirect_uris[0] = {shown}: {rule}"));
        let back = ClientRegistration { client_uri: Some(bad.to_owned()), ..web() };
        assert_eq!(refused(&back), format!("client_uri = {shown}: {rule}"));
    }
    for scheme in [
        "javascript:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "file:///etc/passwd",
        "blob:https://a.example/x",
    ] {
        for registration in [web(), public(ApplicationType::Browser), public(ApplicationType::Native)] {
            let with = ClientRegistration { redirect_uris: uris(&[scheme]), ..registration };
            assert!(refused(&with).starts_with("redirect_uris[0] = "), "{scheme}");
        }
    }
    let all = ClientRegistration {
        redirect_uris: uris(&[good, other]),
        post_logout_redirect_uris: uris(&[good]),
        client_uri: Some("https://demo.example/".into()),
        ..web()
    };
    assert!(accepted(&all).redirect_uri(other).is_some());
}

#[test]
fn production_takes_no_plaintext_where_other_environments_do() {
    for (uri, rule) in [
        ("http://demo.example/", "must have the scheme https in production"),
        (
            "http://localhost:3000/",
            "must not be a loopback address in production, unless the client is native",
        ),
    ] {
        let redirect = ClientRegistration { redirect_uris: vec![uri.into()], ..web() };
        let logout = ClientRegistration { post_logout_redirect_uris: vec![uri.into()], ..web() };
        let back = ClientRegistration { client_uri: Some(uri.into()), ..web() };
        for (registration, field) in
            [(redirect, "redirect_uris[0]"), (logout, "post_logout_redirect_uris[0]"), (back, "client_uri")]
        {
            let fault = one(judge(&registration, Environment::Production));
            assert_eq!(fault, format!("{field} = \"{uri}\": {rule}"));
            accepted(&registration);
        }
    }
    let native = ClientRegistration {
        redirect_uris: vec!["http://127.0.0.1:0/cb".into(), "no.difi.app:/cb".into()],
        ..public(ApplicationType::Native)
    };
    judge(&native, Environment::Production).expect("a native application's loopback is its own");
}

#[test]
fn redirect_uris_are_one_to_fifty_and_each_named_once() {
    let numbered = |count: usize| (0..count).map(|n| format!("https://demo.example/{n}")).collect::<Vec<_>>();
    let with = |redirect_uris| ClientRegistration { redirect_uris, ..web() };
    assert_eq!(refused(&with(vec![])), "redirect_uris: must name at least one URI");
    assert_eq!(
        refused(&with(numbered(51))),
        "redirect_uris = (array of 51 entries): must name at most 50 URIs"
    );
    let twice = [numbered(2), numbered(1)].concat();
    assert_eq!(refused(&with(twice)), "redirect_uris[2] = \"https://demo.example/0\": must be named once");
    accepted(&with(numbered(50)));
    let logout = ClientRegistration { post_logout_redirect_uris: numbered(51), ..web() };
    assert!(refused(&logout).starts_with("post_logout_redirect_uris = (array"));
}

#[test]
fn a_name_is_readable_and_holds_no_identity_number() {
    let named = |name: &str| ClientRegistration { display_name: name.to_owned(), ..web() };
    for (name, rule) in [
        (String::new(), "1 to 100 characters"),
        ("x".repeat(101), "1 to 100 characters"),
        (" Demo".into(), "neither first nor last a space"),
        ("De\nmo".into(), "must have no control"),
        ("De\u{202e}mo".into(), "must have no control"),
        ("De\u{200b}mo".into(), "must have no control"),
        ("Kari 21879498012".into(), "must hold no identity number"),
    ] {
        let fault = refused(&named(&name));
        assert!(fault.starts_with("display_name = ") && fault.contains(rule), "{fault}");
        assert!(!fault.contains("2187"), "{fault}");
    }
    for name in ["x".repeat(100), "Skatteetaten – Årsoppgjør (§ 5)".into(), "Davvi sámegiella".into()] {
        accepted(&named(&name));
    }
    let described = |text: &str| ClientRegistration { description: Some(text.to_owned()), ..web() };
    assert!(refused(&described(&"x".repeat(1001))).contains("1 to 1000 characters"));
    accepted(&described(&"x".repeat(1000)));
}

#[test]
fn lifetimes_stay_within_their_bounds_and_bear_no_order() {
    let day = LONGEST_ACCESS_TOKEN.get();
    let year = LONGEST_AUTHORIZATION.get();
    let with = |authorization, access, refresh| ClientRegistration {
        authorization_lifetime: Seconds::new(authorization),
        access_token_lifetime: Seconds::new(access),
        refresh_token_lifetime: Seconds::new(refresh),
        ..web()
    };
    for (registration, fault) in [
        (with(0, 1, 0), "authorization_lifetime = 0: must be a whole number of seconds from 1 to 31536000"),
        (with(1, 0, 0), "access_token_lifetime = 0: must be a whole number of seconds from 1 to 86400"),
        (
            with(1, day + 1, 0),
            "access_token_lifetime = 86401: must be a whole number of seconds from 1 to 86400",
        ),
        (
            with(1, 1, year + 1),
            "refresh_token_lifetime = 31536001: must be a whole number of seconds from 0 to 31536000",
        ),
    ] {
        assert_eq!(refused(&registration), fault);
    }
    accepted(&with(1, 1, 0));
    accepted(&with(year, day, year));
    accepted(&with(60, 3600, 0));
}

#[test]
fn g3_a_scope_is_registered_or_reserved() {
    let with = |scopes: &str| ClientRegistration { scopes: Scopes::parse(scopes).unwrap(), ..web() };
    assert_eq!(
        refused(&ClientRegistration { scopes: Scopes::default(), ..web() }),
        "scopes: must name at least one scope"
    );
    let rule = "must be openid, profile, or a scope registered at the issuer";
    assert_eq!(refused(&with("openid skatt:formue")), format!("scopes[1] = \"skatt:formue\": {rule}"));
    let client = accepted(&with("openid skatt:inntekt"));
    assert!(client.scope_refused(&Scopes::parse("openid skatt:inntekt").unwrap()).is_none());
    assert!(
        client.scope_refused(&Scopes::parse("profile").unwrap()).is_some(),
        "known, but not this client's"
    );
}

#[test]
fn a_client_for_login_alone_has_no_scope_beside_openid_and_profile_whenever_it_is_loaded() {
    let with = |kind, scopes: &str| ClientRegistration {
        integration_type: kind,
        scopes: Scopes::parse(scopes).unwrap(),
        ..web()
    };
    assert_eq!(
        refused(&with(Some(IntegrationType::Idporten), "openid skatt:inntekt")),
        "scopes[1] = \"skatt:inntekt\": must be openid or profile for the integration_type idporten; \
         api_klient may have others"
    );
    accepted(&with(Some(IntegrationType::Idporten), "openid profile"));
    accepted(&with(Some(IntegrationType::ApiKlient), "openid skatt:inntekt"));
    accepted(&with(None, "openid skatt:inntekt"));
}

#[test]
fn a_scope_deactivated_later_stays_on_the_client_and_is_refused_when_asked_for() {
    let registration = ClientRegistration { scopes: Scopes::parse("openid skatt:inntekt").unwrap(), ..web() };
    let provider = provider(Environment::Test, &PILOT);
    let client = registration.client(&provider, beside(&organisation(), &[skatt(false)])).unwrap();
    let asked = Scopes::parse("openid skatt:inntekt").unwrap();
    let refused = client.scope_refused(&asked).map(|(scope, why)| (scope.as_str(), why));
    assert_eq!(refused, Some(("skatt:inntekt", ScopeRefused::Deactivated)));
}

#[test]
fn g4_a_client_is_stopped_by_itself_and_by_its_organisation() {
    let provider = provider(Environment::Test, &PILOT);
    let stopped = |organisation: &Organisation, active| {
        web().client(&provider, Beside { active, ..beside(organisation, &[]) }).unwrap().stopped()
    };
    assert_eq!(stopped(&organisation(), false), Some(Stopped::ClientDeactivated));
    for standing in [Standing::Withdrawn, Standing::Deactivated] {
        let gone = Organisation { standing, ..organisation() };
        assert_eq!(stopped(&gone, true), Some(Stopped::OrganisationStopped));
    }
    let without_terms = Organisation { terms: None, ..organisation() };
    assert_eq!(stopped(&without_terms, true), Some(Stopped::OrganisationStopped));
    assert_eq!(stopped(&organisation(), true), None);
}

#[test]
fn g4_a_client_is_stopped_by_the_supplier_that_runs_it() {
    let provider = provider(Environment::Test, &PILOT);
    let supplier = Organisation { orgno: OrgNumber::parse("889640782").unwrap(), ..organisation() };
    let run = ClientRegistration { supplier_orgno: Some(supplier.orgno.clone()), ..web() };
    let stopped = |supplier: Option<&Organisation>| {
        let own = organisation();
        run.client(&provider, Beside { supplier, ..beside(&own, &[]) }).unwrap().stopped()
    };
    let gone = Organisation { standing: Standing::Withdrawn, ..supplier.clone() };
    for other in [None, Some(&gone), Some(&organisation())] {
        assert_eq!(stopped(other), Some(Stopped::SupplierStopped), "{other:?}");
    }
    assert_eq!(stopped(Some(&supplier)), None);
}

#[test]
fn a_client_stands_under_its_own_organisation() {
    let other = Organisation { orgno: OrgNumber::parse("889640782").unwrap(), ..organisation() };
    let judged = web().client(&provider(Environment::Test, &PILOT), beside(&other, &[]));
    assert!(one(judged).starts_with("client_orgno = \"991825827\": must be the organisation"));
}

#[test]
fn a_public_client_has_no_secret_whatever_was_stored() {
    let stored = vec![StoredSecret {
        digest: ClientSecret::presented("x").digest(),
        expires: Timestamp::from_unix(i64::MAX),
    }];
    let check = |registration: ClientRegistration| {
        let provider = provider(Environment::Test, &PILOT);
        let client = registration
            .client(&provider, Beside { secrets: stored.clone(), ..beside(&organisation(), &[]) })
            .unwrap();
        client.has_secret(&ClientSecret::presented("x"), Timestamp::from_unix(0))
    };
    assert_eq!(check(public(ApplicationType::Browser)), crate::client::SecretCheck::Wrong);
    assert_eq!(check(web()), crate::client::SecretCheck::Right);
}

#[test]
fn every_fault_is_told_at_once() {
    let registration = ClientRegistration {
        display_name: String::new(),
        token_endpoint_auth_method: AuthMethod::None,
        redirect_uris: vec!["/".into(), "https://demo.example/#".into()],
        access_token_lifetime: Seconds::new(0),
        scopes: Scopes::parse("x:y").unwrap(),
        ..web()
    };
    let paths: Vec<_> =
        judge(&registration, Environment::Test).unwrap_err().into_iter().map(|fault| fault.path).collect();
    assert_eq!(
        paths,
        [
            "display_name",
            "token_endpoint_auth_method",
            "access_token_lifetime",
            "redirect_uris[0]",
            "redirect_uris[1]",
            "scopes[0]"
        ]
    );
}

#[test]
fn a_scope_of_ones_own_has_a_prefix() {
    let judge = |name: &str, at_max_age| {
        let record = ScopeRecord {
            scope: Scope::parse(name).unwrap(),
            at_max_age: Seconds::new(at_max_age),
            ..skatt(true)
        };
        let mut faults = Faults::under("");
        judge_scope(&mut faults, &record);
        faults.into_found().first().map(ToString::to_string).unwrap_or_default()
    };
    for name in ["openid", "profile", INTROSPECTION] {
        let rule = "must not be openid, profile or idporten:token.introspection, which are always there";
        assert_eq!(judge(name, 0), format!("scope = {name:?}: {rule}"));
    }
    for name in ["offline_access", "email", ":x", "x:"] {
        assert!(judge(name, 0).contains("must be a prefix, a colon and a name"), "{name}");
    }
    assert!(judge("a:b", 86_401).starts_with("at_max_age = 86401: must be"));
    assert_eq!(judge("a:b", 86_400), "");
    assert_eq!(judge("skatt:inntekt/2016.read", 0), "");
}

/// A scope of 889640782's, with what is changed of it.
fn owned(change: impl FnOnce(&mut ScopeRecord)) -> ScopeRecord {
    let owner_orgno = Some(OrgNumber::parse("889640782").unwrap());
    let mut record = ScopeRecord { owner_orgno, accessible_for_all: false, ..skatt(true) };
    change(&mut record);
    record
}

/// Why a client of 991825827's may not use the scope, where this was said of its access.
fn why_refused(
    registration: &ClientRegistration,
    record: ScopeRecord,
    said: Option<AccessState>,
) -> Option<ScopeRefused> {
    let scopes = Scopes::parse("openid skatt:inntekt").unwrap();
    let registration = ClientRegistration { scopes: scopes.clone(), ..registration.clone() };
    let access: Vec<_> = said
        .map(|state| ScopeAccess {
            scope: record.scope.clone(),
            consumer_orgno: registration.client_orgno.clone(),
            state,
        })
        .into_iter()
        .collect();
    let (records, organisation) = ([record], organisation());
    let beside = Beside { access: &access, ..beside(&organisation, &records) };
    let client = registration.client(&provider(Environment::Test, &PILOT), beside).expect("it is registered");
    let refused = client.scope_refused(&scopes).map(|(_, why)| why);
    assert_eq!(refused.is_none(), client.may_use("skatt:inntekt"));
    refused
}

#[test]
fn an_organisation_may_use_a_scope_that_it_owns_was_given_or_is_for_all() {
    use AccessState::{Approved, Denied, Requested, Withdrawn};
    let alone = || owned(|_| {});
    let own = || owned(|record| record.owner_orgno = Some(web().client_orgno));
    let for_all = || owned(|record| record.accessible_for_all = true);
    for (record, said, given) in [
        (alone(), None, false),
        (alone(), Some(Requested), false),
        (alone(), Some(Denied), false),
        (alone(), Some(Withdrawn), false),
        (alone(), Some(Approved), true),
        (own(), None, true),
        (own(), Some(Withdrawn), true),
        (for_all(), None, true),
        (for_all(), Some(Requested), false),
        (for_all(), Some(Approved), true),
        (own(), Some(Requested), true),
        (for_all(), Some(Denied), false),
        (for_all(), Some(Withdrawn), false),
    ] {
        let expected = (!given).then_some(ScopeRefused::NotGranted(said));
        assert_eq!(why_refused(&web(), record.clone(), said), expected, "{record:?}");
    }
    let stopped = owned(|record| record.active = false);
    assert_eq!(why_refused(&web(), stopped, Some(Approved)), Some(ScopeRefused::Deactivated));
}

#[test]
fn access_is_one_organisations_and_no_others() {
    let scopes = [owned(|_| {})];
    let access = [ScopeAccess {
        scope: scopes[0].scope.clone(),
        consumer_orgno: OrgNumber::parse("910753614").unwrap(),
        state: AccessState::Approved,
    }];
    let with = ClientRegistration { scopes: Scopes::parse("openid skatt:inntekt").unwrap(), ..web() };
    let organisation = organisation();
    let beside = Beside { access: &access, ..beside(&organisation, &scopes) };
    let client = with.client(&provider(Environment::Test, &PILOT), beside).unwrap();
    assert!(!client.may_use("skatt:inntekt"));
}

#[test]
fn a_scope_is_for_the_integration_types_that_it_names_and_for_all_if_it_names_none() {
    let only = |kind| owned(|record| record.allowed_integration_types = vec![kind]);
    let api = ClientRegistration { integration_type: Some(IntegrationType::ApiKlient), ..web() };
    let approved = Some(AccessState::Approved);
    let other = Some(ScopeRefused::IntegrationType);
    assert_eq!(why_refused(&api, only(IntegrationType::Idporten), approved), other);
    assert_eq!(why_refused(&web(), only(IntegrationType::Idporten), approved), other, "nothing was said");
    assert_eq!(why_refused(&api, only(IntegrationType::ApiKlient), approved), None);
    assert_eq!(why_refused(&web(), only(IntegrationType::ApiKlient), approved), None);
    assert_eq!(why_refused(&api, owned(|_| {}), approved), None);
}

#[test]
fn the_scope_of_introspection_is_for_clients_with_scopes_of_their_own() {
    let with = |integration_type| ClientRegistration {
        integration_type,
        scopes: Scopes::parse("openid idporten:token.introspection").unwrap(),
        ..web()
    };
    assert!(
        refused(&with(Some(IntegrationType::Idporten)))
            .starts_with("scopes[1] = \"idporten:token.introspection\": must be openid or profile")
    );
    assert!(accepted(&with(Some(IntegrationType::ApiKlient))).may_use(INTROSPECTION));
    assert!(!accepted(&web()).may_use(INTROSPECTION), "not registered on it");
}

#[test]
fn g3_grants_are_allow_listed_and_registered_or_follow_from_the_ten_fields() {
    let (code, refresh) = (GrantType::AuthorizationCode, GrantType::RefreshToken);
    let with = |grants: Option<&[GrantType]>, lifetime| ClientRegistration {
        grant_types: grants.map(<[_]>::to_vec),
        refresh_token_lifetime: Seconds::new(lifetime),
        ..web()
    };
    for grants in [&[][..], &[refresh]] {
        let fault = "grant_types: must name authorization_code: people log in by it";
        assert_eq!(refused(&with(Some(grants), 600)), fault);
    }
    assert_eq!(
        refused(&with(Some(&[code, refresh]), 0)),
        "refresh_token_lifetime = 0: must be at least 1 for a client with the grant refresh_token"
    );
    let may = |registration: &ClientRegistration| accepted(registration).refreshes().is_some();
    assert!(!may(&with(Some(&[code]), 600)));
    assert!(may(&with(Some(&[code, refresh]), 600)));
    assert!(may(&with(None, 600)), "the ten fields alone");
    assert!(!may(&with(None, 0)), "0 means none");
    for more in [
        ClientRegistration { description: Some("An eleventh".into()), ..with(None, 600) },
        ClientRegistration { integration_type: Some(IntegrationType::ApiKlient), ..with(None, 600) },
        ClientRegistration { token_endpoint_auth_method: AuthMethod::ClientSecretPost, ..with(None, 600) },
        public(ApplicationType::Browser),
    ] {
        assert!(!may(&more), "{more:?}");
    }
}

#[test]
fn rfc9700_s2_2_2_a_client_without_a_secret_has_its_refresh_tokens_rotated() {
    let with = |refresh_token_usage, registration: ClientRegistration| ClientRegistration {
        refresh_token_usage,
        grant_types: Some(vec![GrantType::AuthorizationCode, GrantType::RefreshToken]),
        ..registration
    };
    let reuse = Some(RefreshUse::Reuse);
    for kind in [ApplicationType::Browser, ApplicationType::Native] {
        assert_eq!(
            refused(&with(reuse, public(kind))),
            "refresh_token_usage = \"REUSE\": must be ONETIME for a client without a secret (RFC 9700 §2.2.2)"
        );
        assert_eq!(accepted(&with(None, public(kind))).refreshes(), Some(RefreshUse::OneTime));
    }
    assert_eq!(accepted(&with(None, web())).refreshes(), Some(RefreshUse::OneTime));
    assert_eq!(accepted(&with(reuse, web())).refreshes(), reuse);
}

#[test]
fn g1_a_customer_has_a_name_once_a_text_for_people_and_a_page_like_any_other() {
    let customer = |name: &str| OnBehalfOf {
        onbehalfof: name.to_owned(),
        display_name: "Oslo kommune".into(),
        orgno: OrgNumber::parse("889640782").unwrap(),
        url: Some("https://oslo.example/".into()),
    };
    let with = |onbehalfof| ClientRegistration { onbehalfof, ..web() };
    for name in ["", "os lo", "oslo/", "østfold", &"x".repeat(101), "21879498012"] {
        let fault = refused(&with(vec![customer(name)]));
        assert!(fault.starts_with("onbehalfof[0].onbehalfof = "), "{fault}");
        assert!(!fault.contains("2187"), "{fault}");
    }
    assert_eq!(
        refused(&with(vec![customer("oslo"), customer("oslo")])),
        "onbehalfof[1].onbehalfof = \"oslo\": must be named once"
    );
    let named = OnBehalfOf { display_name: "Os\u{202e}lo".into(), ..customer("oslo") };
    assert!(refused(&with(vec![named])).starts_with("onbehalfof[0].display_name = "));
    for url in ["javascript:alert(1)", "https://a@oslo.example/", "https://oslo.example/#x", "/oslo"] {
        let linked = OnBehalfOf { url: Some(url.to_owned()), ..customer("oslo") };
        assert!(refused(&with(vec![linked])).starts_with("onbehalfof[0].url = "), "{url}");
    }
    let crowd = |count: usize| (0..count).map(|n| customer(&format!("c{n}"))).collect();
    assert_eq!(refused(&with(crowd(501))), "onbehalfof = (array of 501 entries): must name at most 500");
    let client = accepted(&with(crowd(500)));
    assert_eq!(client.on_behalf_of("c499").map(|known| known.display_name.as_str()), Some("Oslo kommune"));
    assert!(client.on_behalf_of("c500").is_none());
}

#[test]
fn the_lowest_age_and_lifetime_of_the_scopes_bounds_the_clients_own() {
    let named = |name: &str, at_max_age, authorization_max_lifetime| ScopeRecord {
        at_max_age: Seconds::new(at_max_age),
        authorization_max_lifetime: Seconds::new(authorization_max_lifetime),
        ..ScopeRecord::open(Scope::parse(name).unwrap())
    };
    let records = [named("a:none", 0, 0), named("a:short", 60, 600), named("a:long", 9_000, 900)];
    let all = Scopes::parse("openid a:none a:short a:long").unwrap();
    let registration = ClientRegistration { scopes: all.clone(), ..web() };
    let organisation = organisation();
    let provider = provider(Environment::Test, &IDPORTEN);
    let client = registration.client(&provider, beside(&organisation, &records)).unwrap();
    for (scopes, token, grant) in [
        ("openid", 120, 7200),
        ("openid a:none", 120, 7200),
        ("openid a:long", 120, 900),
        ("openid a:short", 60, 600),
        ("a:none a:short a:long", 60, 600),
    ] {
        let scopes = Scopes::parse(scopes).unwrap();
        assert_eq!(client.access_token_lifetime(&scopes).get(), token, "{scopes}");
        assert_eq!(client.grant_lifetime(&scopes).get(), grant, "{scopes}");
    }
    let judge = |record: &ScopeRecord| {
        let mut faults = Faults::under("");
        judge_scope(&mut faults, record);
        faults.into_found().first().map(ToString::to_string)
    };
    let year = LONGEST_AUTHORIZATION.get();
    assert_eq!(
        judge(&named("a:b", 0, year + 1)).as_deref(),
        Some("authorization_max_lifetime = 31536001: must be a whole number of seconds from 0 to 31536000")
    );
    assert_eq!(judge(&named("a:b", 0, year)), None);
}

#[test]
fn a_scope_is_told_in_the_readers_language_and_else_in_bokmal() {
    use crate::language::Language;
    let told = |record: &ScopeRecord, language| record.description_in(language).to_owned();
    let nb = ScopeRecord { description: "Inntekt".into(), ..skatt(true) };
    for language in [Language::Nb, Language::Nn, Language::En, Language::Se] {
        assert_eq!(told(&nb, language), "Inntekt");
    }
    let all = ScopeRecord {
        description_nn: Some("Inntekta".into()),
        description_en: Some("Income".into()),
        description_se: Some("Dietnasat".into()),
        ..nb
    };
    let each = [Language::Nb, Language::Nn, Language::En, Language::Se].map(|language| told(&all, language));
    assert_eq!(each, ["Inntekt", "Inntekta", "Income", "Dietnasat"]);
    for field in ["description", "description_nn", "description_en", "description_se"] {
        let mut bad = all.clone();
        let steers = "In\u{202e}ntekt".to_owned();
        match field {
            "description" => bad.description = steers,
            "description_nn" => bad.description_nn = Some(steers),
            "description_en" => bad.description_en = Some(steers),
            _ => bad.description_se = Some(steers),
        }
        let mut faults = Faults::under("");
        judge_scope(&mut faults, &bad);
        let found = faults.into_found();
        assert!(found.len() == 1 && found[0].path == field, "{found:?}");
    }
}

#[test]
fn what_was_taken_back_travels_with_the_client() {
    let organisation = organisation();
    let beside = Beside { not_before: Timestamp::from_unix(7), ..beside(&organisation, &[]) };
    let client = web().client(&provider(Environment::Test, &PILOT), beside).unwrap();
    assert_eq!(client.not_before(), Timestamp::from_unix(7));
}
