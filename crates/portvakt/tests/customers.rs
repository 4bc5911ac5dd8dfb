//! Suppliers and their customers (contract §14): a client that logs people in on behalf of customers of its own, and one that a supplier
//! runs for the organisation it belongs to.

use portvakt_protocol::client::OnBehalfOf;
use portvakt_protocol::organisation::{OrgNumber, Organisation, Standing};
use portvakt_protocol::refusal::Rule;
use portvakt_protocol::registration::{Change, ClientRegistration, Subject};
use portvakt_protocol::scope::{AccessState, ScopeRecord};
use portvakt_protocol::time::Seconds;
use portvakt_testkit::{
    At, PERSONS, Reply, World, client_id, logged_rule, organisation, orgno, owned_scope, reader, refreshing,
    registration, scopes,
};
use serde_json::{Value, json};

const PERSON: &str = PERSONS[0];

/// The customer's organisation, and the supplier's.
const CUSTOMER: &str = "910753614";
const SUPPLIER: &str = "889640782";

fn customer(name: &str, url: Option<&str>) -> OnBehalfOf {
    OnBehalfOf {
        onbehalfof: name.to_owned(),
        display_name: format!("{name} kommune"),
        orgno: orgno(CUSTOMER),
        url: url.map(str::to_owned),
    }
}

fn supplier(client_id: &str, customers: Vec<OnBehalfOf>) -> ClientRegistration {
    ClientRegistration {
        onbehalfof: customers,
        client_uri: Some("https://leverandor.example.no/".to_owned()),
        ..refreshing(client_id)
    }
}

fn two() -> Vec<OnBehalfOf> {
    vec![customer("oslo", Some("https://oslo.example.no/tilbake")), customer("bergen", None)]
}

/// The rule of an authorization error at the redirect URI, which is led to its page, or to that of what it is told as.
fn rule_of(left: &Reply) -> String {
    let rule = logged_rule(left);
    let told = Rule::named(&rule).map(Rule::told_name);
    assert_eq!(left.error_uri().rsplit('/').next(), told, "{rule}");
    rule
}

#[tokio::test]
async fn s14_an_unregistered_customer_is_refused_and_a_registered_one_is_not() {
    let world = World::new().await;
    for at in At::PROFILES {
        let service = world.register(at, supplier("supplier", two())).await;
        let plain = world.service(at).await;
        for (asker, name) in [
            (&service, "trondheim"),
            (&service, "OSLO"),
            (&service, "oslo "),
            (&service, "oslo kommune"),
            (&service, CUSTOMER),
            (&plain, "oslo"),
        ] {
            let asking = asker.request().with("onbehalfof", name);
            assert_eq!(world.refused(&asking).await, "invalid_request", "{name:?}");
            assert_eq!(rule_of(&asking.send().await), "onbehalfof-unknown");
        }
        let twice = service.request().with("onbehalfof", "oslo").again("onbehalfof", "bergen");
        assert_eq!(rule_of(&twice.send().await), "parameter-repeated");
        for name in ["oslo", "bergen", ""] {
            world.accepted(&service.request().with("onbehalfof", name)).await;
        }
    }
}

#[tokio::test]
async fn s14_the_tokens_name_the_customer_in_both_claims_and_go_on_doing_so() {
    let world = World::new().await;
    for at in At::PROFILES {
        let service = world.register(at, supplier("supplier", two())).await;
        let asking = service.request().with("onbehalfof", "oslo");
        let answer = service.login_with(&mut world.browser(), PERSON, asking).await;
        let first = service.tokens(&answer).await;
        let second = service.refresh(first.refresh_token()).await;
        let bare = world.tokens(&service, PERSON).await;
        for tokens in [&first, &second] {
            for claim in ["client_onbehalfof", "aud_onbehalfof"] {
                assert_eq!((tokens.claim(claim), bare.claim(claim)), (json!("oslo"), Value::Null));
            }
            assert_eq!(tokens.claim("aud"), "supplier", "whom the token is for is the client all the same");
            // The person is one and the same to the client, whomever it asks for.
            assert_eq!(tokens.claim("sub"), bare.claim("sub"));
            if at == At::Current {
                // A customer does not inherit the client's access (contract §14): the consumer is the client's organisation.
                let claims = service.verify(&tokens.access_token).await.unwrap();
                assert_eq!(claims["consumer"]["ID"], "0192:991825827");
                assert_eq!(
                    claims.get("client_onbehalfof"),
                    None,
                    "contract §7: not a claim of access tokens"
                );
            }
        }
    }
}

#[tokio::test]
async fn s14_the_pages_show_the_customer_s_name_and_lead_back_to_the_customer() {
    let world = World::new().await;
    for at in At::PROFILES {
        let service = world.register(at, supplier("supplier", two())).await;
        let page = async |asked: &str| {
            let asking = service.request().with("onbehalfof", asked);
            world.page(&mut world.browser(), &asking).await.text()
        };
        let own = page("").await;
        assert!(own.contains("Eksempeltjenesten") && own.contains("https://leverandor.example.no/"), "{own}");
        let oslo = page("oslo").await;
        assert!(oslo.contains("oslo kommune") && oslo.contains("https://oslo.example.no/tilbake"), "{oslo}");
        assert!(!oslo.contains("Eksempeltjenesten") && !oslo.contains("leverandor.example.no"), "{oslo}");
        let bergen = page("bergen").await;
        assert!(bergen.contains("bergen kommune") && bergen.contains("https://leverandor.example.no/"));
        assert!(!bergen.contains("oslo"), "no customer reads of another");
    }
}

#[tokio::test]
async fn s14_a_hostile_customer_s_name_is_text_and_a_link_that_is_none_is_not_registered() {
    let world = World::new().await;
    for at in At::PROFILES {
        let mut hostile = customer("hostile", None);
        hostile.display_name = "<script>alert(1)</script>\"'&".to_owned();
        let service = world.register(at, supplier("hostile", vec![hostile])).await;
        let asking = service.request().with("onbehalfof", "hostile");
        let text = world.page(&mut world.browser(), &asking).await.text();
        assert!(
            !text.contains("<script>alert") && text.contains("&#60;script&#62;")
                || text.contains("&lt;script")
        );
        for url in [
            "javascript:alert(1)",
            "http://oslo.example.no\\@evil.example",
            "https://u@oslo.example.no",
            "oslo",
        ] {
            let bad = supplier("bad", vec![customer("oslo", Some(url))]);
            world.refused_on_page_by(&world.register(at, bad).await.request(), "client-unknown").await;
        }
    }
}

#[tokio::test]
async fn g4_a_customer_taken_off_a_registration_ends_its_logins_and_no_other_s() {
    let world = World::new().await;
    for at in At::PROFILES {
        let service = world.register(at, supplier("supplier", two())).await;
        let asked = async |name: &str| {
            let asking = service.request().with("onbehalfof", name);
            service.login_with(&mut world.browser(), PERSON, asking).await
        };
        let (unspent, oslo) = (asked("oslo").await, asked("oslo").await);
        let (oslo, bergen) = (service.tokens(&oslo).await, service.tokens(&asked("bergen").await).await);
        let (under_way, mut browser) = (service.request().with("onbehalfof", "oslo"), world.browser());
        let page = world.page(&mut browser, &under_way).await;

        let service = world.register(at, supplier("supplier", vec![customer("bergen", None)])).await;
        let refresh = service.refreshing(oslo.refresh_token());
        world.refused_by(&refresh, "invalid_grant", "onbehalfof-withdrawn").await;
        world.refused_by(&service.redemption(&unspent), "invalid_grant", "onbehalfof-withdrawn").await;
        world.refused_at_userinfo_by(&service, &oslo.access_token, "token-stopped").await;
        let left = browser.log_in_as(&page, PERSON).await;
        assert_eq!(under_way.answer(&left).get("error"), Some("invalid_request"));
        service.refresh(bergen.refresh_token()).await;

        let service = world.register(at, supplier("supplier", two())).await;
        service.refresh(oslo.refresh_token()).await;
        service.tokens(&unspent).await;
    }
}

// Clients that a supplier runs.

fn run_by_supplier(client_id: &str) -> ClientRegistration {
    ClientRegistration {
        client_orgno: orgno(CUSTOMER),
        supplier_orgno: Some(orgno(SUPPLIER)),
        scopes: scopes("openid profile api:read"),
        ..refreshing(client_id)
    }
}

#[tokio::test]
async fn s7_a_supplier_s_client_names_consumer_and_supplier() {
    let world = World::new().await;
    let at = At::Current;
    let record = ScopeRecord {
        enforced_aud_for_introspection: vec![client_id("api")],
        ..owned_scope("api:read", "991825827")
    };
    world.organisation(at, CUSTOMER).await;
    world.organisation(at, SUPPLIER).await;
    world.scope(at, record).await;
    world.access(at, "api:read", CUSTOMER, AccessState::Approved).await;
    let service = world.register(at, run_by_supplier("supplied")).await;
    let api = world.register(at, reader("api")).await;
    let first = world.tokens_for(&service, PERSON, "openid api:read").await;
    let second = service.refresh(first.refresh_token()).await;
    let organisation =
        |orgno: &str| json!({ "authority": "iso6523-actorid-upis", "ID": format!("0192:{orgno}") });
    for tokens in [&first, &second] {
        let claims = service.verify(&tokens.access_token).await.unwrap();
        let told = api.introspect(&tokens.access_token).await;
        for said in [&claims, &told] {
            assert_eq!(
                (&said["consumer"], &said["supplier"]),
                (&organisation(CUSTOMER), &organisation(SUPPLIER))
            );
        }
        assert_eq!((tokens.claim("consumer"), tokens.claim("supplier")), (Value::Null, Value::Null));
    }
    let plain = world.tokens(&world.service(at).await, PERSON).await;
    assert_eq!(service.verify(&plain.access_token).await.unwrap().get("supplier"), None);
}

#[tokio::test]
async fn g3_a_supplier_s_own_access_opens_nothing_for_its_customer() {
    let world = World::new().await;
    for at in At::PROFILES {
        world.organisation(at, CUSTOMER).await;
        world.organisation(at, SUPPLIER).await;
        world.scope(at, owned_scope("api:read", SUPPLIER)).await;
        let service = world.register(at, run_by_supplier("supplied")).await;
        let asking = || service.request().with("scope", "openid api:read");
        assert_eq!(world.refused(&asking()).await, "invalid_scope");
        assert_eq!(rule_of(&asking().send().await), "scope-not-granted");
        world.access(at, "api:read", CUSTOMER, AccessState::Approved).await;
        world.accepted(&asking()).await;
    }
}

#[tokio::test]
async fn g4_a_supplier_that_withdraws_ends_what_its_clients_were_given() {
    let world = World::new().await;
    for at in At::PROFILES {
        world.organisation(at, CUSTOMER).await;
        world.organisation(at, SUPPLIER).await;
        world.scope(at, owned_scope("api:read", CUSTOMER)).await;
        let service = world.register(at, run_by_supplier("supplied")).await;
        let tokens = world.tokens_for(&service, PERSON, "openid profile").await;
        let stands = async |standing| {
            let orgno = orgno(SUPPLIER);
            let name = "Nabodirektoratet".to_owned();
            let supplier = Organisation { orgno, name, standing, ..organisation() };
            world
                .change(vec![Change::Organisation { issuer: world.issuer(at), organisation: supplier }])
                .await;
        };
        stands(Standing::Withdrawn).await;
        let refused = service.refreshing(tokens.refresh_token()).send().await;
        assert_eq!(refused.status, 401);
        assert_eq!(logged_rule(&refused), "client-authentication-stopped");
        assert_eq!(service.userinfo(&tokens.access_token).await.status, 401);
        stands(Standing::Active).await;
        assert_eq!(service.userinfo(&tokens.access_token).await.status, 200);
        service.refresh(tokens.refresh_token()).await;
    }
}

#[tokio::test]
async fn t5_what_a_supplier_s_clients_were_given_is_taken_back_with_the_supplier() {
    let world = World::new().await;
    for at in At::PROFILES {
        world.organisation(at, CUSTOMER).await;
        world.organisation(at, SUPPLIER).await;
        let mut supplied = run_by_supplier("supplied");
        supplied.scopes = registration("x").scopes;
        let service = world.register(at, supplied).await;
        let others = world.register(at, refreshing("others")).await;
        for whose in [SUPPLIER, CUSTOMER] {
            let (tokens, kept) = (world.tokens(&service, PERSON).await, world.tokens(&others, PERSON).await);
            let subject = Subject::Organisation(OrgNumber::parse(whose).unwrap());
            world.take_back(at, subject, world.now() + Seconds::new(1)).await;
            let refresh = service.refreshing(tokens.refresh_token());
            world.refused_by(&refresh, "invalid_grant", "refresh-token-unknown").await;
            world.refused_at_userinfo_by(&service, &tokens.access_token, "token-revoked").await;
            others.refresh(kept.refresh_token()).await;
            world.wait(1);
        }
    }
}

#[tokio::test]
async fn t5_nothing_comes_back_when_a_client_becomes_anothers() {
    let world = World::new().await;
    for at in At::PROFILES {
        world.organisation(at, CUSTOMER).await;
        world.organisation(at, SUPPLIER).await;
        let mut supplied = run_by_supplier("moved");
        supplied.scopes = registration("x").scopes;
        let service = world.register(at, supplied.clone()).await;
        let tokens = world.tokens(&service, PERSON).await;
        let subject = Subject::Organisation(OrgNumber::parse(SUPPLIER).unwrap());
        world.take_back(at, subject, world.now() + Seconds::new(1)).await;
        world.wait(5);
        // The supplier is taken off the client that it ran.
        supplied.supplier_orgno = None;
        let service = world.register(at, supplied.clone()).await;
        let refresh = service.refreshing(tokens.refresh_token());
        world.refused_by(&refresh, "invalid_grant", "refresh-token-unknown").await;
        world.refused_at_userinfo_by(&service, &tokens.access_token, "token-revoked").await;
        // And what one was given is not the next one's.
        world.wait(1);
        let tokens = world.tokens(&service, PERSON).await;
        supplied.client_orgno = OrgNumber::parse(SUPPLIER).unwrap();
        let service = world.register(at, supplied).await;
        let refresh = service.refreshing(tokens.refresh_token());
        world.refused_by(&refresh, "invalid_grant", "refresh-token-unknown").await;
        world.wait(1);
        let anew = world.tokens(&service, PERSON).await;
        service.refresh(anew.refresh_token()).await;
    }
}
