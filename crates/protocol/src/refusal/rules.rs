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

/// Writes a chapter: each row a `static`, and the list of them. After name, code and clause may stand the status, what callers read
/// in its place, and where alone it can be broken; then title, what, why and how to mend it, in English and Norwegian.
macro_rules! rules {
    (chapter $CHAPTER:ident; $(
        $(#[$doc:meta])*
        static $NAME:ident = $name:literal, $code:ident, $clause:literal $(, status $status:literal)? $(, told as $shared:ident)? $(, only $only:ident)?;
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
                only: $crate::refusal::rules::maybe!($($crate::refusal::Only::$only)?),
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

use {maybe, rules};
