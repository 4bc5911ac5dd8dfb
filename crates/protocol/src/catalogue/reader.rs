//! Reads a catalogue's text field by field. It does not stop at the first mistake: whoever corrects a file wants all of them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::raw::{GivenSecret, RawClient, RawOrganisation, RawPerson, RawScope, RawTerms};
use super::{Catalogue, Entry, SecretReference};
use crate::person::Pid;
use crate::registration::fault::{has_eleven_digits, join};
use crate::registration::{RegistrationFault, Shown};
use crate::secret::ClientSecret;

/// See [`Catalogue::parse`].
pub(super) fn read(text: &str) -> Result<Catalogue, Vec<RegistrationFault>> {
    let (document, mistakes) = DeTable::parse_recoverable(text);
    let mut page = Page::of(text);
    for mistake in &mistakes {
        // Its message alone: its own display quotes the line, which may hold a secret.
        let (line, message) = (mistake.span().map(|span| page.line(&span)), mistake.message());
        let rule = format!("must be TOML: {message}");
        page.faults.push(RegistrationFault {
            path: String::new(),
            line,
            value: Shown::Absent,
            rule: rule.into(),
        });
    }
    if !page.faults.is_empty() {
        return Err(page.faults);
    }
    let mut fields = Fields::new(String::new(), document.into_inner());
    let issuers = fields.one_or_more(&mut page, "issuer");
    let organisations = fields.entries(&mut page, "organisations", organisation);
    let scopes = fields.entries(&mut page, "scopes", scope);
    let clients = fields.entries(&mut page, "clients", client);
    let persons = fields.entries(&mut page, "test_persons", person);
    fields.end(&mut page);
    let Page { lines, faults, .. } = page;
    let catalogue =
        Catalogue { issuers, organisations, scopes, clients, persons, lines, faults, ..Catalogue::default() };
    Ok(catalogue)
}

fn organisation(page: &mut Page, fields: &mut Fields<'_>) -> RawOrganisation {
    RawOrganisation {
        orgno: fields.text(page, "orgno"),
        name: fields.text(page, "name"),
        standing: fields.text(page, "standing"),
        terms: fields.table(page, "terms").map(|mut terms| {
            let raw = RawTerms {
                version: terms.text(page, "version"),
                accepted_at: terms.instant(page, "accepted_at"),
                accepted_by: terms.text(page, "accepted_by"),
            };
            terms.end(page);
            raw
        }),
    }
}

fn scope(page: &mut Page, fields: &mut Fields<'_>) -> RawScope {
    RawScope {
        scope: fields.text(page, "scope"),
        description: fields.text(page, "description"),
        token_type: fields.text(page, "token_type"),
        at_max_age: fields.integer(page, "at_max_age"),
        active: fields.boolean(page, "active"),
    }
}

fn client(page: &mut Page, fields: &mut Fields<'_>) -> RawClient {
    let display_name = fields.text(page, "display_name");
    let client_name = fields.text(page, "client_name");
    if let (Some(_), Some(name)) = (&display_name, &client_name) {
        let rule = "must not stand beside display_name, of which it is another name";
        page.refuse(join(&fields.path, "client_name"), Shown::text(name), rule);
    }
    RawClient {
        client_id: fields.text(page, "client_id"),
        client_secret: fields.secret(page, "client_secret"),
        client_orgno: fields.text(page, "client_orgno"),
        display_name: display_name.or(client_name),
        description: fields.text(page, "description"),
        client_uri: fields.text(page, "client_uri"),
        integration_type: fields.text(page, "integration_type"),
        application_type: fields.text(page, "application_type"),
        grant_types: fields.texts(page, "grant_types"),
        token_endpoint_auth_method: fields.text(page, "token_endpoint_auth_method"),
        redirect_uris: fields.texts(page, "redirect_uris"),
        post_logout_redirect_uris: fields.texts(page, "post_logout_redirect_uris"),
        scopes: fields.texts(page, "scopes"),
        code_challenge_method: fields.text(page, "code_challenge_method"),
        amr_claim: fields.text(page, "amr_claim"),
        userinfo_without_profile: fields.boolean(page, "userinfo_without_profile"),
        authorization_lifetime: fields.integer(page, "authorization_lifetime"),
        access_token_lifetime: fields.integer(page, "access_token_lifetime"),
        refresh_token_lifetime: fields.integer(page, "refresh_token_lifetime"),
        active: fields.boolean(page, "active"),
    }
}

fn person(page: &mut Page, fields: &mut Fields<'_>) -> RawPerson {
    let pool = fields.text(page, "pool");
    let pid = fields.withheld_text(page, "pid").and_then(|text| match Pid::parse_synthetic(&text) {
        Ok(pid) => Some(pid),
        Err(fault) => {
            page.refuse(join(&fields.path, "pid"), Shown::withheld("text", &text), fault.to_string());
            None
        }
    });
    RawPerson { pool, pid, active: fields.boolean(page, "active") }
}

/// What is known of the text being read, and what was found in it.
struct Page {
    /// Where each line ends.
    ends: Vec<usize>,
    lines: BTreeMap<String, u32>,
    faults: Vec<RegistrationFault>,
}

impl Page {
    fn of(text: &str) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at).collect();
        Self { ends, lines: BTreeMap::new(), faults: Vec::new() }
    }

    fn line(&self, span: &Range<usize>) -> u32 {
        let before = self.ends.partition_point(|end| *end < span.start);
        u32::try_from(before).unwrap_or(u32::MAX).saturating_add(1)
    }

    /// Notes the line of a field. What is noted is found again by its path.
    fn note(&mut self, path: &str, span: &Range<usize>) {
        let line = self.line(span);
        self.lines.insert(path.to_owned(), line);
    }

    fn refuse(&mut self, path: String, value: Shown, rule: impl Into<Cow<'static, str>>) {
        let line = self.lines.get(&path).copied();
        self.faults.push(RegistrationFault { path, line, value, rule: rule.into() });
    }
}

/// The fields of one table that have not been read yet.
struct Fields<'d> {
    path: String,
    left: BTreeMap<String, (Range<usize>, DeValue<'d>)>,
}

impl<'d> Fields<'d> {
    fn new(path: String, table: DeTable<'d>) -> Self {
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

    fn text(&mut self, page: &mut Page, name: &str) -> Option<String> {
        self.take(page, name, "must be a text in quotes", shown, text_of)
    }

    fn withheld_text(&mut self, page: &mut Page, name: &str) -> Option<String> {
        self.take(page, name, "must be a text in quotes", withheld, text_of)
    }

    fn boolean(&mut self, page: &mut Page, name: &str) -> Option<bool> {
        self.take(page, name, "must be true or false", shown, |value| value.as_bool().ok_or(value))
    }

    fn integer(&mut self, page: &mut Page, name: &str) -> Option<i64> {
        self.take(page, name, "must be a whole number", shown, |value| {
            let number = value.as_integer().and_then(|it| i64::from_str_radix(it.as_str(), it.radix()).ok());
            number.ok_or(value)
        })
    }

    fn instant(&mut self, page: &mut Page, name: &str) -> Option<String> {
        let rule = "must be an instant such as 2016-12-01T12:00:00Z, as text or as TOML's own";
        self.take(page, name, rule, shown, |value| match value.as_datetime() {
            Some(instant) => Ok(instant.to_string()),
            None => text_of(value),
        })
    }

    fn table(&mut self, page: &mut Page, name: &str) -> Option<Self> {
        let path = join(&self.path, name);
        self.take(page, name, "must be a table", shown, |value| table_of(path, value))
    }

    fn texts(&mut self, page: &mut Page, name: &str) -> Option<Vec<String>> {
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

    fn one_or_more(&mut self, page: &mut Page, name: &str) -> Option<Vec<String>> {
        if self.left.get(name).is_some_and(|(_, value)| value.is_str()) {
            return self.text(page, name).map(|one| vec![one]);
        }
        self.texts(page, name)
    }

    /// A secret, or where to fetch it. Nothing of it is shown but its kind.
    fn secret(&mut self, page: &mut Page, name: &str) -> Option<GivenSecret> {
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
    fn entries<T>(
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
    fn end(self, page: &mut Page) {
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
