//! JSON objects read strictly, as signed and registered data must be.
//!
//! A general parser keeps the last of two members of one name, another keeps the first: what one of them checked is
//! then not what the other uses (RFC 8725 §2.4, RFC 7515 §4: "the Header Parameter names […] MUST be unique").

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde_json::{Deserializer, Map, Number, Value};

/// How deep objects and arrays may nest, the outermost object counted. Claims in use need four or five.
pub const MAX_NESTING: usize = 16;

/// Why a text is no strict JSON object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JsonFault {
    /// Not JSON (RFC 8259) in UTF-8, or something follows it, or a number no `f64` can hold.
    #[error("not one JSON text")]
    NotJson,
    /// JSON, but not an object.
    #[error("not a JSON object")]
    NotAnObject,
    /// Two members of one object have one name, escapes resolved.
    #[error("an object has two members of one name")]
    DuplicateMember,
    /// Nested deeper than [`MAX_NESTING`].
    #[error("nested deeper than {MAX_NESTING} levels")]
    TooDeep,
}

/// Reads one JSON object, whole. The caller bounds the size.
///
/// # Errors
/// Each [`JsonFault`], the first that is met.
pub fn parse_object(text: &[u8]) -> Result<Map<String, Value>, JsonFault> {
    let fault = Cell::new(JsonFault::NotJson);
    let mut deserializer = Deserializer::from_slice(text);
    let value = Strict { depth: 1, fault: &fault }.deserialize(&mut deserializer).map_err(|_| fault.get())?;
    deserializer.end().map_err(|_| JsonFault::NotJson)?;
    match value {
        Value::Object(object) => Ok(object),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Err(JsonFault::NotAnObject)
        }
    }
}

/// Builds a [`Value`] at `depth`, leaving in `fault` what stopped it: serde's own errors are only text.
#[derive(Clone, Copy)]
struct Strict<'f> {
    depth: usize,
    fault: &'f Cell<JsonFault>,
}

impl<'f> Strict<'f> {
    /// The seed for the members of the container being entered.
    fn enter<E: serde::de::Error>(self) -> Result<Strict<'f>, E> {
        if self.depth > MAX_NESTING {
            return Err(self.stop(JsonFault::TooDeep));
        }
        Ok(Strict { depth: self.depth + 1, ..self })
    }

    fn stop<E: serde::de::Error>(self, fault: JsonFault) -> E {
        self.fault.set(fault);
        E::custom(fault)
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("not finite"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Value, A::Error> {
        let inner = self.enter()?;
        let mut values = Vec::new();
        while let Some(value) = sequence.next_element_seed(inner)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let inner = self.enter()?;
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if object.contains_key(&name) {
                return Err(self.stop(JsonFault::DuplicateMember));
            }
            let value = members.next_value_seed(inner)?;
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fault(text: &str) -> JsonFault {
        parse_object(text.as_bytes()).unwrap_err()
    }

    #[test]
    fn rfc7515_s4_duplicate_members_are_refused_at_any_depth() {
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"b":2,"a":3}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"x":{"a":1,"a":2}}"#,
            r#"{"x":[{"a":null,"a":null}]}"#,
        ] {
            assert_eq!(fault(text), JsonFault::DuplicateMember, "{text}");
        }
        assert!(parse_object(br#"{"a":{"a":1},"b":[{"a":1},{"a":1}]}"#).is_ok());
    }

    fn nested(levels: usize) -> String {
        // The outermost object is one level, each array another.
        format!("{{\"a\":{}{}}}", "[".repeat(levels - 1), "]".repeat(levels - 1))
    }

    #[test]
    fn nesting_ends_at_sixteen_levels() {
        assert_eq!(fault(&nested(17)), JsonFault::TooDeep);
        assert_eq!(fault(&nested(10_000)), JsonFault::TooDeep);
        assert_eq!(fault(&"{\"a\":".repeat(10_000)), JsonFault::TooDeep);
        assert_eq!(fault(&"[".repeat(10_000)), JsonFault::TooDeep);
        assert!(parse_object(nested(16).as_bytes()).is_ok());
    }

    #[test]
    fn anything_but_one_object_is_refused() {
        for text in ["[]", "null", "1", "true", "\"{}\""] {
            assert_eq!(fault(text), JsonFault::NotAnObject, "{text}");
        }
        let broken = [
            "",
            " ",
            "{",
            "{}{}",
            "{} x",
            "{'a':1}",
            "{a:1}",
            "{\"a\":1,}",
            "{\"a\":01}",
            "{\"a\":1e400}",
            "{\"a\":NaN}",
            "{\"a\":\"\\ud800\"}",
            "{\"a\":\"\n\"}",
            "\u{feff}{}",
            "{\"a\":1 /**/}",
        ];
        for text in broken {
            assert_eq!(fault(text), JsonFault::NotJson, "{text:?}");
        }
        assert_eq!(parse_object(b"{\"a\":\"\xff\"}"), Err(JsonFault::NotJson));
        assert!(parse_object(b" {} \n").unwrap().is_empty());
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
            let _ = parse_object(&bytes);
        }

        #[test]
        fn what_serde_writes_reads_back_equal(
            members in proptest::collection::btree_map(".*", any::<i64>(), 0..8),
            flag: Option<bool>,
            real in -1e300..1e300_f64,
        ) {
            let value = serde_json::json!({ "members": members, "flag": flag, "list": [real, u64::MAX, "å"] });
            let read = parse_object(value.to_string().as_bytes()).unwrap();
            prop_assert_eq!(Value::Object(read), serde_json::from_str::<Value>(&value.to_string()).unwrap());
        }
    }
}
