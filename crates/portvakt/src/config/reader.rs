//! Reads the configuration's text key by key. It does not stop at the first mistake: whoever corrects a file wants all of them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::{Range, RangeInclusive};

use portvakt_protocol::registration::Shown;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::fault::{ConfigFault, Place};

/// The text being read, and what was found wrong in it.
pub(super) struct Page {
    /// The position of each line's end.
    ends: Vec<usize>,
    /// What was wrong until now.
    pub(super) faults: Vec<ConfigFault>,
}

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(super) struct At<T> {
    pub(super) value: T,
    pub(super) place: Place,
}

/// The keys of one table that have not been read yet.
pub(super) struct Keys<'d> {
    /// Where the table stands.
    pub(super) place: Place,
    left: BTreeMap<String, (Range<usize>, DeValue<'d>)>,
}

impl Page {
    /// Opens a text. What is no TOML is told by line and message, without the line itself, which may hold a secret.
    pub(super) fn open(text: &str) -> Result<(Self, Keys<'_>), Vec<ConfigFault>> {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at).collect();
        let mut page = Self { ends, faults: Vec::new() };
        let (document, mistakes) = DeTable::parse_recoverable(text);
        for mistake in &mistakes {
            let line = mistake.span().map(|span| page.line(&span));
            let place = Place { path: String::new(), line };
            page.refuse(&place, Shown::Absent, format!("must be TOML: {}", mistake.message()));
        }
        if page.faults.is_empty() {
            let top = Keys::new(Place { path: String::new(), line: None }, document.into_inner());
            Ok((page, top))
        } else {
            Err(page.faults)
        }
    }

    /// Notes a fault.
    pub(super) fn refuse(&mut self, place: &Place, value: Shown, rule: impl Into<String>) {
        self.faults.push(ConfigFault::new(place, value, rule));
    }

    fn line(&self, span: &Range<usize>) -> u32 {
        let before = self.ends.partition_point(|end| *end < span.start);
        u32::try_from(before).unwrap_or(u32::MAX).saturating_add(1)
    }
}

impl<'d> Keys<'d> {
    fn new(place: Place, table: DeTable<'d>) -> Self {
        let key = |(name, value): (Spanned<Cow<'d, str>>, Spanned<DeValue<'d>>)| {
            (name.get_ref().to_string(), (name.span(), value.into_inner()))
        };
        Self { place, left: table.into_iter().map(key).collect() }
    }

    /// Where the key `name` stands, or would.
    pub(super) fn place_of(&self, page: &Page, name: &str) -> Place {
        let path =
            if self.place.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.place.path) };
        let line = self.left.get(name).map(|(span, _)| page.line(span)).or(self.place.line);
        Place { path, line }
    }

    /// Takes a key, if `read` makes something of it.
    fn take<T>(
        &mut self,
        page: &mut Page,
        name: &str,
        rule: &str,
        read: impl FnOnce(DeValue<'d>) -> Result<T, DeValue<'d>>,
    ) -> Option<At<T>> {
        let place = self.place_of(page, name);
        #[cfg(test)]
        super::tests::asked(&place.path, self.left.contains_key(name));
        let (_, value) = self.left.remove(name)?;
        match read(value) {
            Ok(value) => Some(At { value, place }),
            Err(other) => {
                page.refuse(&place, withheld(&other), rule);
                None
            }
        }
    }

    /// A text, if it is there.
    pub(super) fn text(&mut self, page: &mut Page, name: &str) -> Option<At<String>> {
        self.take(page, name, "must be a text in quotes", text_of)
    }

    /// A text that must be there.
    pub(super) fn required(&mut self, page: &mut Page, name: &str) -> Option<At<String>> {
        if !self.left.contains_key(name) {
            let place = self.place_of(page, name);
            page.refuse(&place, Shown::Absent, "must be given");
        }
        self.text(page, name)
    }

    /// A text that `parse` makes something of. What it refuses is shown with its rule.
    pub(super) fn parsed<T>(
        &mut self,
        page: &mut Page,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<At<T>> {
        let At { value, place } = self.text(page, name)?;
        judged(page, &value, place, parse)
    }

    /// As [`Keys::parsed`], of a text that must be there.
    pub(super) fn required_parsed<T>(
        &mut self,
        page: &mut Page,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<At<T>> {
        let At { value, place } = self.required(page, name)?;
        judged(page, &value, place, parse)
    }

    /// `true` or `false`, if it is there.
    pub(super) fn boolean(&mut self, page: &mut Page, name: &str) -> Option<At<bool>> {
        self.take(page, name, "must be true or false", |value| value.as_bool().ok_or(value))
    }

    /// A whole number within these bounds, if it is there.
    pub(super) fn number(
        &mut self,
        page: &mut Page,
        name: &str,
        bounds: RangeInclusive<u32>,
    ) -> Option<At<u32>> {
        let rule = format!("must be a whole number from {} to {}", bounds.start(), bounds.end());
        self.take(page, name, &rule, |value| {
            let DeValue::Integer(number) = &value else { return Err(value) };
            let read = u32::from_str_radix(number.as_str(), number.radix()).ok();
            read.filter(|number| bounds.contains(number)).ok_or(value)
        })
    }

    /// A table, if it is there.
    pub(super) fn table(&mut self, page: &mut Page, name: &str) -> Option<Self> {
        let table = self.take(page, name, "must be a table", table_of)?;
        Some(Self::new(table.place, table.value))
    }

    /// An array of texts, if it is there.
    pub(super) fn texts(&mut self, page: &mut Page, name: &str) -> Vec<At<String>> {
        let mut texts = Vec::new();
        for At { value, place } in self.array(page, name, "must be an array of texts") {
            match text_of(value) {
                Ok(value) => texts.push(At { value, place }),
                Err(other) => page.refuse(&place, withheld(&other), "must be a text in quotes"),
            }
        }
        texts
    }

    /// An array of tables; empty if it is not there.
    pub(super) fn tables(&mut self, page: &mut Page, name: &str) -> Vec<Self> {
        let mut tables = Vec::new();
        let rule = format!("must be tables, each under the heading [[{name}]]");
        for At { value, place } in self.array(page, name, &rule) {
            match table_of(value) {
                Ok(table) => tables.push(Self::new(place, table)),
                Err(other) => page.refuse(&place, withheld(&other), &*rule),
            }
        }
        tables
    }

    /// Refuses what was not read: a key that nobody reads is a mistake in its name. Its value may be a secret's.
    pub(super) fn end(self, page: &mut Page) {
        let places: Vec<Place> = self.left.keys().map(|name| self.place_of(page, &plain(name))).collect();
        for (place, (span, value)) in places.into_iter().zip(self.left.into_values()) {
            let place = Place { line: Some(page.line(&span)), ..place };
            page.refuse(&place, withheld(&value), "is not a key of the configuration");
        }
    }

    fn array(&mut self, page: &mut Page, name: &str, rule: &str) -> Vec<At<DeValue<'d>>> {
        let Some(At { value, place }) = self.take(page, name, rule, array_of) else { return Vec::new() };
        let element = |(at, element): (usize, Spanned<DeValue<'d>>)| {
            let line = Some(page.line(&element.span()));
            At { place: Place { path: format!("{}[{at}]", place.path), line }, value: element.into_inner() }
        };
        value.into_iter().enumerate().map(element).collect()
    }
}

fn judged<T>(
    page: &mut Page,
    text: &str,
    place: Place,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Option<At<T>> {
    match parse(text) {
        Ok(value) => Some(At { value, place }),
        Err(rule) => {
            page.refuse(&place, Shown::text(text), rule);
            None
        }
    }
}

/// A key's name, escaped if it is none that a key could have.
fn plain(name: &str) -> String {
    if name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')) {
        name.to_owned()
    } else {
        Shown::text(name).to_string()
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "one kind of value is wanted, all others are refused alike"
)]
fn text_of(value: DeValue<'_>) -> Result<String, DeValue<'_>> {
    match value {
        DeValue::String(text) => Ok(text.into_owned()),
        other => Err(other),
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "one kind of value is wanted, all others are refused alike"
)]
fn table_of(value: DeValue<'_>) -> Result<DeTable<'_>, DeValue<'_>> {
    match value {
        DeValue::Table(table) => Ok(table),
        other => Err(other),
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "one kind of value is wanted, all others are refused alike"
)]
fn array_of<'d>(value: DeValue<'d>) -> Result<Vec<Spanned<DeValue<'d>>>, DeValue<'d>> {
    match value {
        DeValue::Array(array) => Ok(array.into_iter().collect()),
        other => Err(other),
    }
}

/// A value's kind and length: whatever stands under a wrong key may be a secret.
fn withheld(value: &DeValue<'_>) -> Shown {
    match value {
        DeValue::String(text) => Shown::withheld("text", text),
        DeValue::Integer(number) => Shown::withheld("number", number.as_str()),
        DeValue::Float(number) => Shown::withheld("number", number.as_str()),
        DeValue::Boolean(truth) => Shown::Value(truth.to_string()),
        DeValue::Datetime(instant) => Shown::withheld("instant", &instant.to_string()),
        DeValue::Array(array) => Shown::Withheld { kind: "array", length: array.len() },
        DeValue::Table(table) => Shown::Withheld { kind: "table", length: table.len() },
    }
}
