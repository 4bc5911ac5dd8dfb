//! What stands in a JWT (RFC 7519 §3), before anybody has verified it: for showing it, and for checks made by hand.

use data_encoding::BASE64URL_NOPAD;
use serde_json::Value;

/// A member of an object; `null` where there is none.
pub(crate) fn member<'a>(object: &'a Value, name: &str) -> &'a Value {
    object.get(name).unwrap_or(&Value::Null)
}

/// The header (0) or the claims (1) of a JWT, unverified.
pub(crate) fn part(token: &str, place: usize) -> Option<Value> {
    let parts: Vec<&str> = token.split('.').collect();
    if parts.len() != 3 {
        return None;
    }
    let bytes = BASE64URL_NOPAD.decode(parts.get(place)?.as_bytes()).ok()?;
    let value: Value = serde_json::from_slice(&bytes).ok()?;
    value.is_object().then_some(value)
}

/// The claims of a JWT, unverified.
pub(crate) fn claims(token: &str) -> Option<Value> {
    part(token, 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_jwt_has_no_parts() {
        for token in ["", "a", "a.b.c", "e30.e30", "e30.e30.x.y", "W10.W10.x"] {
            assert_eq!(claims(token), None, "{token}");
        }
        assert_eq!(claims("e30.e30.x"), Some(Value::Object(serde_json::Map::new())));
    }
}
