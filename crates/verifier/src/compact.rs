//! A compact JWS (RFC 7515 §7.1), its header and its signature.

use base64ct::{Base64UrlUnpadded, Encoding};

use crate::expected::{Expected, Kind};
use crate::fault::{Fault, Part, Wrong};
use crate::json::{Json, Members};
use crate::jwk_set::Keys;

/// The claims that a published key signed.
pub(crate) fn open(keys: &Keys, kind: Kind, token: &str, expected: &Expected<'_>) -> Result<Members, Fault> {
    let part = kind.claims();
    let mut segments = token.split('.');
    let (Some(head), Some(payload), Some(signature), None) =
        (segments.next(), segments.next(), segments.next(), segments.next())
    else {
        return Err(Fault::NotCompact(part));
    };
    let decode = |text: &str| Base64UrlUnpadded::decode_vec(text).map_err(|_| Fault::Encoding(part));
    let mut header = Members::parse(kind.header(), &decode(head)?)?;
    header.exactly("alg", "RS256")?;
    let kid = header.text("kid")?;
    let key = keys.named(&kid).ok_or(Fault::UnknownKey(kind.header()))?;
    typ(&mut header, kind, expected)?;
    // A chain in the header is the one that is published with the key (RFC 7515 §4.1.6).
    if let Some(chain) = header.texts_if_any("x5c")?
        && key.chain() != Some(chain.as_slice())
    {
        return Err(header.wrong("x5c", Wrong::Value));
    }
    // Nothing else is documented: no `crit`, no `b64`, no key to follow or to believe.
    header.end()?;
    let signed = format!("{head}.{payload}");
    if !key.signed(&signed, &decode(signature)?) {
        return Err(Fault::Signature(part));
    }
    Members::parse(part, &decode(payload)?)
}

fn typ(header: &mut Members, kind: Kind, expected: &Expected<'_>) -> Result<(), Fault> {
    let expected = match kind {
        Kind::IdToken => None,
        Kind::AccessToken => expected.access_token_typ,
    };
    match (header.take("typ"), expected) {
        (None, None) => Ok(()),
        (None, Some(_)) => Err(header.wrong("typ", Wrong::Missing)),
        (Some(_), None) => Err(header.wrong("typ", Wrong::Unexpected)),
        (Some(Json::Text(typ)), Some(expected)) if typ == expected => Ok(()),
        (Some(Json::Text(_)), Some(_)) => Err(header.wrong("typ", Wrong::Value)),
        (Some(_), Some(_)) => Err(header.wrong("typ", Wrong::Type)),
    }
}

impl Kind {
    pub(crate) fn claims(self) -> Part {
        match self {
            Self::IdToken => Part::IdToken,
            Self::AccessToken => Part::AccessToken,
        }
    }

    fn header(self) -> Part {
        match self {
            Self::IdToken => Part::IdTokenHeader,
            Self::AccessToken => Part::AccessTokenHeader,
        }
    }
}
