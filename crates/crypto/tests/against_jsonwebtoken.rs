//! Tokens travel both ways between us and the `jsonwebtoken` crate, which shares no line of JOSE code with us.
#![expect(clippy::unwrap_used, reason = "a scene that cannot be set up fails its test")]

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Validation};
use portvakt_crypto::certificate::self_signed;
use portvakt_crypto::encoding::{base64_encode, base64url_encode};
use portvakt_crypto::json::parse_object;
use portvakt_crypto::jws::{self, Compact, Header, JwsFault, VerifyingKey, verify};
use portvakt_crypto::signing::{Alg, EcKey, RsaKey, Signer};
use serde_json::{Value, json};

fn claims() -> Value {
    json!({ "iss": "https://a.example/", "aud": "client", "acr": "Level4", "exp": 4_102_444_800_u64, "name": "Åse" })
}

/// A PKCS#8 key as the PEM that their constructors take.
fn pem(pkcs8: &[u8]) -> String {
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", base64_encode(pkcs8))
}

fn validation(algorithm: Algorithm) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.set_audience(&["client"]);
    validation
}

/// Their key made of our published JWK, so that a wrong member of it shows.
fn their_key(jwk: &Value) -> DecodingKey {
    DecodingKey::from_jwk(&serde_json::from_value(jwk.clone()).unwrap()).unwrap()
}

#[test]
fn they_verify_what_we_sign() {
    let (rsa, ec) = (RsaKey::generate().unwrap(), EcKey::generate().unwrap());
    let chain = [self_signed(&rsa, "Portvakt", 1_480_550_400, 365).unwrap()];
    let rsa_jwk = rsa.public_jwk().to_json(rsa.kid(), Alg::Rs256, &chain);
    let ec_jwk = ec.public_jwk().to_json(ec.kid(), Alg::Es256, &[]);
    let signers: [(&dyn Signer, Algorithm, Value); 2] =
        [(&rsa, Algorithm::RS256, rsa_jwk), (&ec, Algorithm::ES256, ec_jwk)];
    for (signer, algorithm, jwk) in signers {
        let header = Header { typ: Some("JWT"), x5c: &chain };
        let token = jws::sign(signer, &header, claims().to_string().as_bytes()).unwrap();

        let other = if algorithm == Algorithm::RS256 { Algorithm::ES256 } else { Algorithm::RS256 };
        assert!(jsonwebtoken::decode::<Value>(&token, &their_key(&jwk), &validation(other)).is_err());

        let read = jsonwebtoken::decode::<Value>(&token, &their_key(&jwk), &validation(algorithm)).unwrap();
        assert_eq!(read.claims, claims());
        assert_eq!(read.header.kid.as_deref(), Some(signer.kid()));
        assert_eq!(read.header.x5c, Some(vec![base64_encode(&chain[0])]));
        // They compute the thumbprint of RFC 7638 too.
        let jwk: jsonwebtoken::jwk::Jwk = serde_json::from_value(jwk).unwrap();
        assert_eq!(jwk.thumbprint(jsonwebtoken::jwk::ThumbprintHash::SHA256).unwrap(), signer.kid());
    }
}

#[test]
fn we_verify_what_they_sign() {
    let (rsa, ec) = (RsaKey::generate().unwrap(), EcKey::generate().unwrap());
    let cases = [
        (
            Algorithm::RS256,
            EncodingKey::from_rsa_pem(pem(&rsa.to_pkcs8().unwrap()).as_bytes()).unwrap(),
            VerifyingKey::from_rsa_key(&rsa),
        ),
        (
            Algorithm::ES256,
            EncodingKey::from_ec_pem(pem(&ec.to_pkcs8().unwrap()).as_bytes()).unwrap(),
            VerifyingKey::from_ec_key(&ec),
        ),
    ];
    for (algorithm, key, ours) in cases {
        let token = jsonwebtoken::encode(&jsonwebtoken::Header::new(algorithm), &claims(), &key).unwrap();
        let compact = Compact::parse(&token).unwrap();
        assert!(compact.is_typ("jwt"));
        let payload = verify(&compact, &ours).unwrap();
        assert_eq!(Value::Object(parse_object(&payload).unwrap()), claims());

        let (head, signature) = token.rsplit_once('.').unwrap();
        let (head, _) = head.split_once('.').unwrap();
        let other = format!("{head}.{}.{signature}", base64url_encode(br#"{"iss":"https://b.example/"}"#));
        assert_eq!(verify(&Compact::parse(&other).unwrap(), &ours), Err(JwsFault::BadSignature));
    }
}

#[test]
fn what_they_sign_with_other_algorithms_is_refused() {
    let rsa = RsaKey::generate().unwrap();
    let rsa = EncodingKey::from_rsa_pem(pem(&rsa.to_pkcs8().unwrap()).as_bytes()).unwrap();
    let secret = EncodingKey::from_secret(b"secret");
    for (algorithm, key) in [
        (Algorithm::HS256, &secret),
        (Algorithm::HS512, &secret),
        (Algorithm::RS384, &rsa),
        (Algorithm::RS512, &rsa),
        (Algorithm::PS256, &rsa),
    ] {
        let token = jsonwebtoken::encode(&jsonwebtoken::Header::new(algorithm), &claims(), key).unwrap();
        assert_eq!(Compact::parse(&token).unwrap_err(), JwsFault::AlgUnknown, "{algorithm:?}");
    }
}
