//! What signs in these tests: another library than ours, with keys that openssl made for them and that sign nothing else.

use std::sync::LazyLock;

use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use jsonwebtoken::{Algorithm, EncodingKey};
use portvakt_verifier::Keys;
use rsa::RsaPrivateKey;
use rsa::pkcs1::DecodeRsaPrivateKey;
use rsa::traits::PublicKeyParts;
use serde_json::{Value, json};

/// A key pair and its name.
pub(crate) struct Pair {
    pub(crate) kid: &'static str,
    der: Vec<u8>,
}

/// The published key.
pub(crate) fn published() -> Pair {
    Pair { kid: "published", der: Base64::decode_vec(PUBLISHED).unwrap() }
}

/// A key that nobody published.
pub(crate) fn stray() -> Pair {
    Pair { kid: "stray", der: Base64::decode_vec(STRAY).unwrap() }
}

impl Pair {
    /// The key as it is published.
    pub(crate) fn jwk(&self) -> Value {
        let key = RsaPrivateKey::from_pkcs1_der(&self.der).unwrap();
        let text = |number: &rsa::BigUint| Base64UrlUnpadded::encode_string(&number.to_bytes_be());
        json!({
            "kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.kid, "n": text(key.n()), "e": text(key.e()),
            "x5c": self.chain(),
        })
    }

    /// A certificate, as far as the verifier looks: DER that holds the modulus.
    pub(crate) fn chain(&self) -> Vec<String> {
        let modulus = RsaPrivateKey::from_pkcs1_der(&self.der).unwrap().n().to_bytes_be();
        vec![Base64::encode_string(&[b"0\x82 certificate of ".as_slice(), &modulus, b" by itself"].concat())]
    }

    /// A compact JWS of these texts, whatever they are.
    pub(crate) fn signs(&self, header: &str, payload: &str) -> String {
        self.signs_with(Algorithm::RS256, header, payload)
    }

    /// The same with another algorithm.
    pub(crate) fn signs_with(&self, algorithm: Algorithm, header: &str, payload: &str) -> String {
        let segment = |text: &str| Base64UrlUnpadded::encode_string(text.as_bytes());
        let input = format!("{}.{}", segment(header), segment(payload));
        let key = EncodingKey::from_rsa_der(&self.der);
        let signature = jsonwebtoken::crypto::sign(input.as_bytes(), &key, algorithm).unwrap();
        format!("{input}.{signature}")
    }
}

/// A JWK Set of these.
pub(crate) fn jwk_set(keys: &[Value]) -> Vec<u8> {
    json!({ "keys": keys }).to_string().into_bytes()
}

/// The verifier's view of the published key.
pub(crate) fn keys() -> &'static Keys {
    static KEYS: LazyLock<Keys> = LazyLock::new(|| Keys::parse(&jwk_set(&[published().jwk()])).unwrap());
    &KEYS
}

/// What the published key signs under the header that is documented.
pub(crate) fn signed(claims: &Value) -> String {
    published().signs(r#"{"alg":"RS256","kid":"published"}"#, &claims.to_string())
}

const PUBLISHED: &str = concat!(
    "MIIEogIBAAKCAQEAq/O/motaEMtYBJQx633GTK3B1ImvEb2CZ+f1xLLFgOzRRJR2gTv0qoNG4vJIUdPdDyGQHYJdfGbwarpsbTGzpiUMYMx0in",
    "WvP5p9UUAqZd16n8/d3lyBe0yKq33vbcEKi4XDoWEigkDA0G03a6WBhPZzddt9XTARQPiA9qx6sebeRjOLgF08/c0jZT+6jYBTHc1UPTJ3M5t0",
    "eZ1qZJ8p2Fpuapt7bFGW/nq/VyiAvqyJy+jNYSmDYix38sAyewo5aWa58ZoAt8Y4Y+SlherFcftWkYipUP2K0uSDcQGF9pBoFbC2N+zAY1qusA",
    "15jMXfFiMa/WeHVKiMoBMkId5h6QIDAQABAoIBAACatbSvArJbv0PHhY65/XAYOD3X/LPc7Pq9LPbzreVbGmKEUbpN4flAxtyrVKe89+JCuu/v",
    "nQZ/53O96KhQQWe3FPO4zua3AoEAY6pdGwkKneYL4/q7wSoUGx9T16XqGhsNbaJBO3l7uBxuFdYcryIu1ORi0MOlae9xhXqDIVdDYqRHQPWJbO",
    "LjzJqHQ1ru5OzLtOYuMRJItuZiqLYkdSug1gLifqN2oUxwjGDaoSpSyjspBFj6Ej586YkpnXKObcr6AQu/I+ZeHG8gE0m9WLt6GBjPw/EQHNfe",
    "B+gKx3aXA3jkiegXRnJ5hH18CbUu7t+TLKapNQDxK2oUFPMqxoECgYEA6TSc8YXsgrM8tnhkleIIVS29F6lvRmvZvfUvPVRY5Z+S0MOKy4wj7H",
    "0EexbNSXVcYlmLfnbRls/+LnODTv0tsa1MN0s23FKZw2KGODZMCoMDccAlvs1zZcnd+aF3caz5seFjFZbq0yJrC4SXhAEr8urw+JR9cYdHwotN",
    "hW4XqLECgYEAvMJsGmVzl3yOw/5qpb+RV5FClxlnZxUN06yPyCTVSypS8g+37ohyeAsUStffdHesKD44zryt//SN2Aw44FZblhpuNpvOmmIymu",
    "behffaOReLE5pWmBaPEK5mAKci5TJ1q5CKPQL7Zq2GdfgeUBEAe1lz1A0xlu7mIrhXjn67mrkCgYBeLCnoen1stjahNPLhd9qHkyXWBUzzMiBG",
    "zlkaOhJ//7WI6j4FPn1PRZjmn+mcbXE2IhTrp82xSiLJ3Um8Pw8RvfqWJaBszkpblVDAKGUCpa9hYwebClo8U414/hQ+6mwWwf6CPGRtiGuTxi",
    "JtYw+9U9SlfUk+7DM1Q421gSS6sQKBgBpNTRrwgAbfyFTvIpUt+GanSwwa8hmfCWoxZWeSGlZ680vffNW0FZ88i/tR0UU9V7PT176W8/fyb8Fn",
    "EpXP8rsbu7fIRiWlAUAsY11vh+zkpvB4VRCkNBMy+eulXmtpeJQLc/fEbpuEGnRdunuVoueNM2Kc5AgQCelUnn6wkhuhAoGAacH4I8yjhGEvL7",
    "taazn9iu7jrrLJNoQTOO3/d8qAjSnnNV5cCWl7u+6l+k0aU2GVyXGtBwqspmxq4Ikw3lz7lq6qV+uoUfv+2PnPp9s2HAR/o7uihd/xQSewSv0V",
    "Pt8mVNdReYeJZep39Ny9DafUAnMWC9m3W5fXmsd09nDY2tA=",
);

const STRAY: &str = concat!(
    "MIIEpAIBAAKCAQEAvB4dg4PvYeMx1WGtWVaYoD7428v7ymENr41Ux9nNr+Hxiur2NwVTGJfKXzu6rjFMHC1qrXTH/5s2ytjlE4lnvDE4KDif/Y",
    "ENKe7hAIiGwMYIWW/CjoD/wTkhGbO0B9W/fBbSkaeuuQWzL4E++I1T0dFJT398kImJY5NoVFcWBvOG2exlWEckLezvfoFlkc1n7wkK+vhLg6TH",
    "6Zr8m23g2sVjarZRswXBu7axoQGoK8BM8vyZwqrQoxhsSuYTqfFFjvFKtGwfNYcakVrR1Rse7cfv00M5GRb4rawql31XKQ3aMcINw1Guui1KZ7",
    "vb0lFYLYdmtZdojnWTX/Gr0RSG7wIDAQABAoIBAAO6dKK5zGcxBMleq/watlUHPqcx8SUiiGGfkqhY/xGCNwjSnDzwGZ8ZZanPUEQESml2je2v",
    "EMZhk0uJ3dquKZgaXQRqA2k4+AOrYEmsRBPKfo0K4kmKAlLEuaMnfI7MrGNAEByf/6lbO9i4o86fVp4kBLapXD6LzbixWoFcuUbtvZfxcvTPIZ",
    "ZS94XYfwVKDIllcgVUjWHEWBgmNEXgQBm4/xFCaEufsp4vryJ9HmhoHzh/+OcUTl+AJVsfJbChXdP/gkrjSwqXL8Mo4bWYxYMZ8otQ2uWBviVa",
    "YGH7rbIRiIJWs3QPcKjMI2JQHDjDc8oALtTutW84zKc8CypMD7kCgYEA+ykAYxwaTJnwHkiD8mt4ek3HCV9RzX71ddkQbgzBwjvGaDQttFRuWu",
    "Td3hNAGPla8tS5s67EzztPv0/QQQ4jTVfCyp+tPOFXEkOUpYtklVWwo6nlPCKkUijKsXWK7wJik9dyWhq3R8fq3zlq0sl9li7oeaEk0wVb+qcJ",
    "W+ER2HkCgYEAv74eXkKRUsXtOczoHhHvrME+7vVjufydgcH4uG+tY2GXc4Z8GxPYA0iwYphRrdkblJ4O7tnZJfPW0ULqcJUcBqAn/qaqi9ZbDq",
    "quysZggLugdh6/lEmRMfjgmYsPwV4WhRvUoR1kX3y3opCJodbcOgUAdZGHOlFDpPpklct+0KcCgYBiQuBL5irD3VX8AxLcPP+dmeBM4mX2p70Q",
    "piOvan5Dp28wRXm8G2wxU2kaAR4Kp0PVzTP6AF4vVV0V0/v997IICFXFQENeliqikp4NRkPLyQKahVWR+VugaSUj2IDKkXxPqvKqHdmm06goPS",
    "Z14S6pGyEItOrbRDWAEumucJeywQKBgQCYo/Tw/PVLe51aQjEWnxi54i0Ddf4p9Vw+C/jAescBMpOquAjcVXPFSXyBQNjlGMzIBvvEUVB40iDU",
    "/fw8G7fv3ld4dZ2XLNHYXzA+5KW2Vadr4RaKKfaYXZQPJ5EnUouC86DVkdxx14sosv+eArnWxlyTO4L3ffHnyB2C0jjmSQKBgQDXsbml2Ux+in",
    "QUEN8z0/H7wjmKufhaaSkcKAn1SBK5ps/L17iESFgDWNob0eRAgUpz+K6InzvPuHvnhggcwKzZTzn9GuJ66HSpVRY9fD+99kRIPI8otp8OiFIF",
    "9Ek91tbr+TYw5QyJsxobyOOevHy/P0X05XxTgmOldayhbEqTGQ==",
);
