//! The published keys (RFC 7517 §5), read as strictly as they are written: RSA keys for RS256, and nothing that is not documented.

use std::fmt;

use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use rsa::sha2::{Digest, Sha256};
use rsa::traits::PublicKeyParts;
use rsa::{BigUint, Pkcs1v15Sign, RsaPublicKey};

use crate::fault::{Fault, Part, Wrong};
use crate::json::{Json, Members};

/// Sizes of a modulus, in bits: RFC 7518 §3.3 demands 2048, and ours have at most 4096.
const MODULUS_BITS: std::ops::RangeInclusive<usize> = 2048..=4096;

/// The public exponent of every key of ours.
const EXPONENT: u64 = 65_537;

/// The keys of a JWK Set, which anybody may see.
#[derive(Clone)]
pub struct Keys(Vec<Key>);

#[derive(Clone)]
pub(crate) struct Key {
    kid: String,
    /// The certificate chain as published: base64 of DER, the key's own certificate first.
    chain: Option<Vec<String>>,
    public: RsaPublicKey,
}

impl Keys {
    /// The keys of a JWK Set's text.
    ///
    /// # Errors
    /// [`Fault`] with [`Part::JwkSet`]: whatever is not a JWK Set of distinct RSA signing keys with `kid`, for RS256, of 2048 to 4096 bits
    /// and exponent 65537; a member that is not documented, among them every private one; a certificate that holds another key.
    pub fn parse(jwks_json: &[u8]) -> Result<Self, Fault> {
        let mut set = Members::parse(Part::JwkSet, jwks_json)?;
        let listed = match set.take("keys") {
            Some(Json::List(listed)) => listed,
            Some(_) => return Err(set.wrong("keys", Wrong::Type)),
            None => return Err(set.wrong("keys", Wrong::Missing)),
        };
        set.end()?;
        let mut keys: Vec<Key> = Vec::with_capacity(listed.len());
        for jwk in listed {
            let key = Key::parse(Members::inside(Part::JwkSet, "keys", jwk)?)?;
            if keys.iter().any(|known| known.kid == key.kid || known.public == key.public) {
                return Err(Fault::member(Part::JwkSet, "kid", Wrong::Value));
            }
            keys.push(key);
        }
        Ok(Self(keys))
    }

    pub(crate) fn named(&self, kid: &str) -> Option<&Key> {
        self.0.iter().find(|key| key.kid == kid)
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|key| &key.kid)).finish()
    }
}

impl Key {
    fn parse(mut jwk: Members) -> Result<Self, Fault> {
        for (member, value) in [("kty", "RSA"), ("use", "sig"), ("alg", "RS256")] {
            jwk.exactly(member, value)?;
        }
        let kid = jwk.text("kid")?;
        if kid.is_empty() || !kid.bytes().all(|sign| sign.is_ascii_graphic()) {
            return Err(jwk.wrong("kid", Wrong::Shape));
        }
        let n = number(&mut jwk, "n")?;
        let e = BigUint::from_bytes_be(&number(&mut jwk, "e")?);
        if e != BigUint::from(EXPONENT) {
            return Err(jwk.wrong("e", Wrong::Value));
        }
        let public = RsaPublicKey::new(BigUint::from_bytes_be(&n), e);
        let public = public.map_err(|_| jwk.wrong("n", Wrong::Shape))?;
        if !MODULUS_BITS.contains(&public.n().bits()) {
            return Err(jwk.wrong("n", Wrong::Shape));
        }
        let chain = jwk.texts_if_any("x5c")?;
        if let Some(chain) = &chain {
            certifies(chain, &n).ok_or_else(|| jwk.wrong("x5c", Wrong::Shape))?;
        }
        jwk.end()?;
        Ok(Self { kid, chain, public })
    }

    /// The chain as published, if one is.
    pub(crate) fn chain(&self) -> Option<&[String]> {
        self.chain.as_deref()
    }

    /// Whether `signature` is this key's over `text` by RS256: RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518 §3.3).
    pub(crate) fn signed(&self, text: &str, signature: &[u8]) -> bool {
        let digest = Sha256::digest(text.as_bytes());
        self.public.verify(Pkcs1v15Sign::new::<Sha256>(), &digest, signature).is_ok()
    }
}

/// A number in its shortest form (RFC 7518 §2).
fn number(jwk: &mut Members, member: &'static str) -> Result<Vec<u8>, Fault> {
    let text = jwk.text(member)?;
    match Base64UrlUnpadded::decode_vec(&text) {
        Ok(bytes) if bytes.first().is_some_and(|top| *top != 0) => Ok(bytes),
        Ok(_) | Err(_) => Err(jwk.wrong(member, Wrong::Shape)),
    }
}

/// Whether each entry is base64 of something, and the first holds the modulus (RFC 7517 §4.7): a certificate carries it byte by byte.
fn certifies(chain: &[String], modulus: &[u8]) -> Option<()> {
    let ders: Result<Vec<Vec<u8>>, _> = chain.iter().map(|entry| Base64::decode_vec(entry)).collect();
    let ders = ders.ok()?;
    ders.first()?.windows(modulus.len()).find(|window| *window == modulus).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7515 §A.2: a signature that neither we nor the library of the other tests made.
    #[test]
    fn rfc7515_a2_verifies_and_nothing_near_it_does() {
        const N: &str = concat!(
            "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SF",
            "d2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo",
            "7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkM",
            "Ls91kzk2PAcDTW9gb54h4FRWyuXpoQ",
        );
        const TEXT: &str = concat!(
            "eyJhbGciOiJSUzI1NiJ9.",
            "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ",
        );
        const SIGNATURE: &str = concat!(
            "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdb",
            "F9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383",
            "LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWy",
            "wlVmtVrBp0igcN_IoypGlUPQGe77Rw",
        );
        let jwk = format!(r#"{{"kty":"RSA","use":"sig","alg":"RS256","kid":"a2","n":"{N}","e":"AQAB"}}"#);
        let keys = Keys::parse(format!(r#"{{"keys":[{jwk}]}}"#).as_bytes()).unwrap();
        assert_eq!(format!("{keys:?}"), r#"["a2"]"#);
        let key = keys.named("a2").unwrap();
        let signature = Base64UrlUnpadded::decode_vec(SIGNATURE).unwrap();
        for at in [0, 1, 127, 254, 255] {
            let mut flipped = signature.clone();
            flipped[at] ^= 1;
            assert!(!key.signed(TEXT, &flipped), "byte {at}");
        }
        assert!(!key.signed(&TEXT[1..], &signature));
        assert!(!key.signed(TEXT, &signature[1..]));
        assert!(!key.signed(TEXT, &[&[0], signature.as_slice()].concat()));
        assert!(!key.signed(TEXT, &[0; 256]));
        assert!(!key.signed(TEXT, &[0xff; 256]));
        assert!(!key.signed(TEXT, &[]));
        assert!(key.signed(TEXT, &signature));
    }
}
