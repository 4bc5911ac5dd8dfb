//! The examples of RFC 7515 Appendix A: what other implementations sign, we verify, and the other way round.
#![expect(clippy::unwrap_used, reason = "a vector that cannot be read fails its test")]

use portvakt_crypto::encoding::{base64_encode, base64url_decode, base64url_encode};
use portvakt_crypto::jwk::{EcPublicJwk, RsaPublicJwk};
use portvakt_crypto::jws::{Compact, JwsFault, VerifyingKey, verify};
use portvakt_crypto::signing::{EcKey, RsaKey, Signer};

/// §A.2.1: n, e, d, p, q, dp, dq, qi.
const A2_KEY: [&str; 8] = [
    "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ",
    "AQAB",
    "Eq5xpGnNCivDflJsRQBXHx1hdR1k6Ulwe2JZD50LpXyWPEAeP88vLNO97IjlA7_GQ5sLKMgvfTeXZx9SE-7YwVol2NXOoAJe46sui395IW_GO-pWJ1O0BkTGoVEn2bKVRUCgu-GjBVaYLU6f3l9kJfFNS3E0QbVdxzubSu3Mkqzjkn439X0M_V51gfpRLI9JYanrC4D4qAdGcopV_0ZHHzQlBjudU2QvXt4ehNYTCBr6XCLQUShb1juUO1ZdiYoFaFQT5Tw8bGUl_x_jTj3ccPDVZFD9pIuhLhBOneufuBiB4cS98l2SR_RQyGWSeWjnczT0QU91p1DhOVRuOopznQ",
    "4BzEEOtIpmVdVEZNCqS7baC4crd0pqnRH_5IB3jw3bcxGn6QLvnEtfdUdiYrqBdss1l58BQ3KhooKeQTa9AB0Hw_Py5PJdTJNPY8cQn7ouZ2KKDcmnPGBY5t7yLc1QlQ5xHdwW1VhvKn-nXqhJTBgIPgtldC-KDV5z-y2XDwGUc",
    "uQPEfgmVtjL0Uyyx88GZFF1fOunH3-7cepKmtH4pxhtCoHqpWmT8YAmZxaewHgHAjLYsp1ZSe7zFYHj7C6ul7TjeLQeZD_YwD66t62wDmpe_HlB-TnBA-njbglfIsRLtXlnDzQkv5dTltRJ11BKBBypeeF6689rjcJIDEz9RWdc",
    "BwKfV3Akq5_MFZDFZCnW-wzl-CCo83WoZvnLQwCTeDv8uzluRSnm71I3QCLdhrqE2e9YkxvuxdBfpT_PI7Yz-FOKnu1R6HsJeDCjn12Sk3vmAktV2zb34MCdy7cpdTh_YVr7tss2u6vneTwrA86rZtu5Mbr1C1XsmvkxHQAdYo0",
    "h_96-mK1R_7glhsum81dZxjTnYynPbZpHziZjeeHcXYsXaaMwkOlODsWa7I9xXDoRwbKgB719rrmI2oKr6N3Do9U0ajaHF-NKJnwgjMd2w9cjz3_-kyNlxAr2v4IKhGNpmM5iIgOS1VZnOZ68m6_pbLBSp3nssTdlqvd0tIiTHU",
    "IYd7DHOhrWvxkwPQsRM2tOgrjbcrfvtQJipd-DlcxyVuuM9sQLdgjVk2oy26F0EmpScGLq2MowX7fhd_QJQ3ydy5cY7YIBi87w93IKLEdfnbJtoOPLUW0ITrJReOgo1cq9SbsxYawBgfp_gh6A5603k2-ZQwVK0JKSHuLFkuQ3U",
];

const A2_SIGNING_INPUT: &str = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
const A2_SIGNATURE: &str = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";

/// §A.3.
const A3_TOKEN: &str = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
const A3_KEY: &str = r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;

/// The payload of every example, line ends and all.
const PAYLOAD: &[u8] = b"{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}";

fn a2_public() -> VerifyingKey {
    let jwk = format!(r#"{{"kty":"RSA","n":"{}","e":"{}"}}"#, A2_KEY[0], A2_KEY[1]);
    VerifyingKey::from_rsa_jwk(&RsaPublicJwk::parse(jwk.as_bytes()).unwrap())
}

fn a3_public() -> VerifyingKey {
    VerifyingKey::from_ec_jwk(&EcPublicJwk::parse(A3_KEY.as_bytes()).unwrap())
}

/// One DER element: tag, length, content (ITU-T X.690 §8.1).
fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    let head = match content.len() {
        0..=127 => vec![tag, length[1]],
        128..=255 => vec![tag, 0x81, length[1]],
        _ => vec![tag, 0x82, length[0], length[1]],
    };
    [head, content.to_vec()].concat()
}

/// The private key of §A.2 as the PEM an operator would bring: PKCS#1 (RFC 8017 §A.1.2).
fn a2_private() -> RsaKey {
    let integers = A2_KEY.iter().map(|number| {
        let number = base64url_decode(number).unwrap();
        let sign = if number.first().is_some_and(|top| *top > 0x7f) { vec![0] } else { vec![] };
        der(0x02, &[sign, number].concat())
    });
    let members: Vec<u8> = std::iter::once(der(0x02, &[0])).chain(integers).flatten().collect();
    let base64 = base64_encode(&der(0x30, &members));
    RsaKey::from_pem(&format!("-----BEGIN RSA PRIVATE KEY-----\n{base64}\n-----END RSA PRIVATE KEY-----\n"))
        .unwrap()
}

#[test]
fn a1_a_mac_is_refused_before_its_key_matters() {
    let token = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    assert_eq!(Compact::parse(token).unwrap_err(), JwsFault::AlgUnknown);
}

#[test]
fn a2_rs256_verifies() {
    let token = format!("{A2_SIGNING_INPUT}.{A2_SIGNATURE}");
    let compact = Compact::parse(&token).unwrap();
    assert_eq!(verify(&compact, &a3_public()), Err(JwsFault::AlgMismatch));
    assert_eq!(verify(&compact, &a2_public()).unwrap(), PAYLOAD);
    assert_eq!(compact.kid(), None);
}

#[test]
fn a2_rs256_signs_the_same_bytes() {
    let key = a2_private();
    assert_eq!(key.kid(), a2_public().kid());
    assert_eq!(base64url_encode(&key.sign(A2_SIGNING_INPUT.as_bytes()).unwrap()), A2_SIGNATURE);
}

#[test]
fn a3_es256_verifies() {
    let compact = Compact::parse(A3_TOKEN).unwrap();
    assert_eq!(verify(&compact, &a2_public()), Err(JwsFault::AlgMismatch));
    let stranger = VerifyingKey::from_ec_key(&EcKey::generate().unwrap());
    assert_eq!(verify(&compact, &stranger), Err(JwsFault::BadSignature));
    assert_eq!(verify(&compact, &a3_public()).unwrap(), PAYLOAD);
}

#[test]
fn a5_an_unsecured_token_is_refused() {
    let token = "eyJhbGciOiJub25lIn0.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.";
    assert_eq!(Compact::parse(token).unwrap_err(), JwsFault::NoSignature);
}

#[test]
fn a6_the_json_serialisation_is_refused() {
    let token =
        r#"{"payload":"eyJpc3MiOiJqb2UifQ","protected":"eyJhbGciOiJFUzI1NiJ9","signature":"DtEhU3lj"}"#;
    assert_eq!(Compact::parse(token).unwrap_err(), JwsFault::NotThreeSegments);
}
