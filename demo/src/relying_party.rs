//! The relying party: what any service does with `openidconnect`, and where it is told to, wrong.

mod spoilt;

use std::borrow::Cow;
use std::error::Error;

use data_encoding::BASE64URL_NOPAD;
use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreClaimName, CoreClaimType, CoreClientAuthMethod,
    CoreErrorResponseType, CoreGenderClaim, CoreGrantType, CoreJsonWebKey, CoreJsonWebKeyUse,
    CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm, CoreJwsSigningAlgorithm,
    CoreResponseMode, CoreResponseType, CoreRevocableToken, CoreRevocationErrorResponse,
    CoreSubjectIdentifierType, CoreTokenIntrospectionResponse, CoreTokenType,
};
use openidconnect::url::Url;
use openidconnect::{
    AccessToken, AdditionalClaims, AdditionalProviderMetadata, AuthType, AuthenticationContextClass,
    AuthenticationFlow, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EmptyExtraTokenFields,
    EndpointMaybeSet, EndpointNotSet, EndpointSet, IdToken, IdTokenFields, IssuerUrl, JsonWebKey,
    LanguageTag, Nonce, PkceCodeChallenge, PkceCodeVerifier, ProviderMetadata, RedirectUrl,
    RequestTokenError, Scope, StandardErrorResponse, StandardTokenResponse, SubjectIdentifier,
    UserInfoClaims,
};
use serde::{Deserialize, Serialize};

use crate::jwt::{claims, member, part};
use crate::login::Asked;
use crate::mistake::Mistake;
use crate::summary::Registered;
use crate::wire::Wire;
use spoilt::{parameter, spoil};

/// What ID-porten adds to the claims of OpenID Connect Core. An access token for `openid` alone has no right to it.
#[derive(Clone, Serialize, Deserialize)]
struct NorwegianClaims {
    pid: Option<String>,
}

impl std::fmt::Debug for NorwegianClaims {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("NorwegianClaims")
    }
}

impl AdditionalClaims for NorwegianClaims {}

/// What this service reads of the metadata beyond Discovery 1.0.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Beyond {
    /// RP-Initiated Logout 1.0 §2.1.
    pub(crate) end_session_endpoint: Option<Url>,
    /// RFC 9207 §3.
    #[serde(default)]
    pub(crate) authorization_response_iss_parameter_supported: bool,
}

impl AdditionalProviderMetadata for Beyond {}

/// An issuer's metadata and keys.
pub(crate) type Metadata = ProviderMetadata<
    Beyond,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

type Fields = IdTokenFields<
    NorwegianClaims,
    EmptyExtraTokenFields,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm,
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
    StandardTokenResponse<Fields, CoreTokenType>,
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

/// An authorization request, and what must be remembered of it.
pub(crate) struct Request {
    /// Where the browser is sent.
    pub(crate) url: Url,
    /// The state in it.
    pub(crate) state: String,
    /// The nonce in it.
    pub(crate) nonce: Nonce,
    /// The verifier of its challenge, unless it has none.
    pub(crate) verifier: Option<String>,
}

/// Something this service checked, or had the library check.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Check {
    /// What.
    pub(crate) what: String,
    /// What was wrong, if anything was.
    pub(crate) wrong: Option<String>,
}

impl Check {
    /// A check that passes if `holds`; else with what is wrong.
    pub(crate) fn of(what: &str, holds: bool, wrong: impl FnOnce() -> String) -> Self {
        Self { what: what.to_owned(), wrong: (!holds).then(wrong) }
    }
}

/// A service at one issuer.
pub(crate) struct RelyingParty {
    /// What the issuer says of itself.
    pub(crate) metadata: Metadata,
    client: Client,
    client_id: String,
    scopes: Vec<String>,
}

/// Reads an issuer's metadata and keys.
///
/// # Errors
/// The library's words: nobody answers there, or the document is another issuer's.
pub(crate) async fn discover(wire: &Wire, issuer: &str) -> Result<Metadata, String> {
    let issuer = IssuerUrl::new(issuer.to_owned()).map_err(|why| told(&why))?;
    Metadata::discover_async(issuer, wire).await.map_err(|why| told(&why))
}

impl RelyingParty {
    /// The service that is registered so, which makes `mistake` with its credentials if that is one.
    ///
    /// # Errors
    /// The callback is no URL.
    pub(crate) fn new(
        metadata: Metadata,
        registered: &Registered,
        callback: &str,
        mistake: Mistake,
    ) -> Result<Self, String> {
        let by_post = registered.token_endpoint_auth_method == "client_secret_post";
        let by_post = by_post != (mistake == Mistake::WrongMethod);
        let secret = match (&registered.client_secret, mistake) {
            (_, Mistake::WrongSecret) => Some("not-the-secret-of-this-client".to_owned()),
            // A public client has none to send; sending one is another method than its own.
            (None, Mistake::WrongMethod) => Some("a-secret-where-none-is-registered".to_owned()),
            (secret, _) => secret.clone(),
        };
        let client_id = ClientId::new(registered.client_id.clone());
        let client =
            Client::from_provider_metadata(metadata.clone(), client_id, secret.map(ClientSecret::new))
                .set_redirect_uri(RedirectUrl::new(callback.to_owned()).map_err(|why| told(&why))?)
                .set_auth_type(if by_post { AuthType::RequestBody } else { AuthType::BasicAuth });
        let scopes = registered.scopes.iter().filter(|scope| *scope == "profile").cloned().collect();
        Ok(Self { metadata, client, client_id: registered.client_id.clone(), scopes })
    }

    /// The authorization request, as the library builds it; a mistake is worked into it afterwards.
    pub(crate) fn request(&self, asked: &Asked) -> Request {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let flow = AuthenticationFlow::<CoreResponseType>::AuthorizationCode;
        let mut request = self.client.authorize_url(flow, CsrfToken::new_random, Nonce::new_random);
        request =
            request.add_scopes(self.scopes.iter().cloned().map(Scope::new)).set_pkce_challenge(challenge);
        if let Some(acr) = &asked.acr {
            request = request.add_auth_context_value(AuthenticationContextClass::new(acr.clone()));
        }
        if let Some(language) = &asked.ui_locales {
            request = request.add_ui_locale(LanguageTag::new(language.clone()));
        }
        match asked.prompt.as_deref() {
            Some("none") => request = request.add_prompt(CoreAuthPrompt::None),
            Some("login") => request = request.add_prompt(CoreAuthPrompt::Login),
            Some(_) | None => {}
        }
        let (url, state, nonce) = request.url();
        let mut verifier = Some(verifier.into_secret());
        let url = spoil(&url, asked.mistake, &mut verifier);
        let state = parameter(&url, "state").unwrap_or_else(|| state.into_secret());
        Request { url, state, nonce, verifier }
    }

    /// Redeems the code. The answer itself is the last exchange on `wire`.
    ///
    /// # Errors
    /// What the library found wrong with the answer; also where it cannot read an answer that others can.
    pub(crate) async fn redeem(
        &self,
        wire: &Wire,
        code: &str,
        verifier: Option<&str>,
        mistake: Mistake,
    ) -> Result<(), String> {
        let redemption = self.client.exchange_code(AuthorizationCode::new(code.to_owned()));
        let mut redemption = redemption.map_err(|why| told(&why))?;
        if let Some(verifier) = verifier {
            let verifier = PkceCodeVerifier::new(verifier.to_owned());
            let another = PkceCodeChallenge::new_random_sha256().1;
            redemption = redemption.set_pkce_verifier(if mistake == Mistake::WrongVerifier {
                another
            } else {
                verifier
            });
        }
        if let (Mistake::OtherRedirect, Some(ours)) = (mistake, self.client.redirect_uri()) {
            let other = RedirectUrl::new(format!("{}/elsewhere", ours.as_str())).map_err(|why| told(&why))?;
            redemption = redemption.set_redirect_uri(Cow::Owned(other));
        }
        match redemption.request_async(wire).await {
            Ok(_) => Ok(()),
            Err(RequestTokenError::ServerResponse(refusal)) => Err(format!("it is a refusal: {refusal}")),
            Err(why) => Err(told(&why)),
        }
    }

    /// Checks an ID token (OpenID Connect Core §3.1.3.7) at `now`, in seconds since 1970.
    pub(crate) fn check_id_token(&self, token: &str, nonce: &Nonce, now: i64) -> Vec<Check> {
        type Token = IdToken<
            NorwegianClaims,
            CoreGenderClaim,
            CoreJweContentEncryptionAlgorithm,
            CoreJwsSigningAlgorithm,
        >;
        let what = "The library verified the signature with the issuer's key, and iss, aud, exp and nonce.";
        let verified = match token.parse::<Token>() {
            Ok(parsed) => {
                parsed.claims(&self.client.id_token_verifier(), nonce).map(drop).map_err(|why| told(&why))
            }
            Err(_) if claims(token).is_some_and(|claims| member(&claims, "amr").is_string()) => {
                return self.check_by_hand(token, nonce, now);
            }
            Err(why) => Err(told(&why)),
        };
        vec![Check { what: what.to_owned(), wrong: verified.err() }]
    }

    /// The same for a token whose `amr` is a string, as the pilot's is: the library knows arrays only and reads nothing of it.
    fn check_by_hand(&self, token: &str, nonce: &Nonce, now: i64) -> Vec<Check> {
        let claims = claims(token).unwrap_or_default();
        let issuer = self.metadata.issuer().as_str();
        let is = |name: &str, expected: &str| {
            Check::of(&format!("{name} is {expected}."), member(&claims, name) == expected, || {
                format!("{name} is {}", member(&claims, name))
            })
        };
        vec![
            Check {
                what: "The signature holds, by the issuer's key and the library's hand.".to_owned(),
                wrong: self.signature_wrong(token),
            },
            is("iss", issuer),
            is("aud", &self.client_id),
            is("nonce", nonce.secret()),
            Check::of(
                "exp is to come.",
                member(&claims, "exp").as_i64().is_some_and(|exp| exp > now),
                || format!("exp is {}, and now is {now}", member(&claims, "exp")),
            ),
        ]
    }

    /// Why the signature does not hold, by the key that the header names.
    fn signature_wrong(&self, token: &str) -> Option<String> {
        let Some((signed, signature)) = token.rsplit_once('.') else {
            return Some("it is no JWT".to_owned());
        };
        let header = part(token, 0).unwrap_or_default();
        let keys = self.metadata.jwks().keys();
        let key = keys.iter().find(|key| {
            key.key_use().is_none_or(|used| *used == CoreJsonWebKeyUse::Signature)
                && key.key_id().is_some_and(|kid| member(&header, "kid") == kid.as_str())
        });
        let (Some(key), Ok(signature)) = (key, BASE64URL_NOPAD.decode(signature.as_bytes())) else {
            return Some("no key of the issuer's has its kid".to_owned());
        };
        if member(&header, "alg") != "RS256" {
            return Some(format!(
                "alg is {}, and RS256 is the only one this service takes",
                member(&header, "alg")
            ));
        }
        let alg = CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256;
        key.verify_signature(&alg, signed.as_bytes(), &signature).err().map(|why| told(&why))
    }

    /// Asks userinfo, and has the library compare `sub`. The answer itself is the last exchange on `wire`.
    ///
    /// # Errors
    /// What the library found wrong with the answer.
    pub(crate) async fn userinfo(&self, wire: &Wire, token: &str, sub: &str) -> Result<(), String> {
        let sub = SubjectIdentifier::new(sub.to_owned());
        let request =
            self.client.user_info(AccessToken::new(token.to_owned()), Some(sub)).map_err(|why| told(&why))?;
        let claims: Result<UserInfoClaims<NorwegianClaims, CoreGenderClaim>, _> =
            request.request_async(wire).await;
        claims.map(drop).map_err(|why| told(&why))
    }

    /// The levels that the issuer names, lowest first.
    pub(crate) fn levels(metadata: &Metadata) -> Vec<String> {
        let named = metadata.acr_values_supported().into_iter().flatten();
        named.map(|level| level.as_str().to_owned()).collect()
    }
}

/// An error with its causes.
fn told(why: &dyn Error) -> String {
    let mut text = why.to_string();
    let mut cause = why.source();
    while let Some(why) = cause {
        let next = why.to_string();
        if !text.contains(&next) {
            text = format!("{text}: {next}");
        }
        cause = why.source();
    }
    text
}
