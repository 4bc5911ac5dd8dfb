//! Public keys as JWKs (RFC 7517, RFC 7518 §6) and their thumbprints (RFC 7638).
//!
//! A value of these types is a key that AWS-LC has accepted and that is strong enough, so a verifier built from it
//! cannot fail later. Private keys never take JSON form here; see [`crate::signing`].

use std::fmt;

use aws_lc_rs::rsa::PublicKeyComponents;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256};
use serde_json::{Map, Value, json};

use crate::certificate::Certificate;
use crate::digest::Sha256;
use crate::encoding::{base64_decode, base64_encode, base64url_decode, base64url_encode};
use crate::json::{JsonFault, parse_object};
use crate::signing::Alg;

/// Sizes of an RSA modulus that are accepted, in bits: 2048 by RFC 7518 §3.3, 4096 because a verification's cost
/// grows with the square and a stranger chooses the key.
pub const RSA_MODULUS_BITS: std::ops::RangeInclusive<usize> = 2048..=4096;

/// An RSA public key for RS256.
#[derive(Clone)]
pub struct RsaPublicJwk {
    n: Vec<u8>,
    e: Vec<u8>,
    parsed: ParsedPublicKey,
}

/// A P-256 public key for ES256.
#[derive(Clone)]
pub struct EcPublicJwk {
    x: [u8; 32],
    y: [u8; 32],
    parsed: ParsedPublicKey,
}

/// Why a JWK is no usable public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JwkFault {
    /// Not a strict JSON object.
    #[error("the JWK is {0}")]
    Json(#[from] JsonFault),
    /// A member is missing, of the wrong type, or says that the key is for something else.
    #[error("the JWK's `{0}` is missing or has a value that cannot be used here")]
    Member(&'static str),
    /// A member belongs to a private or symmetric key, which nobody may publish.
    #[error("the JWK contains the private member `{0}`: the key is no longer a secret, replace it")]
    Private(&'static str),
    /// The modulus is outside of [`RSA_MODULUS_BITS`] or even.
    #[error("the RSA modulus must be odd and of 2048 to 4096 bits")]
    Modulus,
    /// The public exponent is even, below 65537, or longer than 32 bits.
    #[error("the RSA public exponent must be odd and between 65537 and 4294967295")]
    Exponent,
    /// The numbers make no key: for P-256, a point that is not on the curve.
    #[error("the JWK's numbers are not a valid public key")]
    NotAKey,
}

impl RsaPublicJwk {
    /// The key of a JWK text.
    ///
    /// # Errors
    /// As [`RsaPublicJwk::from_object`], and [`JwkFault::Json`].
    pub fn parse(text: &[u8]) -> Result<Self, JwkFault> {
        Self::from_object(&parse_object(text)?)
    }

    /// The key of a JWK that has been read strictly ([`parse_object`]).
    ///
    /// # Errors
    /// [`JwkFault`]: `kty` other than `RSA`; `use`, `alg` or `key_ops` for anything but verifying RS256; a private
    /// member; numbers not in their shortest base64url form (RFC 7518 §2); a weak key; an `x5c` for another key
    /// (RFC 7517 §4.7).
    pub fn from_object(jwk: &Map<String, Value>) -> Result<Self, JwkFault> {
        check_members(jwk, "RSA", Alg::Rs256)?;
        let key = Self::from_components(&number(jwk, "n")?, &number(jwk, "e")?)?;
        match jwk.get("x5c") {
            Some(chain) if !leaf_of(chain)?.matches_key(&key) => Err(JwkFault::Member("x5c")),
            _ => Ok(key),
        }
    }

    /// The key with this modulus and exponent, big-endian without leading zeros.
    ///
    /// # Errors
    /// [`JwkFault::Modulus`], [`JwkFault::Exponent`] (e = 1 makes every message its own signature; small exponents
    /// are excluded by FIPS 186-5 §5.1), [`JwkFault::NotAKey`].
    pub fn from_components(n: &[u8], e: &[u8]) -> Result<Self, JwkFault> {
        let top = n.first().ok_or(JwkFault::Modulus)?;
        let bits = n.len().saturating_mul(8).saturating_sub(top.leading_zeros() as usize);
        let odd = |number: &[u8]| number.last().is_some_and(|low| low % 2 == 1);
        if *top == 0 || !RSA_MODULUS_BITS.contains(&bits) || !odd(n) {
            return Err(JwkFault::Modulus);
        }
        let leading_zero = e.first().is_none_or(|top| *top == 0);
        if leading_zero
            || e.len() > 4
            || !odd(e)
            || e.iter().fold(0_u64, |v, b| (v << 8) | u64::from(*b)) < 65537
        {
            return Err(JwkFault::Exponent);
        }
        let parsed = PublicKeyComponents { n, e }
            .to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)
            .map_err(|_| JwkFault::NotAKey)?;
        Ok(Self { n: n.to_vec(), e: e.to_vec(), parsed })
    }

    /// The SHA-256 thumbprint in base64url, 43 characters (RFC 7638 §3). It is the `kid` of the house's own keys.
    #[must_use]
    pub fn thumbprint(&self) -> String {
        let (e, n) = (base64url_encode(&self.e), base64url_encode(&self.n));
        base64url_encode(Sha256::of(format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#).as_bytes()).as_bytes())
    }

    /// The member of a JWK Set: `kty`, `use`, `alg`, `kid`, `n`, `e`, and `x5c` unless the chain is empty. The chain is
    /// DER, the key's own certificate first (RFC 7517 §4.7).
    #[must_use]
    pub fn to_json(&self, kid: &str, alg: Alg, x5c: &[Vec<u8>]) -> Value {
        let mut jwk = json!({
            "kty": "RSA", "use": "sig", "alg": alg.as_str(), "kid": kid,
            "n": base64url_encode(&self.n), "e": base64url_encode(&self.e),
        });
        add_chain(&mut jwk, x5c);
        jwk
    }

    /// The modulus, big-endian without leading zeros.
    #[must_use]
    pub fn n(&self) -> &[u8] {
        &self.n
    }

    /// The public exponent, big-endian without leading zeros.
    #[must_use]
    pub fn e(&self) -> &[u8] {
        &self.e
    }

    pub(crate) fn parsed(&self) -> &ParsedPublicKey {
        &self.parsed
    }
}

impl EcPublicJwk {
    /// The key of a JWK text.
    ///
    /// # Errors
    /// As [`EcPublicJwk::from_object`], and [`JwkFault::Json`].
    pub fn parse(text: &[u8]) -> Result<Self, JwkFault> {
        Self::from_object(&parse_object(text)?)
    }

    /// The key of a JWK that has been read strictly ([`parse_object`]).
    ///
    /// # Errors
    /// [`JwkFault`]: `kty` other than `EC`, `crv` other than `P-256`; `use`, `alg` or `key_ops` for anything but
    /// verifying ES256; a private member; coordinates not of 32 bytes (RFC 7518 §6.2.1.2); a point off the curve.
    pub fn from_object(jwk: &Map<String, Value>) -> Result<Self, JwkFault> {
        check_members(jwk, "EC", Alg::Es256)?;
        if text(jwk, "crv")? != "P-256" {
            return Err(JwkFault::Member("crv"));
        }
        let coordinate = |name| {
            let bytes = base64url_decode(text(jwk, name)?).map_err(|_| JwkFault::Member(name))?;
            <[u8; 32]>::try_from(bytes).map_err(|_| JwkFault::Member(name))
        };
        Self::from_coordinates(coordinate("x")?, coordinate("y")?)
    }

    /// The key at this point of P-256, each coordinate big-endian.
    ///
    /// # Errors
    /// [`JwkFault::NotAKey`] for a point that is not on the curve.
    pub fn from_coordinates(x: [u8; 32], y: [u8; 32]) -> Result<Self, JwkFault> {
        // SEC 1 §2.3.3: 4 announces an uncompressed point.
        let point = [&[4], x.as_slice(), y.as_slice()].concat();
        let parsed = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).map_err(|_| JwkFault::NotAKey)?;
        Ok(Self { x, y, parsed })
    }

    /// The SHA-256 thumbprint in base64url, 43 characters (RFC 7638 §3).
    #[must_use]
    pub fn thumbprint(&self) -> String {
        let (x, y) = (base64url_encode(&self.x), base64url_encode(&self.y));
        let members = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
        base64url_encode(Sha256::of(members.as_bytes()).as_bytes())
    }

    /// The member of a JWK Set; see [`RsaPublicJwk::to_json`].
    #[must_use]
    pub fn to_json(&self, kid: &str, alg: Alg, x5c: &[Vec<u8>]) -> Value {
        let mut jwk = json!({
            "kty": "EC", "use": "sig", "alg": alg.as_str(), "kid": kid, "crv": "P-256",
            "x": base64url_encode(&self.x), "y": base64url_encode(&self.y),
        });
        add_chain(&mut jwk, x5c);
        jwk
    }

    pub(crate) fn parsed(&self) -> &ParsedPublicKey {
        &self.parsed
    }
}

impl PartialEq for RsaPublicJwk {
    fn eq(&self, other: &Self) -> bool {
        self.n == other.n && self.e == other.e
    }
}

impl Eq for RsaPublicJwk {}

impl PartialEq for EcPublicJwk {
    fn eq(&self, other: &Self) -> bool {
        self.x == other.x && self.y == other.y
    }
}

impl Eq for EcPublicJwk {}

impl fmt::Debug for RsaPublicJwk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RsaPublicJwk({})", self.thumbprint())
    }
}

impl fmt::Debug for EcPublicJwk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EcPublicJwk({})", self.thumbprint())
    }
}

/// RFC 7518 §6.2.2, §6.3.2 and §6.4.1: every member that only a private or symmetric key has.
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

fn check_members(jwk: &Map<String, Value>, kty: &'static str, alg: Alg) -> Result<(), JwkFault> {
    if text(jwk, "kty")? != kty {
        return Err(JwkFault::Member("kty"));
    }
    if let Some(member) = PRIVATE.into_iter().find(|member| jwk.contains_key(*member)) {
        return Err(JwkFault::Private(member));
    }
    for (member, expected) in [("use", "sig"), ("alg", alg.as_str())] {
        if jwk.contains_key(member) && text(jwk, member)? != expected {
            return Err(JwkFault::Member(member));
        }
    }
    match jwk.get("key_ops") {
        None => Ok(()),
        Some(Value::Array(operations)) if operations.iter().any(|operation| operation == "verify") => Ok(()),
        Some(_) => Err(JwkFault::Member("key_ops")),
    }
}

fn text<'j>(jwk: &'j Map<String, Value>, member: &'static str) -> Result<&'j str, JwkFault> {
    jwk.get(member).and_then(Value::as_str).ok_or(JwkFault::Member(member))
}

/// A Base64urlUInt: no leading zero octet, so that one number has one text and one thumbprint (RFC 7518 §2).
fn number(jwk: &Map<String, Value>, member: &'static str) -> Result<Vec<u8>, JwkFault> {
    let encoded = text(jwk, member)?;
    // Bounded before it is decoded: 4096 bits are 683 characters.
    if encoded.len() > 684 {
        return Err(JwkFault::Member(member));
    }
    let bytes = base64url_decode(encoded).map_err(|_| JwkFault::Member(member))?;
    if bytes.first().is_none_or(|top| *top == 0) {
        return Err(JwkFault::Member(member));
    }
    Ok(bytes)
}

fn leaf_of(chain: &Value) -> Result<Certificate, JwkFault> {
    chain
        .get(0)
        .and_then(Value::as_str)
        .and_then(|leaf| base64_decode(leaf).ok())
        .and_then(|der| Certificate::parse(&der).ok())
        .ok_or(JwkFault::Member("x5c"))
}

fn add_chain(jwk: &mut Value, x5c: &[Vec<u8>]) {
    if let (Value::Object(members), false) = (jwk, x5c.is_empty()) {
        members.insert("x5c".to_owned(), x5c.iter().map(|der| base64_encode(der)).collect());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7638 §3.1.
    const N: &str = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";

    fn rsa() -> Map<String, Value> {
        parse_object(json!({ "kty": "RSA", "n": N, "e": "AQAB" }).to_string().as_bytes()).unwrap()
    }

    /// RFC 7515 §A.3.1.
    fn ec() -> Map<String, Value> {
        let (x, y) =
            ("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0");
        parse_object(json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y }).to_string().as_bytes()).unwrap()
    }

    fn with(mut jwk: Map<String, Value>, member: &str, value: Value) -> Map<String, Value> {
        jwk.insert(member.to_owned(), value);
        jwk
    }

    #[test]
    fn a_key_for_something_else_is_refused() {
        let cases = [
            ("kty", json!("EC")),
            ("kty", json!("oct")),
            ("kty", json!(1)),
            ("use", json!("enc")),
            ("use", json!(["sig"])),
            ("alg", json!("RSA-OAEP-256")),
            ("alg", json!("HS256")),
            ("alg", json!("none")),
            ("key_ops", json!(["encrypt"])),
            ("key_ops", json!("verify")),
        ];
        for (member, value) in cases {
            let jwk = with(rsa(), member, value.clone());
            assert_eq!(RsaPublicJwk::from_object(&jwk), Err(JwkFault::Member(member)), "{member}: {value}");
        }
        for (member, value) in
            [("use", json!("sig")), ("alg", json!("RS256")), ("key_ops", json!(["verify"]))]
        {
            assert!(RsaPublicJwk::from_object(&with(rsa(), member, value)).is_ok(), "{member}");
        }
    }

    #[test]
    fn a_published_private_key_is_refused() {
        for member in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
            let jwk = with(rsa(), member, json!("AQAB"));
            assert_eq!(RsaPublicJwk::from_object(&jwk), Err(JwkFault::Private(member)));
        }
        assert_eq!(EcPublicJwk::from_object(&with(ec(), "d", json!("AQ"))), Err(JwkFault::Private("d")));
    }

    #[test]
    fn rfc7518_s3_3_a_weak_rsa_key_is_refused() {
        let good = base64url_decode(N).unwrap();
        let e = [1, 0, 1];
        let even = [&good[..255], &[0x82]].concat();
        let mut short_by_a_bit = good.clone();
        short_by_a_bit[0] &= 0x7f;
        let long = [good.clone(), good.clone(), vec![1]].concat();
        let led_by_zero = [&[0], good.as_slice()].concat();
        for n in [&[][..], &[0], &good[..128], &good[1..], &even, &short_by_a_bit, &long, &led_by_zero] {
            assert_eq!(RsaPublicJwk::from_components(n, &e), Err(JwkFault::Modulus), "{} bytes", n.len());
        }
        for e in [&[][..], &[0], &[1], &[3], &[17], &[1, 0, 0], &[0, 1, 0, 1], &[1, 0, 0, 0, 1], &[255, 255]]
        {
            assert_eq!(RsaPublicJwk::from_components(&good, e), Err(JwkFault::Exponent), "{e:?}");
        }
        assert!(RsaPublicJwk::from_components(&good, &e).is_ok());
    }

    #[test]
    fn rfc7518_s2_a_number_has_one_text() {
        for (member, value) in [("e", "AAEAAQ"), ("e", "AQAB="), ("e", ""), ("n", ""), ("n", "AA")] {
            let jwk = with(rsa(), member, json!(value));
            assert_eq!(RsaPublicJwk::from_object(&jwk), Err(JwkFault::Member(member)), "{member}: {value}");
        }
        let huge = with(rsa(), "n", json!("_".repeat(100_000)));
        assert_eq!(RsaPublicJwk::from_object(&huge), Err(JwkFault::Member("n")));
    }

    #[test]
    fn a_point_off_the_curve_is_refused() {
        let moved = with(ec(), "y", json!("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a4"));
        assert_eq!(EcPublicJwk::from_object(&moved), Err(JwkFault::NotAKey));
        let origin = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        let zero = with(with(ec(), "x", json!(origin)), "y", json!(origin));
        assert_eq!(EcPublicJwk::from_object(&zero), Err(JwkFault::NotAKey));
        assert_eq!(EcPublicJwk::from_object(&with(ec(), "x", json!("AQ"))), Err(JwkFault::Member("x")));
        assert_eq!(
            EcPublicJwk::from_object(&with(ec(), "crv", json!("P-384"))),
            Err(JwkFault::Member("crv"))
        );
        assert!(EcPublicJwk::from_object(&ec()).is_ok());
    }

    #[test]
    fn duplicate_members_are_refused() {
        let text = format!(r#"{{"kty":"RSA","n":"{N}","e":"AQAB","e":"AQAB"}}"#);
        assert_eq!(RsaPublicJwk::parse(text.as_bytes()), Err(JwkFault::Json(JsonFault::DuplicateMember)));
    }

    #[test]
    fn rfc7638_s3_1_thumbprint() {
        let key = RsaPublicJwk::from_object(&with(rsa(), "kid", json!("2011-04-29"))).unwrap();
        assert_eq!(key.thumbprint(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
        assert_eq!(key.thumbprint().len(), 43);
    }

    #[test]
    fn what_is_published_reads_back_equal() {
        let key = RsaPublicJwk::from_object(&rsa()).unwrap();
        let published = key.to_json("a", Alg::Rs256, &[]);
        assert_eq!(published["use"], "sig");
        assert!(published.get("x5c").is_none());
        assert_eq!(RsaPublicJwk::parse(published.to_string().as_bytes()), Ok(key));
        let key = EcPublicJwk::from_object(&ec()).unwrap();
        let published = key.to_json("a", Alg::Es256, &[]);
        assert_eq!(EcPublicJwk::parse(published.to_string().as_bytes()), Ok(key));
    }
}
