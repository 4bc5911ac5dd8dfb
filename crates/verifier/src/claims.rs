//! The claims of ID tokens and self-contained access tokens, each in the list that is documented, and no other.

use crate::compact;
use crate::expected::{AmrShape, Expected, Kind, Want};
use crate::fault::{Fault, Wrong};
use crate::json::{Json, Members};
use crate::jwk_set::Keys;

/// An ID token lives this long, in seconds.
const ID_TOKEN_LIFETIME: i64 = 120;

/// What `acr` can be: of the pilot, of today, and of today's other issuer.
const ACR: &[&str] = &[
    "Level3",
    "Level4",
    "idporten-loa-low",
    "idporten-loa-substantial",
    "idporten-loa-high",
    "eidas-loa-low",
    "eidas-loa-substantial",
    "eidas-loa-high",
    "selfregistered-email",
];

/// What `amr` can be.
const AMR: &[&str] = &[
    "Minid-PIN",
    "Minid-OTC",
    "Minid-APP",
    "Minid-TOTP",
    "Minid-WEBAUTHN",
    "BankID",
    "BankID-mobil",
    "BankID Mobil",
    "Buypass",
    "Commfides",
    "eIDAS",
    "Selfregistered-email",
    "TestID",
];

/// What `client_amr` can be.
const CLIENT_AMR: &[&str] = &[
    "none",
    "client_secret_basic",
    "client_secret_post",
    "private_key_jwt",
    "virksomhetssertifikat",
    "QCForESeal",
    "CForESeal",
];

/// What `locale` can be.
const LOCALES: &[&str] = &["nb", "nn", "en", "se"];

/// What tokens of one response have to agree in, or to differ in.
pub(crate) struct Judged {
    pub(crate) sub: String,
    pub(crate) jti: String,
    /// `exp` less `iat`.
    pub(crate) lifetime: i64,
}

/// Judges one token.
pub(crate) fn judge(keys: &Keys, kind: Kind, token: &str, expected: &Expected<'_>) -> Result<Judged, Fault> {
    let mut claims = compact::open(keys, kind, token, expected)?;
    nobody_else(&claims, expected)?;
    claims.exactly("iss", expected.issuer)?;
    let sub = wanted(&mut claims, "sub", expected.sub, is_subject)?;
    let sub = sub.ok_or_else(|| claims.wrong("sub", Wrong::Missing))?;
    pid(&mut claims, expected)?;
    wanted(&mut claims, "acr", expected.acr, |word| ACR.contains(&word))?;
    let jti = wanted(&mut claims, "jti", Want::Any, is_jti)?;
    let jti = jti.ok_or_else(|| claims.wrong("jti", Wrong::Missing))?;
    let (iat, exp) = (claims.whole("iat")?, claims.whole("exp")?);
    if !expected.issued.contains(&iat) {
        return Err(claims.wrong("iat", Wrong::Value));
    }
    let lifetime = exp.saturating_sub(iat);
    let right = match kind {
        Kind::IdToken => lifetime == ID_TOKEN_LIFETIME,
        Kind::AccessToken => expected.lifetime.map_or(lifetime > 0, |seconds| lifetime == i64::from(seconds)),
    };
    if !right {
        return Err(claims.wrong("exp", Wrong::Value));
    }
    match kind {
        Kind::IdToken => id_token(&mut claims, iat, expected)?,
        Kind::AccessToken => access_token(&mut claims, expected)?,
    }
    claims.end()?;
    Ok(Judged { sub, jti, lifetime })
}

fn id_token(claims: &mut Members, iat: i64, expected: &Expected<'_>) -> Result<(), Fault> {
    claims.exactly("aud", expected.client_id)?;
    amr(claims, expected)?;
    let auth_time = claims.whole("auth_time")?;
    if auth_time <= 0 || auth_time > iat || expected.auth_time.is_some_and(|known| known != auth_time) {
        return Err(claims.wrong("auth_time", Wrong::Value));
    }
    wanted(claims, "nonce", expected.nonce, |nonce| !nonce.is_empty())?;
    wanted(claims, "locale", expected.locale, |locale| LOCALES.contains(&locale))?;
    let not_empty = |text: &str| !text.is_empty();
    let client = wanted(claims, "client_onbehalfof", expected.onbehalfof, not_empty)?;
    let audience = wanted(claims, "aud_onbehalfof", expected.onbehalfof, not_empty)?;
    if client == audience { Ok(()) } else { Err(claims.wrong("aud_onbehalfof", Wrong::Value)) }
}

fn access_token(claims: &mut Members, expected: &Expected<'_>) -> Result<(), Fault> {
    claims.exactly("client_id", expected.client_id)?;
    claims.exactly("scope", expected.scope)?;
    wanted(claims, "client_amr", expected.client_amr, |word| CLIENT_AMR.contains(&word))?;
    wanted(claims, "aud", expected.access_token_aud, |audience| !audience.is_empty())?;
    organisation(claims, "consumer", expected.consumer)?;
    organisation(claims, "supplier", expected.supplier)
}

/// Takes a string out that is wanted, or not. It is given back if it is there.
pub(crate) fn wanted(
    members: &mut Members,
    member: &'static str,
    want: Want<'_>,
    is_shaped: impl Fn(&str) -> bool,
) -> Result<Option<String>, Fault> {
    let wrong = match (members.text_if_any(member)?, want) {
        (None, Want::Absent | Want::Open) => return Ok(None),
        (None, Want::Any | Want::Is(_)) => Wrong::Missing,
        (Some(_), Want::Absent) => Wrong::Unexpected,
        (Some(value), _) if !is_shaped(&value) => Wrong::Shape,
        (Some(value), want) if want.differs(&value) => Wrong::Value,
        (Some(value), Want::Any | Want::Is(_) | Want::Open) => return Ok(Some(value)),
    };
    Err(members.wrong(member, wrong))
}

/// `pid`: 11 digits, of the person that is known.
fn pid(claims: &mut Members, expected: &Expected<'_>) -> Result<(), Fault> {
    let is_pid = |text: &str| text.len() == 11 && text.bytes().all(|digit| digit.is_ascii_digit());
    let found = wanted(claims, "pid", expected.pid, is_pid)?;
    match (found, expected.person) {
        (Some(found), Some(person)) if found != person => Err(claims.wrong("pid", Wrong::Value)),
        _ => Ok(()),
    }
}

/// The person's number stands in no claim but `pid`, and in `nonce`, which is an echo.
fn nobody_else(claims: &Members, expected: &Expected<'_>) -> Result<(), Fault> {
    let Some(person) = expected.person else { return Ok(()) };
    for (name, value) in claims.left() {
        if name != "pid" && name != "nonce" && (name.contains(person) || value.holds(person)) {
            return Err(Fault::member(claims.part(), known_name(name), Wrong::NamesPerson));
        }
    }
    Ok(())
}

/// The name of a documented claim, so that a fault holds no text of the token.
fn known_name(name: &str) -> &'static str {
    const NAMES: &[&str] = &[
        "iss",
        "sub",
        "aud",
        "acr",
        "amr",
        "jti",
        "iat",
        "exp",
        "auth_time",
        "locale",
        "client_onbehalfof",
        "aud_onbehalfof",
        "client_id",
        "scope",
        "client_amr",
        "consumer",
        "supplier",
    ];
    NAMES.iter().find(|known| **known == name).copied().unwrap_or("a member that is not documented")
}

/// `amr`: a string, or an array of one.
fn amr(claims: &mut Members, expected: &Expected<'_>) -> Result<(), Fault> {
    let (shape, word) = match claims.take("amr") {
        None => return Err(claims.wrong("amr", Wrong::Missing)),
        Some(Json::Text(word)) => (AmrShape::String, word),
        Some(Json::List(words)) => match <[Json; 1]>::try_from(words) {
            Ok([Json::Text(word)]) => (AmrShape::Array, word),
            Ok(_) => return Err(claims.wrong("amr", Wrong::Type)),
            Err(_) => return Err(claims.wrong("amr", Wrong::Shape)),
        },
        Some(_) => return Err(claims.wrong("amr", Wrong::Type)),
    };
    if expected.amr_shape.is_some_and(|known| known != shape) {
        return Err(claims.wrong("amr", Wrong::Type));
    }
    if !AMR.contains(&word.as_str()) {
        return Err(claims.wrong("amr", Wrong::Shape));
    }
    if expected.amr.differs(&word) { Err(claims.wrong("amr", Wrong::Value)) } else { Ok(()) }
}

/// An organisation in ISO 6523: `{"authority":"iso6523-actorid-upis","ID":"0192:991825827"}`.
fn organisation(claims: &mut Members, member: &'static str, want: Want<'_>) -> Result<(), Fault> {
    let wrong = match (claims.take(member), want) {
        (None, Want::Absent | Want::Open) => return Ok(()),
        (None, Want::Any | Want::Is(_)) => Wrong::Missing,
        (Some(_), Want::Absent) => Wrong::Unexpected,
        (Some(value), Want::Any | Want::Is(_) | Want::Open) => {
            let mut object = Members::inside(claims.part(), member, value)?;
            let authority = object.text_if_any("authority")?;
            let id = object.text_if_any("ID")?.unwrap_or_default();
            let is_shaped = authority.as_deref() == Some("iso6523-actorid-upis") && is_organisation(&id);
            if !is_shaped {
                Wrong::Shape
            } else if want.differs(&id) {
                Wrong::Value
            } else {
                return object.end();
            }
        }
    };
    Err(claims.wrong(member, wrong))
}

/// `0192:` and an organisation number with its control digit (modulo 11, weights 3 2 7 6 5 4 3 2).
fn is_organisation(id: &str) -> bool {
    let Some(digits) = id.strip_prefix("0192:") else { return false };
    let digits: Option<Vec<u32>> = digits.chars().map(|sign| sign.to_digit(10)).collect();
    match digits {
        Some(digits) if digits.len() == 9 => {
            // With the control digit weighing 1, the sum leaves nothing.
            let weights = [3, 2, 7, 6, 5, 4, 3, 2, 1];
            digits.iter().zip(weights).map(|(digit, weight)| digit * weight).sum::<u32>() % 11 == 0
        }
        _ => false,
    }
}

/// 32 bytes in base64 with padding (pilot) or in base64url without.
fn is_subject(text: &str) -> bool {
    match text.len() {
        43 => text.bytes().all(|sign| sign.is_ascii_alphanumeric() || b"-_".contains(&sign)),
        44 => text.strip_suffix('=').is_some_and(|body| {
            body.bytes().all(|sign| sign.is_ascii_alphanumeric() || b"+/".contains(&sign))
        }),
        _ => false,
    }
}

/// A `jti` that nobody guesses or meets twice: 11 to 64 characters of base64 or base64url.
fn is_jti(text: &str) -> bool {
    let is_sign = |sign: u8| sign.is_ascii_alphanumeric() || b"-_+/=".contains(&sign);
    (11..=64).contains(&text.len()) && text.bytes().all(is_sign)
}
