//! What is given out once and never stored: codes, tokens and client secrets. Each has a digest of its own type, and the
//! digest is all that the store accepts. A digest is bound to its kind, so an artefact is nothing in another's place.

use std::fmt;

use portvakt_crypto::digest::{Sha256, constant_time_eq};
use portvakt_crypto::encoding::base64url_encode;
use portvakt_crypto::random::Random;
use zeroize::Zeroizing;

macro_rules! artefact {
    ($(#[$doc:meta])* $name:ident, $(#[$digest_doc:meta])* $digest:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name(Zeroizing<String>);

        $(#[$digest_doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash)]
        pub struct $digest(Sha256);

        impl $name {
            /// A new one: 256 random bits, base64url.
            pub fn draw(random: &Random) -> Self {
                Self(Zeroizing::new(base64url_encode(&random.bytes::<32>())))
            }

            /// One that somebody presents; nothing is known of it yet.
            pub fn presented(text: &str) -> Self {
                Self(Zeroizing::new(text.to_owned()))
            }

            /// The text, for the one who is to have it.
            pub fn reveal(&self) -> &str {
                &self.0
            }

            /// The digest that the store knows it by.
            pub fn digest(&self) -> $digest {
                $digest(Sha256::of_parts(&[$kind, self.0.as_bytes()]))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(out, concat!(stringify!($name), "({} characters)"), self.0.len())
            }
        }

        impl $digest {
            /// The digest's bytes, as a column holds them.
            pub fn as_bytes(&self) -> &[u8; 32] {
                self.0.as_bytes()
            }

            /// Reads a column.
            pub fn from_slice(bytes: &[u8]) -> Option<Self> {
                Sha256::from_slice(bytes).map(Self)
            }
        }

        impl fmt::Debug for $digest {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(stringify!($digest))
            }
        }
    };
}

artefact! {
    /// An authorization code (RFC 6749 §4.1.2): 256 bits, where 128 are asked.
    Code,
    /// The digest of a [`Code`].
    CodeDigest,
    b"code"
}

artefact! {
    /// What is random in an access token: the whole of an opaque one, the `jti` of a JWT.
    AccessToken,
    /// The digest of an [`AccessToken`].
    AccessTokenDigest,
    b"access_token"
}

artefact! {
    /// A refresh token (RFC 6749 §1.5): 256 bits, and always opaque.
    RefreshToken,
    /// The digest of a [`RefreshToken`].
    RefreshTokenDigest,
    b"refresh_token"
}

artefact! {
    /// A client secret (RFC 6749 §2.3.1).
    ClientSecret,
    /// The digest of a [`ClientSecret`].
    ClientSecretDigest,
    b"client_secret"
}

artefact! {
    /// The handle of a login under way, as it stands in a page's path. Worth nothing without the browser's cookie.
    LoginHandle,
    /// The digest of a [`LoginHandle`].
    LoginDigest,
    b"login"
}

artefact! {
    /// What ties a login to the browser that began it: the value of a cookie.
    BrowserSecret,
    /// The digest of a [`BrowserSecret`].
    BrowserDigest,
    b"browser"
}

impl AccessToken {
    /// The digest of a JWT access token whose `jti` is this text. A `jti` is no secret (resource servers log it), so it is
    /// nothing when presented as a token itself.
    pub fn id_digest(jti: &str) -> AccessTokenDigest {
        AccessTokenDigest(Sha256::of_parts(&[b"jti", jti.as_bytes()]))
    }
}

impl ClientSecretDigest {
    /// Compares without telling by its time how much was right.
    pub fn matches(&self, other: &Self) -> bool {
        constant_time_eq(self.as_bytes(), other.as_bytes())
    }
}

impl BrowserSecret {
    /// The token that a form on `login`'s pages carries, so that only a page we showed this browser can post it.
    pub fn form_token(&self, login: &LoginHandle) -> String {
        base64url_encode(Sha256::of_parts(&[b"form", self.0.as_bytes(), login.0.as_bytes()]).as_bytes())
    }

    /// Whether `presented` is that token.
    pub fn admits_form(&self, login: &LoginHandle, presented: &str) -> bool {
        constant_time_eq(self.form_token(login).as_bytes(), presented.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_artefact_is_nothing_in_anothers_place() {
        let text = "the-same-text";
        let digests = [
            *Code::presented(text).digest().as_bytes(),
            *AccessToken::presented(text).digest().as_bytes(),
            *AccessToken::id_digest(text).as_bytes(),
            *RefreshToken::presented(text).digest().as_bytes(),
            *ClientSecret::presented(text).digest().as_bytes(),
            *LoginHandle::presented(text).digest().as_bytes(),
            *BrowserSecret::presented(text).digest().as_bytes(),
        ];
        for (at, one) in digests.iter().enumerate() {
            assert!(digests.iter().skip(at + 1).all(|other| other != one));
        }
    }

    #[test]
    fn a_secret_does_not_print_and_two_differ() {
        let random = Random::danger_seeded(1);
        let (one, other) = (Code::draw(&random), Code::draw(&random));
        assert_eq!(format!("{one:?}"), "Code(43 characters)");
        assert_ne!(one.reveal(), other.reveal());
    }

    #[test]
    fn a_form_token_is_for_one_login_in_one_browser() {
        let random = Random::danger_seeded(2);
        let (browser, login) = (BrowserSecret::draw(&random), LoginHandle::draw(&random));
        let token = browser.form_token(&login);
        assert!(!browser.admits_form(&LoginHandle::draw(&random), &token));
        assert!(!BrowserSecret::draw(&random).admits_form(&login, &token));
        assert!(!browser.admits_form(&login, ""));
        assert!(browser.admits_form(&login, &token));
    }
}
