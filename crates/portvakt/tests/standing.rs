//! Whatever is stopped or withdrawn is so at every endpoint at once (G4, O6, T4), and comes back at every endpoint when it does: the
//! client, its organisation, the supplier that runs it, the person, the customer that was logged in for, and a scope. Callers read what
//! they may; the log names which of these it was.

use portvakt_protocol::client::OnBehalfOf;
use portvakt_protocol::organisation::{Organisation, Standing};
use portvakt_protocol::registration::{Change, ClientRegistration};
use portvakt_protocol::scope::{AccessState, ScopeRecord};
use portvakt_testkit::{
    Answer, At, Call, PERSONS, RelyingParty, Reply, Tokens, World, assert_inactive, client_id, log,
    organisation, orgno, owned_scope, reader, refreshing, registration, scopes, trace_id,
};

const PERSON: &str = PERSONS[0];
const SCOPE: &str = "api:read";

/// The organisation of the client, the supplier that runs the client, and the owner of [`SCOPE`].
const OWN: &str = "910753614";
const SUPPLIER: &str = "889640782";
const OWNER: &str = "991825827";

/// What is stopped or withdrawn.
#[derive(Clone, Copy, Debug)]
enum Of {
    Client,
    Organisation,
    Supplier,
    Person,
    Customer,
    Scope,
}

impl Of {
    const ALL: [Self; 6] =
        [Self::Client, Self::Organisation, Self::Supplier, Self::Person, Self::Customer, Self::Scope];

    /// Whether the client itself may not be used any more, and so does not even authenticate.
    fn stops_client(self) -> bool {
        matches!(self, Self::Client | Self::Organisation | Self::Supplier)
    }

    /// The `error` and the rule of a refresh.
    fn at_refresh(self) -> (&'static str, &'static str) {
        match self {
            Self::Client | Self::Organisation | Self::Supplier => {
                ("invalid_client", "client-authentication-stopped")
            }
            Self::Person => ("invalid_grant", "refresh-token-stopped"),
            Self::Customer => ("invalid_grant", "onbehalfof-withdrawn"),
            Self::Scope => ("invalid_scope", "scope-withdrawn"),
        }
    }

    /// The same of a code.
    fn at_code(self) -> (&'static str, &'static str) {
        if matches!(self, Self::Person) {
            ("invalid_grant", "code-person-stopped")
        } else {
            self.at_refresh()
        }
    }

    /// Why a token is told to be not active.
    fn reason(self) -> &'static str {
        match self {
            Self::Client => "token-client-stopped",
            Self::Organisation => "token-organisation-stopped",
            Self::Supplier => "token-supplier-stopped",
            Self::Person => "token-person-stopped",
            Self::Customer => "token-onbehalfof-withdrawn",
            Self::Scope => "token-scope-withdrawn",
        }
    }

    /// What the log says of userinfo's refusal: expected, received and fix.
    fn at_userinfo(self) -> [&'static str; 3] {
        match self {
            Self::Client => ["an active client", "a client that was deactivated", "activate the client"],
            Self::Organisation => ["an active organisation", OWN, "activate the organisation"],
            Self::Supplier => ["a client whose supplier is active", SUPPLIER, "activate the supplier"],
            Self::Person => ["a person who may log in", "a person who may not", "use an active test person"],
            Self::Customer => ["a customer that is still registered", "oslo", "register the customer again"],
            Self::Scope => ["still use: its access was withdrawn", SCOPE, "portvakt scope access"],
        }
    }
}

/// A client that a supplier runs for an organisation, with a customer and a scope of another organisation's.
struct Scene {
    world: World,
    at: At,
    registration: ClientRegistration,
    service: RelyingParty,
    reader: RelyingParty,
}

impl Scene {
    async fn at(at: At) -> Self {
        let world = World::new().await;
        let record = ScopeRecord {
            enforced_aud_for_introspection: vec![client_id("reader")],
            ..owned_scope(SCOPE, OWNER)
        };
        world.organisation(at, OWN).await;
        world.organisation(at, SUPPLIER).await;
        world.scope(at, record).await;
        world.access(at, SCOPE, OWN, AccessState::Approved).await;
        let customer = OnBehalfOf {
            onbehalfof: "oslo".to_owned(),
            display_name: "Oslo kommune".to_owned(),
            orgno: orgno(OWNER),
            url: None,
        };
        let registration = ClientRegistration {
            client_orgno: orgno(OWN),
            supplier_orgno: Some(orgno(SUPPLIER)),
            onbehalfof: vec![customer],
            scopes: scopes(&format!("openid profile {SCOPE}")),
            ..refreshing("service")
        };
        let service = world.register(at, registration.clone()).await;
        let reader = world.register(at, reader("reader")).await;
        Self { world, at, registration, service, reader }
    }

    async fn answer(&self) -> Answer {
        let scope = format!("openid profile {SCOPE}");
        let asking = self.service.request().with("scope", &scope).with("onbehalfof", "oslo");
        self.service.login_with(&mut self.world.browser(), PERSON, asking).await
    }

    async fn tokens(&self) -> Tokens {
        self.service.tokens(&self.answer().await).await
    }

    /// Stops or withdraws it, or takes that back.
    async fn set(&self, of: Of, stands: bool) {
        let (world, at) = (&self.world, self.at);
        let issuer = world.issuer(at);
        let organisation = |number: &str| {
            let standing = if stands { Standing::Active } else { Standing::Deactivated };
            let name = "Nabodirektoratet".to_owned();
            let organisation = Organisation { orgno: orgno(number), name, standing, ..organisation() };
            vec![Change::Organisation { issuer: issuer.clone(), organisation }]
        };
        match of {
            Of::Client => world.set_client(at, "service", stands).await,
            Of::Organisation => world.change(organisation(OWN)).await,
            Of::Supplier => world.change(organisation(SUPPLIER)).await,
            Of::Person => {
                if let Some(pool) = at.pool() {
                    world.person(pool, PERSON, stands).await;
                }
            }
            Of::Customer => {
                let mut registration = self.registration.clone();
                registration.onbehalfof.retain(|_| stands);
                let registration = Box::new(registration);
                world.change(vec![Change::Client { issuer, registration, active: true }]).await;
            }
            Of::Scope => {
                let state = if stands { AccessState::Approved } else { AccessState::Withdrawn };
                world.access(at, SCOPE, OWN, state).await;
            }
        }
    }

    /// Whether the endpoint that anybody or an API asks tells of a token.
    async fn told(&self, token: &str) -> bool {
        let reply = if self.at == At::Current {
            self.reader.introspecting(token).send().await
        } else {
            self.service.tokeninfo(token).await
        };
        assert_eq!(reply.status, 200);
        reply.json().get("active") == Some(&true.into())
    }

    /// That an access token is told to be not active, for this reason of the log.
    async fn assert_inactive(&self, token: &str, reason: &str) {
        if self.at == At::Current {
            return self.world.inactive(&self.reader, token, reason).await;
        }
        assert_inactive(&self.service.tokeninfo(token).await);
        let log = log();
        let asked = |line: &&str| line.contains(" inactive: ") && line.contains("endpoint=\"tokeninfo\"");
        let line = log.lines().rfind(asked).unwrap_or_default();
        assert!(line.contains(&format!(" reason=\"{reason}\"")), "{reason}: {line}");
    }
}

/// What the log says of a refusal.
fn logged(reply: &Reply) -> String {
    let (log, trace) = (log(), trace_id(reply));
    let is_its = |line: &&str| line.contains(&trace) && line.contains(" refusal: ");
    log.lines().find(is_its).unwrap_or_default().to_owned()
}

#[tokio::test]
async fn g4_o6_t4_what_is_stopped_or_withdrawn_is_so_at_every_endpoint_and_comes_back_at_each() {
    for at in At::PROFILES {
        let scene = Scene::at(at).await;
        let (world, service) = (&scene.world, &scene.service);
        for of in Of::ALL {
            let (tokens, given_back, unspent) =
                (scene.tokens().await, scene.tokens().await, scene.answer().await);
            let access = &tokens.access_token;
            assert!(scene.told(access).await, "{of:?}");
            assert_eq!(service.userinfo(access).await.status, 200, "{of:?}");

            scene.set(of, false).await;
            let (error, rule) = of.at_refresh();
            world.refused_by(&service.refreshing(tokens.refresh_token()), error, rule).await;
            let (error, rule) = of.at_code();
            world.refused_by(&service.redemption(&unspent), error, rule).await;
            scene.assert_inactive(access, of.reason()).await;
            world.refused_at_userinfo_by(service, access, "token-stopped").await;
            // Who may not authenticate gives nothing back, and whoever may still can.
            for token in [given_back.refresh_token(), &given_back.access_token] {
                let revocation = service.revoking(token);
                if of.stops_client() {
                    let rule = "client-authentication-stopped";
                    world.refused_by(&revocation, "invalid_client", rule).await;
                } else {
                    assert_eq!(revocation.send().await.status, 200, "{of:?}");
                }
            }

            scene.set(of, true).await;
            if of.stops_client() {
                assert_eq!(service.userinfo(&given_back.access_token).await.status, 200, "{of:?}");
                service.revoke(given_back.refresh_token()).await;
            }
            world.refused_at_userinfo_by(service, &given_back.access_token, "token-revoked").await;
            assert!(scene.told(access).await, "{of:?}");
            assert_eq!(service.userinfo(access).await.status, 200, "{of:?}");
            service.refresh(tokens.refresh_token()).await;
            service.tokens(&unspent).await;
        }
    }
}

#[tokio::test]
async fn userinfo_s_log_names_what_was_stopped_or_withdrawn_and_its_answer_does_not() {
    for at in At::PROFILES {
        let scene = Scene::at(at).await;
        let tokens = scene.tokens().await;
        let mut told = Vec::new();
        for of in Of::ALL {
            scene.set(of, false).await;
            let refused = scene.service.userinfo(&tokens.access_token).await;
            let line = logged(&refused);
            for said in of.at_userinfo() {
                assert!(line.contains(said), "{of:?}: {said} is not in {line}");
            }
            let others = Of::ALL.iter().filter(|other| other.at_userinfo() != of.at_userinfo());
            for other in others {
                assert!(!line.contains(other.at_userinfo()[0]), "{of:?} is told as {other:?}: {line}");
            }
            let said = refused.description();
            let said = said.split_once(" (trace_id").map(|(said, _)| said.to_owned()).unwrap();
            told.push((refused.status.as_u16(), said, refused.error_uri()));
            scene.set(of, true).await;
        }
        told.dedup();
        assert_eq!(told.len(), 1, "whoever presents a token may have found it: {told:?}");
        assert_eq!(scene.service.userinfo(&tokens.access_token).await.status, 200);
    }
}

#[tokio::test]
async fn userinfo_s_log_names_the_state_of_a_scope() {
    let scene = Scene::at(At::Current).await;
    let (world, at, service) = (&scene.world, scene.at, &scene.service);
    let tokens = scene.tokens().await;
    let refused = async || logged(&service.userinfo(&tokens.access_token).await);
    for (state, said) in [
        (AccessState::Denied, "its access was denied"),
        (AccessState::Requested, "its access was asked for, and not answered"),
        (AccessState::Withdrawn, "its access was withdrawn"),
    ] {
        world.access(at, SCOPE, OWN, state).await;
        assert!(refused().await.contains(said), "{state:?}");
    }
    world.access(at, SCOPE, OWN, AccessState::Approved).await;
    let record = ScopeRecord {
        enforced_aud_for_introspection: vec![client_id("reader")],
        ..owned_scope(SCOPE, OWNER)
    };
    world.scope(at, ScopeRecord { active: false, ..record.clone() }).await;
    let line = refused().await;
    assert!(line.contains("scopes that are in use") && line.contains("portvakt scope activate"), "{line}");
    world.scope(at, record).await;
    let without = ClientRegistration { scopes: scopes("openid profile"), ..scene.registration.clone() };
    world.register(at, without).await;
    let line = refused().await;
    assert!(line.contains("still registered on the client") && line.contains(SCOPE), "{line}");
    // A registration that does not hold is none.
    let bad = ClientRegistration { redirect_uris: vec!["no uri".to_owned()], ..scene.registration.clone() };
    world.register(at, bad).await;
    let line = refused().await;
    assert!(line.contains("registered") && line.contains("portvakt client show"), "{line}");
    world.register(at, scene.registration.clone()).await;
    assert_eq!(service.userinfo(&tokens.access_token).await.status, 200);
}

#[tokio::test]
async fn a_header_that_is_not_bearer_is_told_of_by_its_name() {
    let world = World::new().await;
    for at in At::PROFILES {
        let service = world.register(at, registration("scheme")).await;
        let token = world.tokens(&service, PERSON).await.access_token;
        let url = service.url("userinfo_endpoint");
        for header in ["Basic d2ViOng=", "Bearer", "Bearer ", "DPoP x"] {
            let refused = world.call(Call::get(url).header("authorization", header)).await;
            assert_eq!((refused.status.as_u16(), refused.error().as_str()), (401, "invalid_token"));
            assert!(refused.error_uri().ends_with("/errors/bearer-scheme"));
            let said = refused.description();
            assert!(said.starts_with("Authorization: expected the scheme Bearer"), "{said}");
        }
        assert_eq!(service.userinfo(&token).await.status, 200);
    }
}
