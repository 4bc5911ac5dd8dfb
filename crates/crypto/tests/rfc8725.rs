//! The attacks on JWTs of RFC 8725 and those seen in the field. Each forged token carries a *valid* signature of the
//! right key wherever the attack allows it, so that only the rule under test can refuse it.
#![expect(clippy::unwrap_used, reason = "a scene that cannot be set up fails its test")]

use std::sync::LazyLock;

use aws_lc_rs::hmac;
use portvakt_crypto::encoding::{base64_encode, base64url_encode};
use portvakt_crypto::json::JsonFault;
use portvakt_crypto::jws::{
    self, Compact, Head, Header, JwsFault, MAX_TOKEN, Segment, VerifyingKey, sign_with_head, verify,
};
use portvakt_crypto::signing::{Alg, EcKey, RsaKey, Signer, SigningFailed};
use proptest::prelude::*;

static RSA: LazyLock<RsaKey> = LazyLock::new(|| RsaKey::generate().unwrap());
static EC: LazyLock<EcKey> = LazyLock::new(|| EcKey::generate().unwrap());

const CLAIMS: &[u8] = br#"{"iss":"https://a.example"}"#;

/// A token with this header text, signed for real.
fn signed(signer: &dyn Signer, header: &str) -> String {
    signed_input(signer, &format!("{}.{}", base64url_encode(header.as_bytes()), base64url_encode(CLAIMS)))
}

fn signed_input(signer: &dyn Signer, input: &str) -> String {
    format!("{input}.{}", base64url_encode(&signer.sign(input.as_bytes()).unwrap()))
}

/// What happens to a token that claims to be of one of our two keys.
fn answer(token: &str) -> Result<Vec<u8>, JwsFault> {
    let compact = Compact::parse(token)?;
    match compact.alg() {
        Alg::Rs256 => verify(&compact, &VerifyingKey::from_rsa_key(&RSA)),
        Alg::Es256 => verify(&compact, &VerifyingKey::from_ec_key(&EC)),
    }
}

/// A header's fate under a valid signature.
fn fate(header: &str) -> Result<Vec<u8>, JwsFault> {
    answer(&signed(&*RSA, header))
}

#[test]
fn the_scene_accepts_a_plain_token() {
    assert_eq!(fate(r#"{"alg":"RS256"}"#).unwrap(), CLAIMS);
    assert_eq!(answer(&signed(&*EC, r#"{"alg":"ES256"}"#)).unwrap(), CLAIMS);
}

#[test]
fn j1_alg_none_missing_or_no_string_is_refused() {
    for alg in ["none", "None", "NONE", "nONE", "noNe", "NoNe", "nOnE", "nonE"] {
        assert_eq!(fate(&format!(r#"{{"alg":"{alg}"}}"#)), Err(JwsFault::AlgNone), "{alg}");
    }
    let unsecured = format!("{}.{}.", base64url_encode(br#"{"alg":"none"}"#), base64url_encode(CLAIMS));
    assert_eq!(answer(&unsecured), Err(JwsFault::NoSignature));
    for header in [
        "{}",
        r#"{"alg":null}"#,
        r#"{"alg":1}"#,
        r#"{"alg":true}"#,
        r#"{"alg":["RS256"]}"#,
        r#"{"alg":{"RS256":1}}"#,
        r#"{"Alg":"RS256"}"#,
    ] {
        assert_eq!(fate(header), Err(JwsFault::NoAlg), "{header}");
    }
    for alg in [
        "",
        "rs256",
        "RS256 ",
        " RS256",
        "RS256\\u0000",
        "none ",
        "RS384",
        "PS256",
        "EdDSA",
        "ES384",
        "HS256",
    ] {
        assert_eq!(fate(&format!(r#"{{"alg":"{alg}"}}"#)), Err(JwsFault::AlgUnknown), "{alg:?}");
    }
}

#[test]
fn j2_a_public_key_is_no_mac_secret() {
    let jwk = RSA.public_jwk().to_json(RSA.kid(), Alg::Rs256, &[]).to_string();
    let der = [RSA.public_jwk().n(), RSA.public_jwk().e()].concat();
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", base64_encode(&der));
    for secret in [pem.as_bytes(), &der, jwk.as_bytes(), b""] {
        for alg in ["HS256", "RS256"] {
            let header = format!(r#"{{"alg":"{alg}","kid":"{}"}}"#, RSA.kid());
            let input = format!("{}.{}", base64url_encode(header.as_bytes()), base64url_encode(CLAIMS));
            let mac = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), input.as_bytes());
            let expected = if alg == "HS256" { JwsFault::AlgUnknown } else { JwsFault::BadSignature };
            assert_eq!(
                answer(&format!("{input}.{}", base64url_encode(mac.as_ref()))),
                Err(expected),
                "{alg}"
            );
        }
    }
}

#[test]
fn j2_s3_1_the_key_chooses_the_algorithm() {
    let token = signed(&*RSA, r#"{"alg":"RS256"}"#);
    let compact = Compact::parse(&token).unwrap();
    assert_eq!(verify(&compact, &VerifyingKey::from_ec_key(&EC)), Err(JwsFault::AlgMismatch));
    // The signature is right, only the name of the algorithm lies.
    let lying = signed(&*RSA, r#"{"alg":"ES256"}"#);
    let compact = Compact::parse(&lying).unwrap();
    assert_eq!(verify(&compact, &VerifyingKey::from_rsa_key(&RSA)), Err(JwsFault::AlgMismatch));
}

#[test]
fn j3_kid_is_a_bounded_string_and_nothing_more() {
    for kid in ["\"\"", "1", "null", "[\"a\"]", r#""a\u0000b""#, r#""a\nb""#] {
        assert_eq!(fate(&format!(r#"{{"alg":"RS256","kid":{kid}}}"#)), Err(JwsFault::Kid), "{kid}");
    }
    let long = "k".repeat(257);
    assert_eq!(fate(&format!(r#"{{"alg":"RS256","kid":"{long}"}}"#)), Err(JwsFault::Kid));
    let huge = "k".repeat(64 * 1024);
    assert_eq!(fate(&format!(r#"{{"alg":"RS256","kid":"{huge}"}}"#)), Err(JwsFault::TooLarge));
    let twice = r#"{"alg":"RS256","kid":"a","kid":"b"}"#;
    assert_eq!(fate(twice), Err(JwsFault::Header(JsonFault::DuplicateMember)));
    // A path or an SQL fragment is a name like any other: it comes out as it went in and matches no key.
    for kid in ["../../../../etc/passwd", "' OR 1=1 --", "a"] {
        let token = signed(&*RSA, &format!(r#"{{"alg":"RS256","kid":"{kid}"}}"#));
        assert_eq!(Compact::parse(&token).unwrap().kid(), Some(kid));
    }
}

#[test]
fn j4_j5_keys_that_the_header_brings_along_are_not_believed() {
    let stranger = RsaKey::generate().unwrap();
    let jwk = stranger.public_jwk().to_json(stranger.kid(), Alg::Rs256, &[]);
    for member in [
        format!(r#""jwk":{jwk}"#),
        r#""jku":"https://127.0.0.1:1/jwks""#.to_owned(),
        r#""x5u":"https://127.0.0.1:1/x5c""#.to_owned(),
        r#""x5c":["MIIB"]"#.to_owned(),
    ] {
        let forged = signed(&stranger, &format!(r#"{{"alg":"RS256","kid":"{}",{member}}}"#, RSA.kid()));
        assert_eq!(answer(&forged), Err(JwsFault::BadSignature), "{member}");
    }
}

#[test]
fn j7_crit_and_b64_are_refused_in_every_form() {
    for crit in
        [r#"["exp"]"#, "[]", r#"["alg"]"#, r#"["b64"]"#, "null", "\"\"", r#"["http://example.com/x"]"#]
    {
        assert_eq!(fate(&format!(r#"{{"alg":"RS256","crit":{crit}}}"#)), Err(JwsFault::Critical), "{crit}");
    }
    for member in [r#""b64":false"#, r#""b64":true"#, r#""zip":"DEF""#] {
        assert_eq!(
            fate(&format!(r#"{{"alg":"RS256",{member}}}"#)),
            Err(JwsFault::PayloadTransformed),
            "{member}"
        );
    }
    assert_eq!(fate(r#"{"alg":"RS256","crit":["b64"],"b64":false}"#), Err(JwsFault::Critical));
    assert_eq!(fate(r#"{"alg":"RS256","typ":1}"#), Err(JwsFault::Typ));
}

/// The order of P-256 (SEC 2 §2.4.2).
const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa,
    0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

#[test]
fn j8_degenerate_ecdsa_signatures_are_refused() {
    let input = format!("{}.{}", base64url_encode(br#"{"alg":"ES256"}"#), base64url_encode(CLAIMS));
    let with = |signature: &[u8]| answer(&format!("{input}.{}", base64url_encode(signature)));
    let good = EC.sign(input.as_bytes()).unwrap();
    let (r, s) = (&good[..32], &good[32..]);
    let (zero, one, all) = ([0; 32], [&[0; 31][..], &[1]].concat(), [0xff; 32]);
    for (r, s) in [
        (&zero[..], &zero[..]),
        (&zero, s),
        (r, &zero),
        (&ORDER, s),
        (r, &ORDER),
        (&ORDER, &ORDER),
        (&all, &all),
        (&one, &one),
        (s, r),
    ] {
        assert_eq!(with(&[r, s].concat()), Err(JwsFault::BadSignature), "{r:?} {s:?}");
    }
    let integer = |number: &[u8]| [&[0x02, 33, 0], number].concat();
    let asn1 = [&[0x30, 70][..], &integer(r), &integer(s)].concat();
    let padded = [&[0][..], r, &[0], s].concat();
    for signature in [&good[..63], &good[1..], &[&good[..], &[0]].concat(), &asn1, &padded, &[1]] {
        assert_eq!(with(signature), Err(JwsFault::BadSignature), "{} bytes", signature.len());
    }
    assert_eq!(with(&vec![7; 10_000]), Err(JwsFault::BadSignature));
    assert_eq!(with(&vec![7; 21_000]), Err(JwsFault::TooLarge));
    assert_eq!(with(&good).unwrap(), CLAIMS);
}

#[test]
fn j11_duplicate_header_members_are_refused() {
    for header in [
        r#"{"alg":"RS256","alg":"RS256"}"#,
        r#"{"alg":"none","alg":"RS256"}"#,
        r#"{"alg":"RS256","al\u0067":"none"}"#,
        r#"{"alg":"RS256","x":{"a":1,"a":1}}"#,
    ] {
        assert_eq!(fate(header), Err(JwsFault::Header(JsonFault::DuplicateMember)), "{header}");
    }
}

#[test]
fn j13_segments_have_one_spelling() {
    let header = base64url_encode(br#"{"alg":"RS256"}"#);
    let payload = base64url_encode(br#"{"a":"?>"}"#);
    let spelled = |header: &str, payload: &str| answer(&signed_input(&*RSA, &format!("{header}.{payload}")));
    for wrong in [
        format!("{header}="),
        format!(" {header}"),
        format!("{header}\n"),
        format!("{header}A"),
        "eyJhbGciOiJSUzI1NiJ+".to_owned(),
    ] {
        assert_eq!(spelled(&wrong, &payload), Err(JwsFault::Encoding(Segment::Header)), "{wrong:?}");
    }
    // "a" is YQ; YR has trailing bits that are not zero.
    for wrong in ["YQ==", "YR", "Y", "YQ ", "Y\nQ", "+/+/", "ÅÅ"] {
        assert_eq!(spelled(&header, wrong), Err(JwsFault::Encoding(Segment::Payload)), "{wrong:?}");
    }
    let token = signed_input(&*RSA, &format!("{header}.{payload}"));
    for wrong in [
        format!("{token}="),
        format!("{token}=="),
        format!("{token}\n"),
        format!("{token} "),
        format!("{}+", &token[..token.len() - 1]),
    ] {
        assert_eq!(answer(&wrong), Err(JwsFault::Encoding(Segment::Signature)), "{wrong:?}");
    }
    assert!(answer(&token).is_ok());
}

#[test]
fn j14_only_three_segments_are_a_token() {
    let token = signed(&*RSA, r#"{"alg":"RS256"}"#);
    let (input, signature) = token.rsplit_once('.').unwrap();
    for text in
        ["", ".", "a", input, &format!("{token}.{signature}"), &format!("{token}.a.b"), &format!(".{token}")]
    {
        assert_eq!(answer(text), Err(JwsFault::NotThreeSegments), "{text}");
    }
    assert_eq!(answer(&format!("{token}.")), Err(JwsFault::NotThreeSegments));
    for text in ["..", &format!("{input}.")] {
        assert_eq!(answer(text), Err(JwsFault::NoSignature), "{text}");
    }
    assert_eq!(answer("..AA"), Err(JwsFault::Header(JsonFault::NotJson)));
    for header in ["[]", "null", "\"RS256\""] {
        assert_eq!(fate(header), Err(JwsFault::Header(JsonFault::NotAnObject)), "{header}");
    }
}

#[test]
fn j17_size_comes_before_decoding_and_nesting_ends() {
    assert_eq!(answer(&"a".repeat(64 * 1024)), Err(JwsFault::TooLarge));
    assert_eq!(answer(&".".repeat(MAX_TOKEN + 1)), Err(JwsFault::TooLarge));
    assert_eq!(answer(&"=".repeat(MAX_TOKEN + 1)), Err(JwsFault::TooLarge));
    let deep = format!(r#"{{"alg":"RS256","x":{}{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
    assert_eq!(fate(&deep), Err(JwsFault::TooLarge));
    // 10,000 levels that fit into the size: a recursive reader would still go down.
    let open = format!(r#"{{"x":{}"#, "[".repeat(10_000));
    assert_eq!(fate(&open), Err(JwsFault::Header(JsonFault::TooDeep)));
    let seventeen = format!(r#"{{"alg":"RS256","x":{}{}}}"#, "[".repeat(16), "]".repeat(16));
    assert_eq!(fate(&seventeen), Err(JwsFault::Header(JsonFault::TooDeep)));
    let sixteen = format!(r#"{{"alg":"RS256","x":{}{}}}"#, "[".repeat(15), "]".repeat(15));
    assert!(fate(&sixteen).is_ok());
}

#[test]
fn j18_every_flipped_bit_is_refused() {
    let tokens = [
        jws::sign(&*RSA, &Header { typ: Some("JWT"), x5c: &[] }, CLAIMS).unwrap(),
        jws::sign(&*EC, &Header::default(), CLAIMS).unwrap(),
    ];
    for token in tokens {
        assert_eq!(answer(&token).unwrap(), CLAIMS);
        for at in 0..token.len() {
            for bit in 0..8 {
                let mut changed = token.clone().into_bytes();
                changed[at] ^= 1 << bit;
                // What is no longer text does not reach the parser.
                if let Ok(changed) = String::from_utf8(changed) {
                    assert!(answer(&changed).is_err(), "character {at}, bit {bit}");
                }
            }
        }
    }
}

#[test]
fn another_key_of_the_same_kind_is_refused() {
    let token = jws::sign(&*RSA, &Header::default(), CLAIMS).unwrap();
    let stranger = VerifyingKey::from_rsa_key(&RsaKey::generate().unwrap()).with_kid(RSA.kid());
    assert_eq!(stranger.kid(), RSA.kid());
    assert_eq!(verify(&Compact::parse(&token).unwrap(), &stranger), Err(JwsFault::BadSignature));
}

#[test]
fn a_head_of_another_key_signs_nothing() {
    let head = Head::new(&*RSA, &Header::default());
    assert_eq!(sign_with_head(&head, &*EC, CLAIMS), Err(SigningFailed::HeadOfAnotherKey));
    let other = RsaKey::generate().unwrap();
    assert_eq!(sign_with_head(&head, &other, CLAIMS), Err(SigningFailed::HeadOfAnotherKey));
    assert_eq!(sign_with_head(&head, &*RSA, CLAIMS), jws::sign(&*RSA, &Header::default(), CLAIMS));
}

#[test]
fn a_header_always_names_its_key() {
    let chain = [vec![1, 2, 3], vec![0xff]];
    let token = jws::sign(&*RSA, &Header { typ: Some("at+jwt"), x5c: &chain }, CLAIMS).unwrap();
    let compact = Compact::parse(&token).unwrap();
    assert_eq!((compact.alg(), compact.kid()), (Alg::Rs256, Some(RSA.kid())));
    assert_eq!(compact.header().get("x5c").unwrap(), &serde_json::json!(["AQID", "/w=="]));
    let plain = jws::sign(&*RSA, &Header::default(), CLAIMS).unwrap();
    let members: Vec<_> = Compact::parse(&plain).unwrap().header().keys().cloned().collect();
    assert_eq!(members, ["alg", "kid"]);
}

#[test]
fn rfc7515_s4_1_9_typ_is_compared_as_a_media_type() {
    let typed = |typ: &str, expected: &str| {
        let token = signed(&*RSA, &format!(r#"{{"alg":"RS256","typ":"{typ}"}}"#));
        Compact::parse(&token).unwrap().is_typ(expected)
    };
    for typ in ["JWT", "", "at+jwt2", "text/at+jwt", "application/", "application/x/at+jwt", "ål+jwt"] {
        assert!(!typed(typ, "at+jwt"), "{typ}");
    }
    for typ in ["at+jwt", "AT+JWT", "application/at+jwt", "Application/At+Jwt"] {
        assert!(typed(typ, "at+jwt"), "{typ}");
    }
    assert!(!Compact::parse(&signed(&*RSA, r#"{"alg":"RS256"}"#)).unwrap().is_typ("JWT"));
}

#[test]
fn debug_shows_no_payload() {
    let token = signed(&*RSA, r#"{"alg":"RS256"}"#);
    assert_eq!(format!("{:?}", Compact::parse(&token).unwrap()), "Compact(RS256, ***)");
}

proptest! {
    #[test]
    fn arbitrary_text_never_panics_and_never_verifies(text in "\\PC{0,80}|[A-Za-z0-9_.=-]{0,200}") {
        prop_assert!(answer(&text).is_err());
    }

    #[test]
    fn arbitrary_headers_never_panic(header: Vec<u8>, payload: Vec<u8>) {
        let token = format!("{}.{}.AA", base64url_encode(&header), base64url_encode(&payload));
        prop_assert!(answer(&token).is_err());
    }

    #[test]
    fn what_is_signed_verifies(payload in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let token = jws::sign(&*EC, &Header::default(), &payload).unwrap();
        prop_assert_eq!(answer(&token).unwrap(), payload);
    }
}
