//! Properties: what is printed of a registration reads as the same, and no text makes reading or planning fall over.

use proptest::prelude::*;
use serde::Serialize;

use super::*;
use crate::client::{ApplicationType, AuthMethod, OnBehalfOf, RefreshUse};
use crate::organisation::OrgNumber;
use crate::profile::TokenType;
use crate::registration::{AmrClaim, ClientRegistration, CodeChallengeMethod, GrantType, IntegrationType};
use crate::scope::{Scope, ScopeRecord, Scopes};
use crate::time::Seconds;

#[derive(Serialize)]
struct Printed<'a> {
    organisations: Vec<&'a Organisation>,
    clients: Vec<&'a ClientRegistration>,
}

fn organisation() -> Organisation {
    let mut world = World::of(&[PILOT_TEST]);
    world.apply(ORGANISATION, false);
    world.organisation(PILOT_TEST, "991825827").clone()
}

prop_compose! {
    fn registration()(
        id in "[a-zA-Z0-9._~:-]{1,40}",
        name in "[a-zæøåA-Z\"'\\\\#=]{1,100}",
        description in prop::option::of("[a-zA-Z\"\\\\]{1,60}"),
        kind in 0..4usize,
        paths in prop::collection::btree_set("[a-z0-9?=&]{0,12}", 1..6),
        logouts in prop::collection::btree_set("[a-z0-9]{0,12}", 0..4),
        profile in any::<bool>(),
        pkce in prop::option::of(prop::sample::select(vec![CodeChallengeMethod::S256, CodeChallengeMethod::None])),
        amr in prop::option::of(prop::sample::select(vec![AmrClaim::String, AmrClaim::Array])),
        relaxed in any::<bool>(),
        integration in prop::option::of(prop::sample::select(vec![IntegrationType::Idporten, IntegrationType::ApiKlient])),
        (authorization, access, refresh) in (1..=31_536_000u32, 1..=86_400u32, 1..=31_536_000u32),
        grants in prop::option::of(any::<bool>()),
        reuse in prop::option::of(any::<bool>()),
        customers in prop::collection::btree_set("[a-z]{1,8}", 0..3),
    ) -> ClientRegistration {
        let (application_type, token_endpoint_auth_method) = [
            (ApplicationType::Web, AuthMethod::ClientSecretBasic),
            (ApplicationType::Web, AuthMethod::ClientSecretPost),
            (ApplicationType::Browser, AuthMethod::None),
            (ApplicationType::Native, AuthMethod::None),
        ][kind];
        let uri = |path: &String| format!("https://demo.example/{path}");
        ClientRegistration {
            client_id: ClientId::parse(&id).unwrap(),
            client_orgno: OrgNumber::parse("991825827").unwrap(),
            display_name: name,
            client_uri: description.as_ref().map(|_| "https://demo.example/".to_owned()),
            description,
            integration_type: integration,
            supplier_orgno: (!customers.is_empty()).then(|| OrgNumber::parse("991825827").unwrap()),
            grant_types: grants.map(|refresh| {
                let more = refresh.then_some(GrantType::RefreshToken);
                [GrantType::AuthorizationCode].into_iter().chain(more).collect()
            }),
            refresh_token_usage: reuse.map(|reuse| {
                if reuse && token_endpoint_auth_method.has_secret() {
                    RefreshUse::Reuse
                } else {
                    RefreshUse::OneTime
                }
            }),
            onbehalfof: customers
                .iter()
                .map(|name| OnBehalfOf {
                    onbehalfof: name.clone(),
                    display_name: format!("Kunden {name}"),
                    orgno: OrgNumber::parse("889640782").unwrap(),
                    url: (name.len() > 4).then(|| format!("https://{name}.example/")),
                })
                .collect(),
            application_type,
            token_endpoint_auth_method,
            redirect_uris: paths.iter().map(uri).collect(),
            post_logout_redirect_uris: logouts.iter().map(uri).collect(),
            scopes: Scopes::parse(if profile { "openid profile" } else { "openid" }).unwrap(),
            code_challenge_method: pkce.filter(|_| token_endpoint_auth_method.has_secret()),
            amr_claim: amr,
            userinfo_without_profile: relaxed,
            authorization_lifetime: Seconds::new(authorization),
            access_token_lifetime: Seconds::new(access),
            refresh_token_lifetime: Seconds::new(refresh),
        }
    }
}

prop_compose! {
    fn scope()(
        name in "[a-z]{1,8}:[a-z/.]{1,12}",
        texts in prop::array::uniform4(prop::option::of("[a-zæøåA-Z\"'\\\\#=]{1,60}")),
        owner in any::<bool>(),
        token_type in prop::option::of(prop::sample::select(vec![TokenType::Opaque, TokenType::SelfContained])),
        (at_max_age, authorization) in (0..=86_400u32, 0..=31_536_000u32),
        [pseudonymous, for_all, active] in any::<[bool; 3]>(),
        types in prop::sample::subsequence(vec![IntegrationType::Idporten, IntegrationType::ApiKlient], 0..=2),
        readers in any::<bool>(),
    ) -> ScopeRecord {
        let [nb, description_nn, description_en, description_se] = texts;
        ScopeRecord {
            scope: Scope::parse(&name).unwrap(),
            owner_orgno: owner.then(|| OrgNumber::parse("991825827").unwrap()),
            description: nb.unwrap_or_default(),
            description_nn,
            description_en,
            description_se,
            token_type,
            at_max_age: Seconds::new(at_max_age),
            authorization_max_lifetime: Seconds::new(authorization),
            requires_pseudonymous_tokens: pseudonymous,
            accessible_for_all: for_all,
            allowed_integration_types: types,
            enforced_aud_for_introspection: readers.then(|| ClientId::parse("ten").unwrap()).into_iter().collect(),
            active,
        }
    }
}

/// As the catalogue spells it: a text that is empty is left out.
fn printed(record: &ScopeRecord) -> String {
    let mut fields = toml::Table::try_from(record).unwrap();
    fields.retain(|_, value| value.as_str() != Some(""));
    let scopes = toml::Value::Array(vec![toml::Value::Table(fields)]);
    toml::to_string(&toml::Table::from_iter([("scopes".to_owned(), scopes)])).unwrap()
}

proptest! {
    #[test]
    fn what_is_printed_of_a_scope_reads_as_the_same(record in scope()) {
        let text = [ORGANISATION, TEN_FIELDS, &printed(&record)].concat();
        let mut world = World::of(&[PILOT_TEST]);
        world.apply(&text, false);
        prop_assert_eq!(&world.registry(PILOT_TEST).scopes, std::slice::from_ref(&record));

        let again = Catalogue::of_scope(&[], RawScope::from(&record));
        prop_assert!(world.plan(&again, false).unwrap().is_empty());
        prop_assert!(world.apply(&text, true).is_empty());
    }

    #[test]
    fn what_is_printed_of_a_registration_reads_as_the_same(registration in registration()) {
        let organisation = organisation();
        let printed = Printed { organisations: vec![&organisation], clients: vec![&registration] };
        // An instant is printed as a number there; the catalogue has it as text.
        let text = toml::to_string(&printed).unwrap().replace("1480593600", "\"2016-12-01T12:00:00Z\"");
        let mut world = World::of(&[PILOT_TEST]);
        world.apply(&text, false);
        let record = world.client(PILOT_TEST, registration.client_id.as_str());
        prop_assert_eq!(&record.registration, &registration);
        prop_assert_eq!(world.organisation(PILOT_TEST, "991825827"), &organisation);

        // The same by way of a command, and again from the file: nothing changes.
        let again = Catalogue::of_client(&[], RawClient::from(record));
        prop_assert!(world.plan(&again, false).unwrap().is_empty());
        prop_assert!(world.apply(&text, true).is_empty());
    }

    #[test]
    fn no_text_makes_reading_fall_over(text in ".{0,300}") {
        let _ = Catalogue::parse(&text);
    }

    #[test]
    fn a_damaged_catalogue_is_refused_or_planned(at in any::<prop::sample::Index>(), with in ".{0,3}", take in 0..6usize) {
        let whole = [ORGANISATION, TEN_FIELDS].concat();
        let at = at.index(whole.len());
        let rest = whole.get(at + take..).unwrap_or_default();
        let text = format!("{}{with}{rest}", whole.get(..at).unwrap_or_default());
        let world = World::of(&[PILOT_TEST]);
        if let Ok(catalogue) = Catalogue::parse(&text)
            && let Err(told) = world.plan(&catalogue, true)
        {
            prop_assert!(!told.is_empty());
            prop_assert!(!told.concat().contains("as-chosen-by-the-operator"));
        }
    }
}
