//! A relying party: it knows its own registration and the issuer's discovery document, and nothing else of the house.

use portvakt_crypto::digest::Sha256;
use portvakt_crypto::encoding::base64url_encode;
use portvakt_crypto::jwk::RsaPublicJwk;
use portvakt_crypto::jws::{self, Compact, VerifyingKey};
use portvakt_crypto::random::Random;
use portvakt_verifier::Fault;
use serde_json::{Map, Value};
use url::form_urlencoded;

use crate::browser::Browser;
use crate::call::{Call, Reply, encode};
use crate::redemption::{Redemption, Tokens};
use crate::verdict::{self, Known, TokenSource};
use crate::wire::Wire;

/// What a service was told when it was registered.
#[derive(Clone, Debug)]
pub struct Service {
    /// `client_id`.
    pub client_id: String,
    /// `client_secret`; none for a public client.
    pub secret: Option<String>,
    /// `token_endpoint_auth_method`.
    pub method: String,
    /// The redirect URI it uses.
    pub redirect_uri: String,
}

/// A service at an issuer.
#[derive(Clone)]
pub struct RelyingParty {
    pub(crate) wire: Wire,
    random: Random,
    metadata: Value,
    service: Service,
    pkce: bool,
}

impl RelyingParty {
    /// Reads the issuer's discovery document.
    ///
    /// # Panics
    /// If there is none, or it names another issuer (Discovery 1.0 §4.3).
    pub async fn discover(wire: &Wire, issuer: &str, service: Service, random: Random) -> Self {
        let url = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let metadata = wire.call(Call::get(&url)).await.json();
        assert_eq!(metadata.get("issuer").and_then(Value::as_str), Some(issuer), "Discovery 1.0 §4.3");
        if let Some(secret) = &service.secret {
            wire.keep_secret(secret);
        }
        let party = Self { wire: wire.clone(), random, metadata, service, pkce: true };
        wire.has_tokens_from(party.token_source());
        party
    }

    fn token_source(&self) -> TokenSource {
        TokenSource {
            issuer: self.url("issuer").to_owned(),
            token_endpoint: self.url("token_endpoint").to_owned(),
            jwks_uri: self.url("jwks_uri").to_owned(),
        }
    }

    /// The same service, sending no PKCE.
    #[must_use]
    pub fn without_pkce(&self) -> Self {
        Self { pkce: false, ..self.clone() }
    }

    /// The same service with another registration's words: to try what another service has.
    #[must_use]
    pub fn pretending(&self, change: impl FnOnce(&mut Service)) -> Self {
        let mut other = self.clone();
        change(&mut other.service);
        other
    }

    /// The registration.
    pub fn service(&self) -> &Service {
        &self.service
    }

    /// The discovery document.
    pub fn metadata(&self) -> &Value {
        &self.metadata
    }

    /// A URL of the discovery document.
    ///
    /// # Panics
    /// If the document does not have it.
    #[track_caller]
    pub fn url(&self, member: &str) -> &str {
        let url = self.metadata.get(member).and_then(Value::as_str);
        url.unwrap_or_else(|| panic!("the discovery document has no {member}"))
    }

    /// `authorization_response_iss_parameter_supported` (RFC 9207 §3).
    fn promises_iss(&self) -> bool {
        let promise = self.metadata.get("authorization_response_iss_parameter_supported");
        promise.and_then(Value::as_bool).unwrap_or_default()
    }

    /// A correct authorization request, with its own `state`, `nonce` and verifier.
    pub fn request(&self) -> Asking {
        let text = || base64url_encode(&self.random.bytes::<32>());
        let (state, nonce, verifier) = (text(), text(), text());
        self.wire.keep_secret(&verifier);
        let mut asking = Asking {
            endpoint: self.url("authorization_endpoint").to_owned(),
            params: Vec::new(),
            verifier: None,
            iss: self.promises_iss().then(|| self.url("issuer").to_owned()),
            wire: self.wire.clone(),
        };
        for (name, value) in [
            ("response_type", "code"),
            ("client_id", &self.service.client_id),
            ("redirect_uri", &self.service.redirect_uri),
            ("scope", "openid profile"),
            ("state", &state),
            ("nonce", &nonce),
        ] {
            asking = asking.with(name, value);
        }
        if self.pkce { asking.with_verifier(&verifier) } else { asking }
    }

    /// A whole login, to the answer with its code.
    ///
    /// # Panics
    /// If any step goes another way.
    pub async fn login(&self, browser: &mut Browser, pid: &str) -> Answer {
        self.login_with(browser, pid, self.request()).await
    }

    /// A whole login of this request.
    ///
    /// # Panics
    /// If any step goes another way.
    pub async fn login_with(&self, browser: &mut Browser, pid: &str, asking: Asking) -> Answer {
        let page = browser.visit(&asking.url()).await;
        let left = browser.log_in_as(&page, pid).await;
        let answer = asking.answer(&left);
        assert!(answer.get("code").is_some(), "no code, but {}", left.error());
        Answer { person: Some(pid.to_owned()), ..answer }
    }

    /// The token request for an answer, correct in everything.
    pub fn redemption(&self, answer: &Answer) -> Redemption {
        let mut fields = vec![
            ("grant_type".to_owned(), "authorization_code".to_owned()),
            ("code".to_owned(), answer.get("code").unwrap_or_default().to_owned()),
            ("redirect_uri".to_owned(), answer.redirect_uri.clone()),
        ];
        if let Some(verifier) = &answer.verifier {
            fields.push(("code_verifier".to_owned(), verifier.clone()));
        }
        self.form_request(self.url("token_endpoint"), fields)
    }

    /// Redeems the code of an answer.
    pub async fn redeem(&self, answer: &Answer) -> Reply {
        self.redemption(answer).send().await
    }

    /// Redeems the code of an answer, and reads what it gives.
    ///
    /// # Panics
    /// If it gives nothing, or an ID token that is not this login's.
    pub async fn tokens(&self, answer: &Answer) -> Tokens {
        let reply = self.redeem(answer).await;
        assert_eq!(reply.status, 200, "{}: {}", reply.error(), reply.description());
        let judged = self.judge(&reply, answer).await;
        judged.unwrap_or_else(|fault| panic!("{}: {fault}", reply.url));
        self.read(&reply).await
    }

    /// What the independent verifier says of a token response, by all that this relying party knows of its login. Whatever comes over
    /// the wire has been judged before, without that.
    ///
    /// # Errors
    /// Its [`Fault`].
    pub async fn judge(&self, reply: &Reply, answer: &Answer) -> Result<(), Fault> {
        let known = Known {
            client_id: self.service.client_id.clone(),
            method: Some(self.service.method.clone()),
            person: answer.person.clone(),
            nonce: Some(answer.nonce.clone()),
        };
        let jwks = self.wire.call(Call::get(self.url("jwks_uri"))).await.body;
        // When it came was judged as it came.
        verdict::judge(&jwks, &reply.body, &self.token_source(), &known, i64::MIN..=i64::MAX)
    }

    /// Reads a token response, and verifies its ID token.
    ///
    /// # Panics
    /// If it is none.
    pub async fn read(&self, reply: &Reply) -> Tokens {
        let response = reply.json();
        let member = |name| response.get(name).and_then(Value::as_str).map(str::to_owned);
        let access_token = member("access_token").expect("an access token");
        let (id_token, refresh_token) = (member("id_token"), member("refresh_token"));
        self.wire.keep_secret(&access_token);
        if let Some(token) = &refresh_token {
            self.wire.keep_secret(token);
        }
        let mut id_claims = None;
        if let Some(token) = &id_token {
            self.wire.keep_secret(token);
            id_claims = Some(self.verify(token).await.expect("an ID token that verifies"));
        }
        Tokens { response, access_token, refresh_token, id_token, id_claims }
    }

    /// The claims of a JWT that a key of the issuer's published JWK Set signed; `None` for anything else.
    pub async fn verify(&self, token: &str) -> Option<Value> {
        let compact = Compact::parse(token).ok()?;
        let keys = self.jwks().await;
        let jwk = keys.iter().find(|jwk| jwk.get("kid").and_then(Value::as_str) == compact.kid())?;
        let key = VerifyingKey::from_rsa_jwk(&RsaPublicJwk::from_object(jwk).ok()?);
        serde_json::from_slice(&jws::verify(&compact, &key).ok()?).ok()
    }

    /// The keys of the issuer's JWK Set.
    ///
    /// # Panics
    /// If it is none.
    pub async fn jwks(&self) -> Vec<Map<String, Value>> {
        let set = self.wire.call(Call::get(self.url("jwks_uri"))).await.json();
        let keys = set.get("keys").and_then(Value::as_array).cloned().unwrap_or_default();
        keys.into_iter().filter_map(|key| key.as_object().cloned()).collect()
    }

    /// Userinfo with this token.
    pub async fn userinfo(&self, access_token: &str) -> Reply {
        self.wire.call(Call::get(self.url("userinfo_endpoint")).bearer(access_token)).await
    }
}

/// An authorization request in the making.
#[derive(Clone)]
pub struct Asking {
    endpoint: String,
    /// The parameters, in order.
    pub params: Vec<(String, String)>,
    /// The PKCE verifier, if there is one.
    pub verifier: Option<String>,
    /// What `iss` the answer must carry.
    iss: Option<String>,
    wire: Wire,
}

impl Asking {
    /// The `iss` that the answer must carry (RFC 9207 §2.4); none where the issuer does not promise one.
    pub fn promised_iss(&self) -> Option<&str> {
        self.iss.as_deref()
    }

    /// With a parameter set to this value.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        match self.params.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => value.clone_into(known),
            None => self.params.push((name.to_owned(), value.to_owned())),
        }
        self
    }

    /// With a parameter once more, whether it stands there already or not.
    #[must_use]
    pub fn again(mut self, name: &str, value: &str) -> Self {
        self.params.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Without a parameter.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.params.retain(|(known, _)| known != name);
        self
    }

    /// With the S256 challenge of this verifier (RFC 7636 §4.2).
    #[must_use]
    pub fn with_verifier(mut self, verifier: &str) -> Self {
        let challenge = base64url_encode(Sha256::of(verifier.as_bytes()).as_bytes());
        self.verifier = Some(verifier.to_owned());
        self.with("code_challenge", &challenge).with("code_challenge_method", "S256")
    }

    /// The value of a parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Where a browser is sent with it.
    pub fn url(&self) -> String {
        format!("{}?{}", self.endpoint, encode(&self.params))
    }

    /// It as a `GET`, outside any browser.
    pub async fn send(&self) -> Reply {
        self.wire.call(Call::get(&self.url())).await
    }

    /// It as a `POST` (OpenID Connect Core §3.1.2.1).
    pub fn posted(&self) -> Call {
        Call::post(&self.endpoint, &self.params)
    }

    /// Reads the answer that came back to the redirect URI.
    ///
    /// # Panics
    /// If the reply does not lead there.
    #[track_caller]
    pub fn answer(&self, left: &Reply) -> Answer {
        let location =
            left.location().unwrap_or_else(|| panic!("{} for {}: {}", left.status, left.url, left.text()));
        let redirect_uri = self.get("redirect_uri").unwrap_or_default();
        let rest = location.strip_prefix(redirect_uri);
        let query = rest.and_then(|rest| rest.strip_prefix(['?', '&']));
        let query = query.unwrap_or_else(|| panic!("{location} is not at {redirect_uri}"));
        let params: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        for (name, value) in &params {
            if name == "code" {
                self.wire.keep_secret(value);
            }
        }
        Answer {
            location: location.to_owned(),
            redirect_uri: redirect_uri.to_owned(),
            params,
            nonce: self.get("nonce").map(str::to_owned),
            verifier: self.verifier.clone(),
            person: None,
        }
    }
}

/// An authorization response.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The whole of it.
    pub location: String,
    /// The redirect URI of the request.
    pub redirect_uri: String,
    /// Its parameters.
    pub params: Vec<(String, String)>,
    /// The nonce of the request.
    pub nonce: Option<String>,
    /// The verifier of the request.
    pub verifier: Option<String>,
    /// Who logged in, where the scene saw to it itself.
    person: Option<String>,
}

impl Answer {
    /// A parameter of it.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The code; empty if there is none.
    pub fn code(&self) -> &str {
        self.get("code").unwrap_or_default()
    }
}
