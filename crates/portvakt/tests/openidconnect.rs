//! The `openidconnect` library through a whole login, as a service would use it, against the real binary: discovery, state,
//! nonce and PKCE, the code, the ID token by the JWKS, userinfo.
#![expect(clippy::expect_used, reason = "a scene that cannot go on fails where it stands")]

use std::convert::Infallible;
use std::path::Path;

use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreErrorResponseType, CoreGenderClaim, CoreJsonWebKey,
    CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm, CoreProviderMetadata, CoreResponseType,
    CoreRevocableToken, CoreRevocationErrorResponse, CoreTokenIntrospectionResponse, CoreTokenType,
};
use openidconnect::url::Url;
use openidconnect::{
    AccessToken, AdditionalClaims, AuthenticationContextClass, AuthenticationFlow, AuthorizationCode,
    ClientId, ClientSecret, CsrfToken, EmptyExtraTokenFields, EndpointMaybeSet, EndpointNotSet, EndpointSet,
    HttpRequest, HttpResponse, IdTokenFields, IssuerUrl, Nonce, OAuth2TokenResponse, PkceCodeChallenge,
    PkceCodeVerifier, RedirectUrl, RequestTokenError, Scope, StandardErrorResponse, StandardTokenResponse,
    TokenResponse, UserInfoClaims, UserInfoError,
};
use portvakt_testkit::{Browser, Call, PERSONS, Process, Wire};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What the real clients are registered as.
const CATALOGUE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/clients/catalogue.toml");

/// What ID-porten adds to the claims of OpenID Connect Core.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct NorwegianClaims {
    pid: String,
}

impl AdditionalClaims for NorwegianClaims {}

type Tokens = StandardTokenResponse<
    IdTokenFields<
        NorwegianClaims,
        EmptyExtraTokenFields,
        CoreGenderClaim,
        CoreJweContentEncryptionAlgorithm,
        CoreJwsSigningAlgorithm,
    >,
    CoreTokenType,
>;

type Refusal = StandardErrorResponse<CoreErrorResponseType>;

type Client = openidconnect::Client<
    NorwegianClaims,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    Refusal,
    Tokens,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// The levels of a profile: the one that is asked for, and a higher one that the person picks.
struct Levels {
    asked: &'static str,
    picked: &'static str,
}

const PILOT: Levels = Levels { asked: "Level3", picked: "Level4" };
const CURRENT: Levels = Levels { asked: "idporten-loa-substantial", picked: "idporten-loa-high" };

/// A running server, and a service registered there.
struct Scene {
    process: Process,
    issuer: String,
    client_id: String,
    redirect_uri: String,
    levels: Levels,
    client: Client,
}

/// A login as the service sees it: what it remembered, and what came back to its redirect URI.
struct Answer {
    nonce: Nonce,
    verifier: String,
    code: String,
    iss: Option<String>,
}

impl Scene {
    /// A client of the real clients' catalogue, at the issuer of `profile`.
    async fn at(profile: &str, levels: Levels, client_id: &str) -> Self {
        let process = Process::dev(Path::new(env!("CARGO_BIN_EXE_portvakt")), &["--catalogue", CATALOGUE]);
        let issuer = text(found(process.ready(), "issuers", |one| text(one, "profile") == profile), "issuer");
        let registered = found(process.ready(), "clients", |one| {
            text(one, "issuer") == issuer && text(one, "client_id") == client_id
        });
        let (client_id, secret) = (text(registered, "client_id"), text(registered, "client_secret"));
        let redirect_uri = registered
            .get("redirect_uris")
            .and_then(|uris| uris.get(0)?.as_str())
            .expect("a redirect URI")
            .to_owned();
        let client = service(process.wire(), &issuer, &client_id, &secret, &redirect_uri).await;
        Self { process, issuer, client_id, redirect_uri, levels, client }
    }

    /// The same client with another secret.
    async fn with_secret(&self, secret: &str) -> Client {
        service(self.process.wire(), &self.issuer, &self.client_id, secret, &self.redirect_uri).await
    }

    /// An authorization request, as the library builds it.
    fn request(&self, client: &Client) -> (Url, CsrfToken, Nonce, PkceCodeVerifier) {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let flow = AuthenticationFlow::<CoreResponseType>::AuthorizationCode;
        let (url, state, nonce) = client
            .authorize_url(flow, CsrfToken::new_random, Nonce::new_random)
            .add_scope(Scope::new("profile".to_owned()))
            .add_auth_context_value(AuthenticationContextClass::new(self.levels.asked.to_owned()))
            .set_pkce_challenge(challenge)
            .url();
        (url, state, nonce, verifier)
    }

    async fn log_in(&self) -> Answer {
        let (url, state, nonce, verifier) = self.request(&self.client);
        let mut browser = Browser::new(self.process.wire());
        let page = browser.visit(url.as_str()).await;
        let reply = browser.log_in(&page, PERSONS[0], self.levels.picked).await;
        let location = reply.location().expect("a redirect to the service").to_owned();
        assert!(location.starts_with(&self.redirect_uri), "{location}");
        let answer = Url::parse(&location).expect("a URL");
        let param = |name: &str| {
            answer.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
        };
        assert_eq!(param("state").as_ref(), Some(state.secret()));
        let code = param("code").expect("a code");
        Answer { nonce, verifier: verifier.into_secret(), code, iss: param("iss") }
    }

    async fn redeem(&self, answer: &Answer) -> Result<Tokens, RequestTokenError<Infallible, Refusal>> {
        self.redeem_as(&self.client, &answer.code, &answer.verifier).await
    }

    async fn redeem_as(
        &self,
        client: &Client,
        code: &str,
        verifier: &str,
    ) -> Result<Tokens, RequestTokenError<Infallible, Refusal>> {
        let http = |request| speak(self.process.wire(), request);
        let redemption = client.exchange_code(AuthorizationCode::new(code.to_owned()));
        let redemption = redemption.expect("a token endpoint in the metadata");
        redemption.set_pkce_verifier(PkceCodeVerifier::new(verifier.to_owned())).request_async(&http).await
    }

    async fn userinfo(
        &self,
        token: &AccessToken,
    ) -> Result<UserInfoClaims<NorwegianClaims, CoreGenderClaim>, UserInfoError<Infallible>> {
        let http = |request| speak(self.process.wire(), request);
        let request =
            self.client.user_info(token.clone(), None).expect("a userinfo endpoint in the metadata");
        request.request_async(&http).await
    }

    /// From the answer to userinfo, with every claim that a service reads.
    async fn finish(&self, answer: &Answer) {
        let tokens = self.redeem(answer).await.expect("tokens");
        let id_token = tokens.id_token().expect("an ID token");
        let verifier = self.client.id_token_verifier();
        id_token.claims(&verifier, &Nonce::new("of-another-request".to_owned())).expect_err("another nonce");
        let claims = id_token.claims(&verifier, &answer.nonce).expect("a valid ID token");
        assert_eq!(claims.issuer().as_str(), self.issuer);
        assert_eq!(claims.audiences().iter().map(|aud| aud.as_str()).collect::<Vec<_>>(), [&self.client_id]);
        assert_eq!(claims.auth_context_ref().map(|acr| acr.as_str()), Some(self.levels.picked));
        let amr: Option<Vec<&str>> =
            claims.auth_method_refs().map(|methods| methods.iter().map(|method| method.as_str()).collect());
        assert_eq!(amr, Some(vec!["TestID"]));
        assert_eq!(claims.additional_claims().pid, PERSONS[0]);
        let userinfo = self.userinfo(tokens.access_token()).await.expect("userinfo");
        assert_eq!(userinfo.subject(), claims.subject(), "OpenID Connect Core §5.3.2");
        assert_eq!(userinfo.additional_claims().pid, PERSONS[0]);
    }
}

/// The client that the library makes of a discovery document.
async fn service(wire: &Wire, issuer: &str, client_id: &str, secret: &str, redirect_uri: &str) -> Client {
    let http = |request| speak(wire, request);
    let issuer = IssuerUrl::new(issuer.to_owned()).expect("an issuer");
    let metadata = CoreProviderMetadata::discover_async(issuer, &http).await.expect("discovery and keys");
    Client::from_provider_metadata(
        metadata,
        ClientId::new(client_id.to_owned()),
        Some(ClientSecret::new(secret.to_owned())),
    )
    .set_redirect_uri(RedirectUrl::new(redirect_uri.to_owned()).expect("a redirect URI"))
}

/// The library's HTTP client.
async fn speak(wire: &Wire, request: HttpRequest) -> Result<HttpResponse, Infallible> {
    let (head, body) = request.into_parts();
    let mut call = Call::new(head.method, &head.uri.to_string());
    for (name, value) in &head.headers {
        call = call.header(name.as_str(), value.to_str().expect("text"));
    }
    call.body = body;
    let reply = wire.call(call).await;
    let mut response = HttpResponse::new(reply.body);
    *response.status_mut() = reply.status;
    *response.headers_mut() = reply.headers;
    Ok(response)
}

fn text(value: &Value, name: &str) -> String {
    value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn found<'a>(ready: &'a Value, list: &str, wanted: impl Fn(&&Value) -> bool) -> &'a Value {
    ready.get(list).and_then(Value::as_array).and_then(|all| all.iter().find(wanted)).expect("one of them")
}

/// The code of OAuth's error answer.
fn code_of<T>(refused: Result<T, RequestTokenError<Infallible, Refusal>>) -> Option<CoreErrorResponseType> {
    match refused {
        Err(RequestTokenError::ServerResponse(refusal)) => Some(refusal.error().clone()),
        Ok(_)
        | Err(RequestTokenError::Request(_) | RequestTokenError::Parse(..) | RequestTokenError::Other(_)) => {
            None
        }
    }
}

#[tokio::test]
async fn an_unregistered_redirect_uri_causes_no_redirect() {
    let scene = Scene::at("idporten", CURRENT, "web").await;
    let elsewhere = "http://localhost:3000/elsewhere".to_owned();
    let client = scene.client.clone().set_redirect_uri(RedirectUrl::new(elsewhere).unwrap());
    let (url, ..) = scene.request(&client);
    let page = Browser::new(scene.process.wire()).visit(url.as_str()).await;
    assert!(page.is_page_with(400), "{}", page.status);
}

#[tokio::test]
async fn a_wrong_secret_is_invalid_client_and_spends_nothing() {
    let scene = Scene::at("idporten", CURRENT, "web").await;
    let answer = scene.log_in().await;
    let wrong = scene.with_secret("not-the-secret-of-this-client").await;
    let refused = scene.redeem_as(&wrong, &answer.code, &answer.verifier).await;
    assert_eq!(code_of(refused), Some(CoreErrorResponseType::InvalidClient));
    scene.redeem(&answer).await.expect("tokens");
}

#[tokio::test]
async fn another_verifier_is_invalid_grant_and_spends_nothing() {
    let scene = Scene::at("idporten", CURRENT, "web").await;
    let answer = scene.log_in().await;
    let refused = scene.redeem_as(&scene.client, &answer.code, &"x".repeat(43)).await;
    assert_eq!(code_of(refused), Some(CoreErrorResponseType::InvalidGrant));
    scene.redeem(&answer).await.expect("tokens");
}

#[tokio::test]
async fn a_replayed_code_is_invalid_grant_and_takes_back_what_it_gave() {
    let scene = Scene::at("idporten", CURRENT, "web").await;
    let answer = scene.log_in().await;
    let tokens = scene.redeem(&answer).await.expect("tokens");
    scene.userinfo(tokens.access_token()).await.expect("userinfo");
    assert_eq!(code_of(scene.redeem(&answer).await), Some(CoreErrorResponseType::InvalidGrant));
    let refused = scene.userinfo(tokens.access_token()).await;
    assert!(matches!(&refused, Err(UserInfoError::Response(status, ..)) if *status == 401), "{refused:?}");
}

#[tokio::test]
async fn a_whole_login_at_the_current_profile() {
    let scene = Scene::at("idporten", CURRENT, "web").await;
    let answer = scene.log_in().await;
    assert_eq!(answer.iss.as_ref(), Some(&scene.issuer), "RFC 9207 §2");
    scene.finish(&answer).await;
}

/// `docs/divergences.md`: the library knows `amr` as an array only, so it cannot read the pilot's token answer at all.
#[tokio::test]
async fn the_pilots_string_form_of_amr_is_refused_by_the_library() {
    let scene = Scene::at("pilot", PILOT, "web").await;
    let answer = scene.log_in().await;
    let refused = scene.redeem(&answer).await;
    assert!(matches!(&refused, Err(RequestTokenError::Parse(..))), "{:?}", refused.err());
}

#[tokio::test]
async fn a_whole_login_at_the_pilot_profile_with_amr_as_an_array() {
    let scene = Scene::at("pilot", PILOT, "web-amr-array").await;
    let answer = scene.log_in().await;
    assert_eq!(answer.iss, None);
    scene.finish(&answer).await;
}
