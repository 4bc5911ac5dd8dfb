//! Signed tokens in compact form (RFC 7515 §7.1): making them, and reading them strictly.
//!
//! Reading has two steps. [`Compact::parse`] takes a text apart and refuses whatever is not one canonical JWS;
//! [`verify`] gives out the payload, and only when the key's own algorithm confirms it. There is no way to the payload
//! past the signature.

use std::fmt;

use aws_lc_rs::signature::ParsedPublicKey;
use serde_json::{Map, Value};

use crate::encoding::{base64_encode, base64url_append, base64url_decode};
use crate::json::{JsonFault, parse_object};
use crate::jwk::{EcPublicJwk, RsaPublicJwk};
use crate::signing::{Alg, EcKey, RsaKey, Signer, SigningFailed};

/// The longest token that is read, in bytes of text; measured before anything is decoded.
pub const MAX_TOKEN: usize = 16 * 1024;

/// The longest `kid` that is read, in bytes.
pub const MAX_KID: usize = 256;

/// What a header says beside `alg` and `kid`, which it always has.
#[derive(Debug, Clone, Copy, Default)]
pub struct Header<'h> {
    /// The token's media type (RFC 7515 §4.1.9), such as `at+jwt`.
    pub typ: Option<&'h str>,
    /// The signing key's certificate chain in DER, its own certificate first (RFC 7515 §4.1.6); empty for none.
    pub x5c: &'h [Vec<u8>],
}

/// A header segment made once for a key and a kind of token, since with a certificate in it the header is most of
/// the token.
#[derive(Debug, Clone)]
pub struct Head {
    /// Encoded, with the dot that ends it.
    segment: String,
    alg: Alg,
    kid: String,
}

impl Head {
    /// The header of what `signer` is going to sign.
    #[must_use]
    pub fn new(signer: &dyn Signer, header: &Header<'_>) -> Self {
        let mut members = Map::new();
        members.insert("alg".to_owned(), signer.alg().as_str().into());
        members.insert("kid".to_owned(), signer.kid().into());
        if let Some(typ) = header.typ {
            members.insert("typ".to_owned(), typ.into());
        }
        if !header.x5c.is_empty() {
            members.insert("x5c".to_owned(), header.x5c.iter().map(|der| base64_encode(der)).collect());
        }
        let mut segment = String::new();
        base64url_append(Value::Object(members).to_string().as_bytes(), &mut segment);
        segment.push('.');
        Self { segment, alg: signer.alg(), kid: signer.kid().to_owned() }
    }
}

/// Signs claims (a JSON object's text) into a compact JWS. For more than one token, keep a [`Head`].
///
/// # Errors
/// [`SigningFailed`], from the signer.
pub fn sign(signer: &dyn Signer, header: &Header<'_>, claims_json: &[u8]) -> Result<String, SigningFailed> {
    sign_with_head(&Head::new(signer, header), signer, claims_json)
}

/// Signs claims under a header that was made before, for the same key.
///
/// # Errors
/// [`SigningFailed::HeadOfAnotherKey`], or what the signer answers.
pub fn sign_with_head(head: &Head, signer: &dyn Signer, claims_json: &[u8]) -> Result<String, SigningFailed> {
    if head.alg != signer.alg() || head.kid != signer.kid() {
        return Err(SigningFailed::HeadOfAnotherKey);
    }
    // One allocation: 4 characters for 3 bytes, a dot, and 342 characters for the usual RS256 signature.
    let claims_length = claims_json.len().div_ceil(3).saturating_mul(4);
    let capacity = head.segment.len().saturating_add(claims_length).saturating_add(1 + 342);
    let mut token = String::with_capacity(capacity);
    token.push_str(&head.segment);
    base64url_append(claims_json, &mut token);
    let signature = signer.sign(token.as_bytes())?;
    token.push('.');
    base64url_append(&signature, &mut token);
    Ok(token)
}

/// Which of the three segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Segment {
    /// The protected header.
    Header,
    /// The payload.
    Payload,
    /// The signature.
    Signature,
}

/// Why a text is no token we believe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JwsFault {
    /// Longer than [`MAX_TOKEN`].
    #[error("the token is longer than {MAX_TOKEN} bytes")]
    TooLarge,
    /// Not three segments: an unsecured, encrypted or JSON-serialised token, or none at all.
    #[error("not a compact JWS of three segments (RFC 7515 §7.1)")]
    NotThreeSegments,
    /// The signature segment is empty, as in an unsecured token (RFC 7515 §A.5).
    #[error("the token has no signature")]
    NoSignature,
    /// A segment is not canonical base64url.
    #[error("the token's {0:?} segment is not canonical base64url")]
    Encoding(Segment),
    /// The header is no strict JSON object.
    #[error("the token's header is {0}")]
    Header(JsonFault),
    /// The header has `crit`: we understand no extension, so we must refuse (RFC 7515 §4.1.11).
    #[error("the token's header has `crit`")]
    Critical,
    /// The header has `b64` (RFC 7797) or `zip`, which would change what the payload is.
    #[error("the token's header has `b64` or `zip`")]
    PayloadTransformed,
    /// `alg` is missing or not a string.
    #[error("the token's header has no `alg`")]
    NoAlg,
    /// `alg` is `none`, in whatever case.
    #[error("the token's `alg` is `none`")]
    AlgNone,
    /// An `alg` we do not use.
    #[error("the token's `alg` is not supported")]
    AlgUnknown,
    /// `kid` is not a string, or is empty, longer than [`MAX_KID`], or has control characters.
    #[error("the token's `kid` is not a usable name")]
    Kid,
    /// `typ` is not a string.
    #[error("the token's `typ` is not a string")]
    Typ,
    /// The header's `alg` is not the key's.
    #[error("the token's `alg` is not the one of its key")]
    AlgMismatch,
    /// The signature is not of this key over this text.
    #[error("the token's signature does not verify")]
    BadSignature,
}

/// A well-formed compact JWS whose signature nobody has checked. Of its content only the header shows.
#[derive(Clone)]
pub struct Compact<'t> {
    signing_input: &'t str,
    header: Map<String, Value>,
    alg: Alg,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

impl<'t> Compact<'t> {
    /// Takes a token apart.
    ///
    /// # Errors
    /// Each [`JwsFault`] but the last two, the first that is met. Of the header, `jku`, `x5u`, `jwk` and `x5c` are
    /// neither followed nor believed (RFC 8725 §3.10).
    pub fn parse(token: &'t str) -> Result<Self, JwsFault> {
        if token.len() > MAX_TOKEN {
            return Err(JwsFault::TooLarge);
        }
        let (signing_input, signature) = token.rsplit_once('.').ok_or(JwsFault::NotThreeSegments)?;
        let (header, payload) = signing_input.split_once('.').ok_or(JwsFault::NotThreeSegments)?;
        if payload.contains('.') {
            return Err(JwsFault::NotThreeSegments);
        }
        if signature.is_empty() {
            return Err(JwsFault::NoSignature);
        }
        let decode = |text, segment| base64url_decode(text).map_err(|_| JwsFault::Encoding(segment));
        let header = decode(header, Segment::Header)?;
        let payload = decode(payload, Segment::Payload)?;
        let signature = decode(signature, Segment::Signature)?;
        let header = parse_object(&header).map_err(JwsFault::Header)?;
        let alg = check_header(&header)?;
        Ok(Self { signing_input, header, alg, payload, signature })
    }

    /// What the header claims as algorithm. The key decides, not this.
    #[must_use]
    pub fn alg(&self) -> Alg {
        self.alg
    }

    /// The header's `kid`, to look a key up with: a stranger's text, compared and never interpreted.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.header.get("kid").and_then(Value::as_str)
    }

    /// The header's `typ` as written.
    #[must_use]
    pub fn typ(&self) -> Option<&str> {
        self.header.get("typ").and_then(Value::as_str)
    }

    /// Whether the header's `typ` is this media type. Case does not matter, nor whether `application/` is written
    /// (RFC 7515 §4.1.9). A token without `typ` has none.
    #[must_use]
    pub fn is_typ(&self, expected: &str) -> bool {
        fn short(typ: &str) -> &str {
            match typ.split_at_checked("application/".len()) {
                Some((prefix, rest))
                    if prefix.eq_ignore_ascii_case("application/") && !rest.contains('/') =>
                {
                    rest
                }
                _ => typ,
            }
        }
        self.typ().is_some_and(|typ| short(typ).eq_ignore_ascii_case(short(expected)))
    }

    /// The whole header.
    #[must_use]
    pub fn header(&self) -> &Map<String, Value> {
        &self.header
    }
}

impl fmt::Debug for Compact<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The payload may name a person, and the whole text is a credential.
        write!(f, "Compact({}, ***)", self.alg.as_str())
    }
}

fn check_header(header: &Map<String, Value>) -> Result<Alg, JwsFault> {
    if header.contains_key("crit") {
        return Err(JwsFault::Critical);
    }
    if header.contains_key("b64") || header.contains_key("zip") {
        return Err(JwsFault::PayloadTransformed);
    }
    match header.get("kid") {
        None => {}
        Some(Value::String(kid)) if is_kid(kid) => {}
        Some(_) => return Err(JwsFault::Kid),
    }
    if header.get("typ").is_some_and(|typ| !typ.is_string()) {
        return Err(JwsFault::Typ);
    }
    let alg = header.get("alg").and_then(Value::as_str).ok_or(JwsFault::NoAlg)?;
    if alg.eq_ignore_ascii_case("none") {
        return Err(JwsFault::AlgNone);
    }
    Alg::parse(alg).ok_or(JwsFault::AlgUnknown)
}

fn is_kid(kid: &str) -> bool {
    (1..=MAX_KID).contains(&kid.len()) && !kid.chars().any(char::is_control)
}

/// A public key that verifies, with the one algorithm it verifies with. Parsed once and kept: parsing anew would add
/// a quarter to every RSA verification.
#[derive(Clone)]
pub struct VerifyingKey {
    kid: String,
    alg: Alg,
    key: ParsedPublicKey,
    /// The one length a signature of this key has, in bytes.
    signature_length: usize,
}

impl VerifyingKey {
    /// RS256 with this key. Its `kid` is the thumbprint, see [`VerifyingKey::with_kid`].
    #[must_use]
    pub fn from_rsa_jwk(jwk: &RsaPublicJwk) -> Self {
        Self {
            kid: jwk.thumbprint(),
            alg: Alg::Rs256,
            key: jwk.parsed().clone(),
            signature_length: jwk.n().len(),
        }
    }

    /// RS256 with a signing key's public half.
    #[must_use]
    pub fn from_rsa_key(key: &RsaKey) -> Self {
        Self::from_rsa_jwk(key.public_jwk())
    }

    /// ES256 with this key. Its `kid` is the thumbprint, see [`VerifyingKey::with_kid`].
    #[must_use]
    pub fn from_ec_jwk(jwk: &EcPublicJwk) -> Self {
        Self { kid: jwk.thumbprint(), alg: Alg::Es256, key: jwk.parsed().clone(), signature_length: 64 }
    }

    /// ES256 with a signing key's public half.
    #[must_use]
    pub fn from_ec_key(key: &EcKey) -> Self {
        Self::from_ec_jwk(key.public_jwk())
    }

    /// The same key under the name that its owner publishes it with.
    #[must_use]
    pub fn with_kid(self, kid: &str) -> Self {
        Self { kid: kid.to_owned(), ..self }
    }

    /// The name to choose this key by.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The algorithm this key verifies with.
    #[must_use]
    pub fn alg(&self) -> Alg {
        self.alg
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey({}, {})", self.kid, self.alg.as_str())
    }
}

/// The payload, once the key confirms it. The caller has chosen the key; the header's `kid` is not asked again.
///
/// ECDSA lets anyone derive a second valid signature from the first, so a token's text is no identity: use `jti`.
///
/// # Errors
/// [`JwsFault::AlgMismatch`] when the header names another algorithm than the key's (RFC 8725 §3.1);
/// [`JwsFault::BadSignature`].
pub fn verify(compact: &Compact<'_>, key: &VerifyingKey) -> Result<Vec<u8>, JwsFault> {
    if compact.alg != key.alg {
        return Err(JwsFault::AlgMismatch);
    }
    // RFC 7518 §3.3 and §3.4 fix the length, so no library gets to interpret another.
    if compact.signature.len() != key.signature_length {
        return Err(JwsFault::BadSignature);
    }
    key.key
        .verify_sig(compact.signing_input.as_bytes(), &compact.signature)
        .map_err(|_| JwsFault::BadSignature)?;
    Ok(compact.payload.clone())
}
