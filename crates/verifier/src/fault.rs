//! What is wrong with a token.

/// A part of what is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Part {
    /// The JWK Set.
    #[error("JWK Set")]
    JwkSet,
    /// The token response.
    #[error("token response")]
    Response,
    /// An ID token's header.
    #[error("ID token's header")]
    IdTokenHeader,
    /// An ID token's claims.
    #[error("ID token")]
    IdToken,
    /// A self-contained access token's header.
    #[error("access token's header")]
    AccessTokenHeader,
    /// A self-contained access token's claims.
    #[error("access token")]
    AccessToken,
}

/// What is wrong with a member that is there, or should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// It is not there.
    #[error("is missing")]
    Missing,
    /// It is there, and should not be.
    #[error("must not be there")]
    Unexpected,
    /// It is of another JSON type: a time that is a string or has a fraction, an `aud` that is an array.
    #[error("is of another JSON type")]
    Type,
    /// It is no value that the member can have.
    #[error("is no value that it can have")]
    Shape,
    /// It is a possible value, but not the one expected here.
    #[error("is not what was expected")]
    Value,
    /// It holds the person's number, which only `pid` may.
    #[error("holds the person's number")]
    NamesPerson,
}

/// Why a token, a token response or a JWK Set is refused. It holds no value of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Not three segments with a dot between them (RFC 7515 §7.1).
    #[error("the {0} is not a compact JWS of three segments")]
    NotCompact(Part),
    /// A segment is not canonical base64url without padding (RFC 7515 §2).
    #[error("the {0} has a segment that is not canonical base64url")]
    Encoding(Part),
    /// Not one JSON object: not UTF-8, cut off, something after it, or a member twice (RFC 7519 §4, RFC 8725 §2.4).
    #[error("the {0} is not one JSON object with each member once")]
    NotAnObject(Part),
    /// A member is not as it should be.
    #[error("the {part}: `{member}` {wrong}")]
    Member {
        /// Where it stands.
        part: Part,
        /// Which one.
        member: &'static str,
        /// What is wrong.
        wrong: Wrong,
    },
    /// A member that is in no list: its name, cut short, and with whatever is neither letter nor underscore left out.
    #[error("the {part} has a member that is not documented: `{name}`")]
    Undocumented {
        /// Where it stands.
        part: Part,
        /// Its name, as far as it can be shown.
        name: String,
    },
    /// The header's `kid` is not published.
    #[error("the {0} names a key that is not published")]
    UnknownKey(Part),
    /// The signature is not the published key's over these bytes (RFC 8017 §8.2.2).
    #[error("the signature of the {0} does not verify")]
    Signature(Part),
    /// Two tokens of one response are about different persons, have one `jti`, or are one and the same.
    #[error("the tokens of the response do not go together: `{0}`")]
    Together(&'static str),
}

impl Fault {
    pub(crate) fn member(part: Part, member: &'static str, wrong: Wrong) -> Self {
        Self::Member { part, member, wrong }
    }

    /// Of a stranger's name only what can hold no number, and not much of it.
    pub(crate) fn undocumented(part: Part, name: &str) -> Self {
        let shown = name.chars().filter(|sign| sign.is_ascii_alphabetic() || *sign == '_').take(40);
        Self::Undocumented { part, name: shown.collect() }
    }
}
