//! The table of rules, a chapter to a topic. A row is read by the wire (name, code, status), the log (name, code, clause), the page
//! `{issuer}/errors/{name}` (everything) and `docs/faults.md`.

mod authorize;
mod bearer;
mod client;
mod grant;
mod login;
mod refresh;
mod request;
mod scope;
mod served;

pub use authorize::*;
pub use bearer::*;
pub use client::*;
pub use grant::*;
pub use login::*;
pub use refresh::*;
pub use request::*;
pub use scope::*;
pub use served::*;

use super::rule::Rule;

/// Every chapter's rows, in the order in which a login meets them.
pub(super) const CHAPTERS: &[&[&Rule]] =
    &[REQUEST, CLIENT, AUTHORIZE, SCOPE, LOGIN, GRANT, REFRESH, BEARER, SERVED];

/// Writes a chapter: each row a `static`, and the list of them. After name, code and clause may stand the status, and what callers read
/// in its place; then title, what, why and how to mend it, in English and Norwegian.
macro_rules! rules {
    (chapter $CHAPTER:ident; $(
        $(#[$doc:meta])*
        static $NAME:ident = $name:literal, $code:ident, $clause:literal $(, status $status:literal)? $(, told as $shared:ident)?;
        en $en_title:literal, $en_what:literal, $en_why:literal, $en_mend:literal;
        nb $nb_title:literal, $nb_what:literal, $nb_why:literal, $nb_mend:literal;
        example $example:expr;
    )*) => {
        $(
            $(#[$doc])*
            pub static $NAME: Rule = Rule {
                name: $name,
                code: ErrorCode::$code,
                clause: $clause,
                status: $crate::refusal::rules::maybe!($($status)?),
                told_as: $crate::refusal::rules::maybe!($(&$shared)?),
                en: Text { title: $en_title, what: $en_what, why: $en_why, mend: $en_mend },
                nb: Text { title: $nb_title, what: $nb_what, why: $nb_why, mend: $nb_mend },
                example: $example,
            };
        )*

        /// The rows of this chapter.
        pub(super) const $CHAPTER: &[&Rule] = &[$(&$NAME),*];
    };
}

macro_rules! maybe {
    () => {
        None
    };
    ($value:expr) => {
        Some($value)
    };
}

/// An authorization request that works, with more parameters where the rule is about them.
macro_rules! authorization_request {
    ($($more:literal)?) => {
        concat!(
            "GET /authorize?response_type=code\n  &client_id=web\n  &redirect_uri=https%3A%2F%2Frp.example.no%2Fcb\n",
            "  &scope=openid%20profile\n  &state=af0ifjsldkj\n  &nonce=n-0S6_WzA2Mj\n",
            "  &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM\n  &code_challenge_method=S256",
            $($more)?
        )
    };
}

/// A form request to an endpoint where the client authenticates.
macro_rules! form_request {
    ($path:literal, $form:literal) => {
        concat!(
            "POST ",
            $path,
            "\nAuthorization: Basic d2ViOnNlY3JldA==\n",
            "Content-Type: application/x-www-form-urlencoded\n\n",
            $form
        )
    };
}

/// A token request that works: the code of the authorization response, and the verifier of its request's challenge.
macro_rules! token_request {
    () => {
        $crate::refusal::rules::form_request!(
            "/token",
            "grant_type=authorization_code\n  &code=SplxlOBeZQQYbYS6WxSbIA\n  &redirect_uri=https%3A%2F%2Frp.example.no%2Fcb\n  &code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
        )
    };
}

/// A refresh that works.
macro_rules! refresh_request {
    () => {
        $crate::refusal::rules::form_request!(
            "/token",
            "grant_type=refresh_token\n  &refresh_token=tGzv3JOkF0XG5Qx2TlKWIA"
        )
    };
}

use {authorization_request, form_request, maybe, refresh_request, rules, token_request};
