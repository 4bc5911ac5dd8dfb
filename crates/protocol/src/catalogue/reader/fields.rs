//! The fields of a catalogue's tables, each read once, and the line that each stands on.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::catalogue::raw::GivenSecret;
use crate::catalogue::{Entry, SecretReference};
use crate::registration::fault::{has_eleven_digits, join};
use crate::registration::{RegistrationFault, Shown};
use crate::secret::ClientSecret;

/// What is known of the text being read, and what was found in it.
pub(super) struct Page {
    /// Where each line ends.
    ends: Vec<usize>,
    pub(super) lines: BTreeMap<String, u32>,
    pub(super) faults: Vec<RegistrationFault>,
}

impl Page {
    pub(super) fn of(text: &str) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at).collect();
        Self { ends, lines: BTreeMap::new(), faults: Vec::new() }
    }

    pub(super) fn line(&self, span: &Range<usize>) -> u32 {
        let before = self.ends.partition_point(|end| *end < span.start);
        u32::try_from(before).unwrap_or(u32::MAX).saturating_add(1)
    }

    /// Notes the line of a field. What is noted is found again by its path.
    fn note(&mut self, path: &str, span: &Range<usize>) {
        let line = self.line(span);
        self.lines.insert(path.to_owned(), line);
    }

    pub(super) fn refuse(&mut self, path: String, value: Shown, rule: impl Into<Cow<'static, str>>) {
        let line = self.lines.get(&path).copied();
        self.faults.push(RegistrationFault { path, line, value, rule: rule.into() });
    }
}

/// The fields of one table that have not been read yet.
pub(super) struct Fields<'d> {
    pub(super) path: String,
    left: BTreeMap<String, (Range<usize>, DeValue<'d>)>,
}

impl<'d> Fields<'d> {
    pub(super) fn new(path: String, table: DeTable<'d>) -> Self {
        let field = |(name, value): (Spanned<Cow<'d, str>>, Spanned<DeValue<'d>>)| {
            (name.get_ref().to_string(), (name.span(), value.into_inner()))
        };
        Self { path, left: table.into_iter().map(field).collect() }
    }

    /// Takes a field, if `read` makes something of it. What it is instead is shown, unless it may be a secret.
    fn take<T>(
        &mut self,
        page: &mut Page,
        name: &str,
        rule: &'static str,
        show: impl FnOnce(&DeValue<'d>) -> Shown,
        read: impl FnOnce(DeValue<'d>) -> Result<T, DeValue<'d>>,
    ) -> Option<T> {
        let (span, value) = self.left.remove(name)?;
        let path = join(&self.path, name);
        page.note(&path, &span);
        match read(value) {
            Ok(read) => Some(read),
            Err(other) => {
                page.refuse(path, show(&other), rule);
                None
            }
        }
    }

    pub(super) fn text(&mut self, page: &mut Page, name: &str) -> Option<String> {
        self.take(page, name, "must be a text in quotes", shown, text_of)
    }

    pub(super) fn withheld_text(&mut self, page: &mut Page, name: &str) -> Option<String> {
        self.take(page, name, "must be a text in quotes", withheld, text_of)
    }

    pub(super) fn boolean(&mut self, page: &mut Page, name: &str) -> Option<bool> {
        self.take(page, name, "must be true or false", shown, |value| value.as_bool().ok_or(value))
    }

    pub(super) fn integer(&mut self, page: &mut Page, name: &str) -> Option<i64> {
        self.take(page, name, "must be a whole number", shown, |value| {
            let number = value.as_integer().and_then(|it| i64::from_str_radix(it.as_str(), it.radix()).ok());
            number.ok_or(value)
        })
    }

    pub(super) fn instant(&mut self, page: &mut Page, name: &str) -> Option<String> {
        let rule = "must be an instant such as 2016-12-01T12:00:00Z, as text or as TOML's own";
        self.take(page, name, rule, shown, |value| match value.as_datetime() {
            Some(instant) => Ok(instant.to_string()),
            None => text_of(value),
        })
    }

    pub(super) fn table(&mut self, page: &mut Page, name: &str) -> Option<Self> {
        let path = join(&self.path, name);
        self.take(page, name, "must be a table", shown, |value| table_of(path, value))
    }

    pub(super) fn texts(&mut self, page: &mut Page, name: &str) -> Option<Vec<String>> {
        let elements = self.take(page, name, "must be an array of texts", shown, array_of)?;
        let count = elements.len();
        let mut texts = Vec::with_capacity(count);
        for (at, element) in elements.into_iter().enumerate() {
            let path = join(&self.path, &format!("{name}[{at}]"));
            page.note(&path, &element.span());
            match text_of(element.into_inner()) {
                Ok(text) => texts.push(text),
                Err(other) => page.refuse(path, shown(&other), "must be a text in quotes"),
            }
        }
        // With an element missing the others would stand under a wrong number: the whole list waits for its correction.
        (texts.len() == count).then_some(texts)
    }

    /// An array of tables inside an entry, each read by `read`.
    pub(super) fn tables<T>(
        &mut self,
        page: &mut Page,
        name: &str,
        read: impl Fn(&mut Page, &mut Fields<'_>) -> T,
    ) -> Option<Vec<T>> {
        let rule = "must be tables, each under a heading in double brackets";
        let elements = self.take(page, name, rule, shown, array_of)?;
        let mut tables = Vec::with_capacity(elements.len());
        for (at, element) in elements.into_iter().enumerate() {
            let path = join(&self.path, &format!("{name}[{at}]"));
            page.note(&path, &element.span());
            match table_of(path.clone(), element.into_inner()) {
                Ok(mut fields) => {
                    tables.push(read(page, &mut fields));
                    fields.end(page);
                }
                Err(other) => {
                    // The others would stand under a wrong number: see `texts`.
                    page.refuse(path, withheld(&other), "must be a table");
                    return None;
                }
            }
        }
        Some(tables)
    }

    pub(super) fn one_or_more(&mut self, page: &mut Page, name: &str) -> Option<Vec<String>> {
        if self.left.get(name).is_some_and(|(_, value)| value.is_str()) {
            return self.text(page, name).map(|one| vec![one]);
        }
        self.texts(page, name)
    }

    /// A secret, or where to fetch it. Nothing of it is shown but its kind.
    pub(super) fn secret(&mut self, page: &mut Page, name: &str) -> Option<GivenSecret> {
        let path = join(&self.path, name);
        if self.left.get(name).is_some_and(|(_, value)| value.is_table()) {
            let rule = "must be a text, { env = \"NAME\" } or { file = \"path\" }";
            let mut table = self.take(page, name, rule, withheld, |value| table_of(path.clone(), value))?;
            let (env, file) = (table.text(page, "env"), table.text(page, "file"));
            let shape = Shown::Withheld { kind: "table", length: table.left.len() };
            table.end(page);
            return match (env, file) {
                (Some(variable), None) => {
                    Some(GivenSecret::Reference(SecretReference::Environment(variable)))
                }
                (None, Some(file)) => {
                    Some(GivenSecret::Reference(SecretReference::File(PathBuf::from(file))))
                }
                (Some(_), Some(_)) => {
                    page.refuse(path, Shown::Absent, "must name env or file, not both");
                    None
                }
                (None, None) => {
                    page.refuse(path, shape, rule);
                    None
                }
            };
        }
        let rule = "must be a text in quotes, { env = \"NAME\" } or { file = \"path\" }";
        let text = self.take(page, name, rule, withheld, text_of)?;
        Some(GivenSecret::Text(ClientSecret::presented(&text)))
    }

    /// An array of tables: each read by `read`, its own `issuer` beside.
    pub(super) fn entries<T>(
        &mut self,
        page: &mut Page,
        name: &str,
        read: impl Fn(&mut Page, &mut Fields<'_>) -> T,
    ) -> Vec<Entry<T>> {
        let rule = "must be tables, each under a heading in double brackets";
        let elements = self.take(page, name, rule, withheld, array_of).unwrap_or_default();
        let mut entries = Vec::with_capacity(elements.len());
        for (at, element) in elements.into_iter().enumerate() {
            let path = format!("{name}[{at}]");
            page.note(&path, &element.span());
            match table_of(path.clone(), element.into_inner()) {
                Ok(mut fields) => {
                    let before = page.faults.len();
                    let issuers =
                        if name == "test_persons" { None } else { fields.one_or_more(page, "issuer") };
                    let raw = read(page, &mut fields);
                    fields.end(page);
                    entries.push(Entry { path, issuers, faulty: page.faults.len() > before, raw });
                }
                Err(other) => page.refuse(path, withheld(&other), "must be a table"),
            }
        }
        entries
    }

    /// Refuses what was not read: a field that nobody reads is a mistake in its name. Its value may be a secret's.
    pub(super) fn end(self, page: &mut Page) {
        for (name, (span, value)) in self.left {
            let path = join(&self.path, &shown_name(&name));
            page.note(&path, &span);
            page.refuse(path, withheld(&value), "must be a known field");
        }
    }
}

/// A field's name, escaped if it is none that a field could have.
fn shown_name(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if name.bytes().all(plain) && !has_eleven_digits(name) {
        name.to_owned()
    } else {
        Shown::text(name).to_string()
    }
}

fn text_of(value: DeValue<'_>) -> Result<String, DeValue<'_>> {
    match value {
        DeValue::String(text) => Ok(text.into_owned()),
        DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_)
        | DeValue::Array(_)
        | DeValue::Table(_) => Err(value),
    }
}

fn array_of<'d>(value: DeValue<'d>) -> Result<Vec<Spanned<DeValue<'d>>>, DeValue<'d>> {
    match value {
        DeValue::Array(array) => Ok(array.into_iter().collect()),
        DeValue::String(_)
        | DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_)
        | DeValue::Table(_) => Err(value),
    }
}

fn table_of<'d>(path: String, value: DeValue<'d>) -> Result<Fields<'d>, DeValue<'d>> {
    match value {
        DeValue::Table(table) => Ok(Fields::new(path, table)),
        DeValue::String(_)
        | DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_)
        | DeValue::Array(_) => Err(value),
    }
}

/// The value, or for what has parts its kind and how many.
fn shown(value: &DeValue<'_>) -> Shown {
    match value {
        DeValue::String(text) => Shown::text(text),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => Shown::number(number),
            Err(_) => withheld(value),
        },
        DeValue::Float(number) if has_eleven_digits(number.as_str()) => withheld(value),
        DeValue::Float(number) => Shown::Value(number.as_str().chars().take(40).collect()),
        DeValue::Boolean(truth) => Shown::Value(truth.to_string()),
        DeValue::Datetime(instant) => Shown::Value(instant.to_string()),
        DeValue::Array(_) | DeValue::Table(_) => withheld(value),
    }
}

fn withheld(value: &DeValue<'_>) -> Shown {
    match value {
        DeValue::String(text) => Shown::withheld("text", text),
        DeValue::Integer(number) => Shown::withheld("number", number.as_str()),
        DeValue::Float(number) => Shown::withheld("number", number.as_str()),
        DeValue::Boolean(truth) => Shown::withheld("truth value", &truth.to_string()),
        DeValue::Datetime(instant) => Shown::withheld("instant", &instant.to_string()),
        DeValue::Array(array) => Shown::Withheld { kind: "array", length: array.len() },
        DeValue::Table(table) => Shown::Withheld { kind: "table", length: table.len() },
    }
}
