//! What each parameter, header, member and claim is for, and what a service must check of it.

/// One name.
pub(super) struct Meaning {
    pub(super) name: &'static str,
    pub(super) meaning: &'static str,
    /// What a service must check; empty where there is nothing.
    pub(super) check: &'static str,
}

const fn of(name: &'static str, meaning: &'static str, check: &'static str) -> Meaning {
    Meaning { name, meaning, check }
}

/// Parameters of requests and of the answer in the browser (RFC 6749, OpenID Connect Core, RFC 7636, RFC 9207).
pub(super) const PARAMETERS: &[Meaning] = &[
    of(
        "response_type",
        "code: the answer is a code, which the service redeems itself. There is no other flow here.",
        "",
    ),
    of("client_id", "Which service asks, as it is registered at this issuer.", ""),
    of("redirect_uri", "Where the answer goes. It must be registered, character for character.", ""),
    of(
        "scope",
        "What the service wants: openid for a login, profile for userinfo. Each must be registered on the client.",
        "",
    ),
    of(
        "state",
        "A random value that ties the answer to this browser and this login.",
        "In the answer it must be the one that was sent from the same browser, and it counts once. Otherwise somebody else's login may \
         have been slipped in.",
    ),
    of("nonce", "A random value that comes back inside the ID token and ties it to this request.", ""),
    of(
        "code_challenge",
        "PKCE: the SHA-256 of a secret (the verifier) that only this service has. A stolen code is worth nothing without it.",
        "",
    ),
    of("code_challenge_method", "How the challenge was made: S256.", ""),
    of(
        "acr_values",
        "The lowest level of assurance that will do. The person may come back with a higher one.",
        "",
    ),
    of("ui_locales", "The language of the login pages, unless the person has chosen one there.", ""),
    of("prompt", "login: log in even if there is a session. none: show no page, answer at once.", ""),
    of(
        "code",
        "The authorization code: good for 60 seconds, once, for this client, with this redirect URI and verifier.",
        "Redeem it once. Never log it.",
    ),
    of(
        "iss",
        "Which issuer answered (RFC 9207).",
        "It must be the issuer the request went to: a service with several issuers could be made to mix them up.",
    ),
    of("error", "What went wrong, as a word for programs.", ""),
    of("error_description", "What went wrong, for developers. It is not for the person.", ""),
    of("error_uri", "A page about the rule that was broken: what it is, why, and how to mend it.", ""),
    of("grant_type", "authorization_code: a code is redeemed.", ""),
    of(
        "code_verifier",
        "PKCE: the secret that the challenge was made of. Its SHA-256 must be the challenge.",
        "",
    ),
    of("client_secret", "The client's secret, for method client_secret_post.", ""),
];

/// Headers.
pub(super) const HEADERS: &[Meaning] = &[
    of(
        "authorization",
        "Who asks. Basic: client_id and secret, form-encoded, joined by a colon, in base64. Bearer: the access token.",
        "",
    ),
    of("content-type", "How the body is written.", ""),
    of("accept", "What the answer may be written in.", ""),
    of("www-authenticate", "Why the token was refused (RFC 6750 §3).", ""),
];

/// Those members of an issuer's metadata that this service uses (Discovery 1.0 §3, RP-Initiated Logout 1.0 §2.1, RFC 9207 §3).
pub(super) const METADATA: &[Meaning] = &[
    of(
        "issuer",
        "Who the document is of.",
        "The configured issuer, character for character, trailing slash included.",
    ),
    of("authorization_endpoint", "Where the browser is sent.", ""),
    of("token_endpoint", "Where the code is redeemed.", ""),
    of("userinfo_endpoint", "Where the access token is good for claims.", ""),
    of("jwks_uri", "Where the keys are.", ""),
    of("end_session_endpoint", "Where the browser is sent to log out.", ""),
    of("acr_values_supported", "The levels of assurance that can be asked for, lowest first.", ""),
    of(
        "authorization_response_iss_parameter_supported",
        "true: every answer to the redirect URI has iss.",
        "If it is true, that iss is there.",
    ),
];

/// Members of a key (RFC 7517 §4).
pub(super) const KEYS: &[Meaning] = &[of(
    "kid",
    "A key's name, with its kind and algorithm. The header of a token names the key that signed it.",
    "",
)];

/// Members of JSON answers.
pub(super) const MEMBERS: &[Meaning] = &[
    of("id_token", "Who logged in, signed. Taken apart below.", "Everything in it, before it is believed."),
    of("access_token", "What the service may show at userinfo and at APIs.", "Never log it."),
    of("token_type", "Bearer: whoever has the token may use it.", ""),
    of("expires_in", "For how many seconds the access token is good.", ""),
    of("scope", "What the access token is good for.", "That what was asked for was given."),
    of("refresh_token", "With it the service gets new access tokens without the person.", "Never log it."),
    of(
        "sub",
        "The person, as this client knows them.",
        "The same as in the ID token (OpenID Connect Core §5.3.2).",
    ),
    of("pid", "The national identity number or D-number.", ""),
    of("locale", "The language that the login pages had.", ""),
    of("error", "What went wrong, as a word for programs.", ""),
    of("error_description", "What went wrong, for developers. trace_id finds it in Portvakt's log.", ""),
    of("error_uri", "A page about the rule that was broken: what it is, why, and how to mend it.", ""),
    of("rule", "Which rule refused, as Portvakt calls it everywhere.", ""),
    of("clause", "Where the rule is written.", ""),
    of("parameter", "What it is about.", ""),
    of("expected", "What should have come.", ""),
    of("received", "What came.", ""),
    of("fix", "What to do about it.", ""),
    of("trace_id", "Finds the refusal in Portvakt's log.", ""),
];

/// Header of a JWT (RFC 7515 §4.1).
pub(super) const JOSE: &[Meaning] = &[
    of("alg", "How it is signed.", "That it is the one you expect, RS256, and never none."),
    of(
        "kid",
        "Which of the issuer's keys signed.",
        "The key comes from the issuer's jwks_uri, never from the token.",
    ),
    of("typ", "What kind of JWT it is.", ""),
    of("x5c", "The certificate of the signing key.", "Nothing, if the key is found by kid."),
];

/// Claims of ID tokens and of access tokens that are JWTs.
pub(super) const CLAIMS: &[Meaning] = &[
    of("iss", "The issuer that says all this.", "Exactly the configured issuer, trailing slash included."),
    of(
        "sub",
        "The person, pairwise: another client gets another value for the same person, so that services cannot compare their users.",
        "Keep it with iss: only the two together name a person.",
    ),
    of(
        "aud",
        "Whom the token is for.",
        "In an ID token: your client_id. Otherwise somebody hands on a token made for another service.",
    ),
    of(
        "pid",
        "The national identity number or D-number. Here of a synthetic person.",
        "Treat it as sensitive: not in URLs, not in logs.",
    ),
    of(
        "acr",
        "The level of assurance that was reached.",
        "At least the level you asked for. The request alone is no proof: it went through the browser.",
    ),
    of(
        "amr",
        "How the person logged in, such as TestID. At profile pilot a string, otherwise an array.",
        "Nothing: check acr instead.",
    ),
    of(
        "nonce",
        "The value of the authorization request.",
        "The one this service sent in this login. Otherwise the token is of another one.",
    ),
    of("locale", "The language that the login pages had.", ""),
    of("auth_time", "When the person logged in.", "If you asked for max_age: that it is not longer ago."),
    of("iat", "When the token was made.", ""),
    of(
        "exp",
        "Until when it counts, here two minutes: it proves a login now, and is no session.",
        "That it is to come. Then start a session of your own.",
    ),
    of("nbf", "From when it counts.", "That it is past."),
    of("jti", "The token's own name.", ""),
    of("sid", "The session at the issuer.", "Keep it, to end your session when the issuer says so."),
    of("scope", "What the token is good for.", "The API: that its scope is there."),
    of("client_id", "Which client got the token.", ""),
    of("client_amr", "How the client authenticated.", ""),
    of("consumer", "The organisation that owns the client, by its number after 0192:.", ""),
    of("token_type", "Bearer: whoever has the token may use it.", ""),
];

/// Error codes.
pub(super) const ERRORS: &[Meaning] = &[
    of(
        "invalid_request",
        "Something in the request is missing, doubled or malformed; the description names the parameter.",
        "",
    ),
    of(
        "invalid_client",
        "The service did not authenticate: client_id, secret or method is wrong. For safety the answer does not say which.",
        "",
    ),
    of(
        "invalid_grant",
        "The code, or what came with it, is not good: used, too old, of another client, or with another verifier or redirect URI.",
        "",
    ),
    of("invalid_scope", "A scope is not registered on the client.", ""),
    of("unauthorized_client", "The client may not do this.", ""),
    of("unsupported_response_type", "Only code is supported.", ""),
    of("unsupported_grant_type", "The token endpoint does not know this grant.", ""),
    of("access_denied", "The person cancelled, or may not log in. Offer to log in again.", ""),
    of(
        "login_required",
        "prompt=none asks for an answer without a page, and there is no session to answer from. Send the request without prompt=none.",
        "",
    ),
    of("interaction_required", "prompt=none asks for an answer without a page, and a page is needed.", ""),
    of("consent_required", "prompt=none asks for an answer without a page, and the person must consent.", ""),
    of("server_error", "Portvakt failed; its log says why.", ""),
    of("temporarily_unavailable", "Portvakt cannot answer at present. Try again in a moment.", ""),
    of("invalid_token", "The access token is unknown, too old or revoked.", ""),
    of(
        "insufficient_scope",
        "The access token was not given for this: userinfo wants the scope profile.",
        "",
    ),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_name_is_explained_once_and_in_full_sentences() {
        for table in [PARAMETERS, HEADERS, METADATA, KEYS, MEMBERS, JOSE, CLAIMS, ERRORS] {
            let names: BTreeSet<_> = table.iter().map(|meaning| meaning.name).collect();
            assert_eq!(names.len(), table.len());
            for Meaning { name, meaning, check } in table {
                assert!(meaning.ends_with('.'), "{name}");
                assert!(check.is_empty() || check.ends_with('.'), "{name}");
            }
        }
    }
}
