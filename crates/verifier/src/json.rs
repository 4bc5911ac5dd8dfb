//! JSON objects, read so that nothing is lost or chosen: members in order, none of them twice, whole numbers told from others.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::fault::{Fault, Part, Wrong};

/// A JSON value. A claim may name a person: no `Debug`.
pub(crate) enum Json {
    Text(String),
    /// A number without fraction or exponent that fits.
    Whole(i64),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
    /// `null`, a truth value, or any other number: no member of ours is one.
    Other,
}

/// The members of an object, which are taken out one by one: what is left at the end is nowhere documented.
pub(crate) struct Members {
    part: Part,
    members: Vec<(String, Json)>,
}

impl Members {
    /// The object that `bytes` are.
    pub(crate) fn parse(part: Part, bytes: &[u8]) -> Result<Self, Fault> {
        match serde_json::from_slice(bytes) {
            Ok(Json::Object(members)) => Ok(Self { part, members }),
            Ok(_) | Err(_) => Err(Fault::NotAnObject(part)),
        }
    }

    /// The object that a member is.
    pub(crate) fn inside(part: Part, member: &'static str, value: Json) -> Result<Self, Fault> {
        let Json::Object(members) = value else { return Err(Fault::member(part, member, Wrong::Type)) };
        Ok(Self { part, members })
    }

    pub(crate) fn part(&self) -> Part {
        self.part
    }

    /// The members that were not taken yet.
    pub(crate) fn left(&self) -> &[(String, Json)] {
        &self.members
    }

    /// Takes a member out, if it is there.
    pub(crate) fn take(&mut self, member: &str) -> Option<Json> {
        let at = self.members.iter().position(|(name, _)| name == member)?;
        Some(self.members.remove(at).1)
    }

    /// Takes a string out, if the member is there.
    pub(crate) fn text_if_any(&mut self, member: &'static str) -> Result<Option<String>, Fault> {
        match self.take(member) {
            None => Ok(None),
            Some(Json::Text(text)) => Ok(Some(text)),
            Some(_) => Err(self.wrong(member, Wrong::Type)),
        }
    }

    /// Takes a string out.
    pub(crate) fn text(&mut self, member: &'static str) -> Result<String, Fault> {
        self.text_if_any(member)?.ok_or_else(|| self.wrong(member, Wrong::Missing))
    }

    /// Takes a string out that must be this one.
    pub(crate) fn exactly(&mut self, member: &'static str, expected: &str) -> Result<(), Fault> {
        if self.text(member)? == expected { Ok(()) } else { Err(self.wrong(member, Wrong::Value)) }
    }

    /// Takes a whole number out, if the member is there.
    pub(crate) fn whole_if_any(&mut self, member: &'static str) -> Result<Option<i64>, Fault> {
        match self.take(member) {
            None => Ok(None),
            Some(Json::Whole(number)) => Ok(Some(number)),
            Some(_) => Err(self.wrong(member, Wrong::Type)),
        }
    }

    /// Takes a whole number out.
    pub(crate) fn whole(&mut self, member: &'static str) -> Result<i64, Fault> {
        self.whole_if_any(member)?.ok_or_else(|| self.wrong(member, Wrong::Missing))
    }

    /// Takes out a list of strings, if the member is there.
    pub(crate) fn texts_if_any(&mut self, member: &'static str) -> Result<Option<Vec<String>>, Fault> {
        let Some(value) = self.take(member) else { return Ok(None) };
        let Json::List(values) = value else { return Err(self.wrong(member, Wrong::Type)) };
        let text = |value| if let Json::Text(text) = value { Some(text) } else { None };
        let texts: Option<Vec<String>> = values.into_iter().map(text).collect();
        texts.map(Some).ok_or_else(|| self.wrong(member, Wrong::Type))
    }

    /// Nothing may be left.
    pub(crate) fn end(self) -> Result<(), Fault> {
        match self.members.first() {
            None => Ok(()),
            Some((name, _)) => Err(Fault::undocumented(self.part, name)),
        }
    }

    pub(crate) fn wrong(&self, member: &'static str, wrong: Wrong) -> Fault {
        Fault::member(self.part, member, wrong)
    }
}

impl Json {
    /// Whether `text` stands anywhere in it.
    pub(crate) fn holds(&self, text: &str) -> bool {
        match self {
            Self::Text(found) => found.contains(text),
            Self::Whole(number) => number.to_string().contains(text),
            Self::List(values) => values.iter().any(|value| value.holds(text)),
            Self::Object(members) => {
                members.iter().any(|(name, value)| name.contains(text) || value.holds(text))
            }
            Self::Other => false,
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        reader.deserialize_any(Strict)
    }
}

struct Strict;

impl<'de> Visitor<'de> for Strict {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON with each member once")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Json, E> {
        Ok(Json::Text(text.to_owned()))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Json, E> {
        Ok(Json::Whole(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Json, E> {
        Ok(i64::try_from(number).map_or(Json::Other, Json::Whole))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_unit<E: Error>(self) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Json, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element()? {
            values.push(value);
        }
        Ok(Json::List(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Json, A::Error> {
        let mut members: Vec<(String, Json)> = Vec::new();
        while let Some((name, value)) = object.next_entry::<String, Json>()? {
            if members.iter().any(|(known, _)| *known == name) {
                return Err(A::Error::custom("a member twice"));
            }
            members.push((name, value));
        }
        Ok(Json::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_one_object_with_each_member_once_is_refused() {
        for text in [
            "",
            "[]",
            "1",
            "{",
            "{}{}",
            "{} x",
            "\u{feff}{}",
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"a":{"b":1,"b":2}}"#,
            r#"{"a":[{"b":1,"b":2}]}"#,
            r#"{"a":01}"#,
            r#"{"a":"\ud800"}"#,
            r#"{"a":1,}"#,
            "{'a':1}",
        ] {
            assert!(Members::parse(Part::IdToken, text.as_bytes()).is_err(), "{text}");
        }
        assert!(Members::parse(Part::IdToken, b"{\"a\":\"\xff\"}").is_err(), "not UTF-8");
        assert!(Members::parse(Part::IdToken, "[".repeat(10_000).as_bytes()).is_err(), "too deep");
        let mut members = Members::parse(Part::IdToken, br#" {"a":1,"b":{"a":2}} "#).unwrap();
        assert_eq!(members.whole("a"), Ok(1));
        assert!(members.end().is_err(), "b is left");
    }

    #[test]
    fn only_whole_numbers_that_fit_are_numbers() {
        for text in ["1.0", "1e3", "1E0", "-0", "9223372036854775808", "1.5", "true", "null", "\"1\"", "[1]"]
        {
            let mut members = Members::parse(Part::IdToken, format!("{{\"a\":{text}}}").as_bytes()).unwrap();
            assert_eq!(members.whole("a"), Err(Fault::member(Part::IdToken, "a", Wrong::Type)), "{text}");
        }
        let mut members = Members::parse(Part::IdToken, br#"{"a":9223372036854775807}"#).unwrap();
        assert_eq!(members.whole("a"), Ok(i64::MAX));
    }
}
