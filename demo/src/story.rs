//! The story of a login: what was sent and what came, step by step, each value with what it is for.

mod meanings;

use jiff::Timestamp;
use openidconnect::url::Url;
use serde_json::Value;

use crate::jwt::{claims, member, part};
use crate::relying_party::Check;
use crate::wire::{Exchange, Pairs};
use meanings::{CLAIMS, HEADERS, JOSE, KEYS, MEMBERS, METADATA, Meaning, PARAMETERS};

/// One step.
pub(crate) struct Step {
    /// Its heading.
    pub(crate) title: String,
    /// What happened, in a sentence or two.
    pub(crate) sentence: String,
    /// A line of a request or an answer, such as `POST http://localhost:8080/token`.
    pub(crate) line: Option<String>,
    /// What it is made of.
    pub(crate) tables: Vec<Table>,
    /// What this service checked.
    pub(crate) checks: Vec<Check>,
}

/// Names, values and meanings.
pub(crate) struct Table {
    /// What it lists.
    pub(crate) caption: String,
    /// The heading of the first column: `Parameter`, `Claim` and the like.
    pub(crate) of: &'static str,
    /// Its rows.
    pub(crate) rows: Vec<Row>,
}

/// A value and what it means.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// Its name.
    pub(crate) name: String,
    /// What came or was sent, in full.
    pub(crate) value: String,
    /// What it is.
    pub(crate) meaning: &'static str,
    /// What a service must check; empty where there is nothing.
    pub(crate) check: &'static str,
}

impl Step {
    fn new(title: &str, sentence: impl Into<String>) -> Self {
        Self {
            title: title.to_owned(),
            sentence: sentence.into(),
            line: None,
            tables: Vec::new(),
            checks: Vec::new(),
        }
    }

    /// The same with checks.
    pub(crate) fn checked(mut self, checks: impl IntoIterator<Item = Check>) -> Self {
        self.checks.extend(checks);
        self
    }

    fn with(mut self, table: Option<Table>) -> Self {
        self.tables.extend(table);
        self
    }

    /// A document: where it was read from, and what was taken from it, or what came instead.
    fn read(self, exchange: &Exchange, taken: impl FnOnce() -> Option<Table>) -> Self {
        let table = if exchange.status.is_success() { taken() } else { members("What came", &exchange.body) };
        self.line(format!("{} {} → {}", exchange.method, exchange.url, exchange.status)).with(table)
    }

    fn line(mut self, line: String) -> Self {
        self.line = Some(line);
        self
    }
}

/// The authorization request.
pub(crate) fn request(url: &Url) -> Step {
    let mut bare = url.clone();
    bare.set_query(None);
    let pairs: Pairs = url.query_pairs().into_owned().collect();
    Step::new(
        "Authorization request",
        "This service sent the browser to the issuer's authorization_endpoint, with these parameters in the query.",
    )
    .line(format!("GET {bare}"))
    .with(table("Parameters of the authorization request", "Parameter", &pairs, PARAMETERS))
}

/// What the browser brought back.
pub(crate) fn answer(callback: &str, pairs: &Pairs) -> Step {
    Step::new(
        "Answer to the redirect URI",
        "The person finished at Portvakt, and the browser came back with this. Whoever can make a browser come here can make such \
         an answer up, so it is checked before it is believed.",
    )
    .line(format!("GET {callback}"))
    .with(table("Parameters of the answer", "Parameter", pairs, PARAMETERS))
}

/// The issuer's metadata and then its keys, as far as they were read, and what was wrong with the last of them.
pub(crate) fn metadata(read: &[Exchange], wrong: Option<String>) -> Vec<Step> {
    match read {
        [] => vec![discovery(None, wrong)],
        [document] => vec![discovery(Some(document), wrong)],
        [document, keys, ..] => vec![discovery(Some(document), None), jwks(keys, wrong)],
    }
}

fn discovery(exchange: Option<&Exchange>, wrong: Option<String>) -> Step {
    let check = Check { what: "The document is that of the configured issuer.".to_owned(), wrong };
    let step = Step::new(
        "Discovery",
        "Before it sent the browser anywhere, this service read the issuer's metadata. A service knows the issuer and nothing else of \
         it; most read the rest once, at their start.",
    );
    let Some(exchange) = exchange else { return step.checked([check]) };
    let taken = "What this service takes from the metadata";
    step.read(exchange, || taken_from(taken, &exchange.body)).checked([check])
}

fn jwks(exchange: &Exchange, wrong: Option<String>) -> Step {
    let check = Check { what: "The library can read the keys.".to_owned(), wrong };
    let step = Step::new(
        "Keys",
        "And the keys that the issuer signs with, from jwks_uri. A service keeps them, and reads them again when a token names a key \
         it does not know: issuers change keys.",
    );
    step.read(exchange, || keys("The issuer's keys", &exchange.body)).checked([check])
}

/// A token request and its answer.
pub(crate) fn token(title: &str, exchange: &Exchange) -> [Step; 2] {
    let sentence = "This service redeemed the code at the token_endpoint, over a connection of its own: the browser sees nothing of it.";
    let sent = Step::new(title, sentence)
        .line(format!("{} {}", exchange.method, exchange.url))
        .with(table("Headers of the request", "Header", &exchange.headers, HEADERS))
        .with(table("Form of the request", "Parameter", &exchange.form, PARAMETERS));
    let came = if exchange.status.is_success() {
        Step::new("Token response", "The code was good, and is now used up. These are the tokens.")
    } else {
        Step::new(
            "Token response",
            "Portvakt refused. What error and error_description say is all a caller is told.",
        )
    };
    [
        sent,
        came.line(exchange.status.to_string()).with(members("Members of the token response", &exchange.body)),
    ]
}

/// The ID token, taken apart.
pub(crate) fn id_token(token: &str) -> Step {
    let word = "A JWT: the issuer's signed word about who logged in, made for this service and no other. Nothing in it is believed before \
                the checks have passed.";
    let as_text = "amr is a string here, as it was in 2016, where OpenID Connect Core §2 has an array. This service's library reads arrays \
                   only, so the checks were made with its keys and by hand. If yours is as strict, register the client with \
                   amr_claim = \"array\".";
    let sentence = match claims(token) {
        Some(claims) if member(&claims, "amr").is_string() => format!("{word} {as_text}"),
        Some(_) | None => word.to_owned(),
    };
    Step::new("ID token", sentence)
        .with(part(token, 0).and_then(|header| object("Header of the ID token", "Header", &header, JOSE)))
        .with(claims(token).and_then(|claims| object("Claims of the ID token", "Claim", &claims, CLAIMS)))
}

/// The access token: opaque, or taken apart.
pub(crate) fn access_token(token: &str) -> Step {
    match claims(token) {
        None => Step::new(
            "Access token",
            "Opaque: a random string that only its issuer can look up. The service hands it on, as it is, to the API it is for.",
        ),
        Some(claims) => Step::new(
            "Access token",
            "A JWT. It is for the API and not for this service, which should not look inside; it is taken apart here so that you see \
             what the API sees.",
        )
        .with(part(token, 0).and_then(|header| object("Header of the access token", "Header", &header, JOSE)))
        .with(object("Claims of the access token", "Claim", &claims, CLAIMS)),
    }
}

/// The userinfo request and its answer.
pub(crate) fn userinfo(exchange: &Exchange) -> Step {
    let came = match members("Claims that userinfo answered", &exchange.body) {
        Some(table) => Some(table),
        None => table("Headers of the answer", "Header", &exchange.reply_headers, HEADERS),
    };
    Step::new(
        "UserInfo",
        "This service asked the userinfo_endpoint, with the access token. The ID token has the same claims already, so most services \
         do without.",
    )
    .line(format!("{} {} → {}", exchange.method, exchange.url, exchange.status))
    .with(table("Headers of the request", "Header", &exchange.headers, HEADERS))
    .with(came)
}

/// The members of a JSON body; of one that is none, its lines of a name and a value, as Portvakt tells refusals in plain text.
fn members(caption: &str, body: &str) -> Option<Table> {
    match serde_json::from_str::<Value>(body) {
        Ok(value) if value.is_object() => object(caption, "Member", &value, MEMBERS),
        Ok(_) | Err(_) => {
            let line = |line: &str| {
                line.split_once("  ").map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
            };
            let mut pairs: Pairs = body.lines().filter_map(line).collect();
            if pairs.is_empty() && !body.is_empty() {
                pairs.push(("body".to_owned(), body.to_owned()));
            }
            table(caption, "Part", &pairs, MEMBERS)
        }
    }
}

/// Those members of an issuer's metadata that this service uses.
fn taken_from(caption: &str, body: &str) -> Option<Table> {
    let Ok(Value::Object(mut document)) = serde_json::from_str::<Value>(body) else {
        return members(caption, body);
    };
    document.retain(|name, _| METADATA.iter().any(|meaning| meaning.name == name));
    object(caption, "Member", &Value::Object(document), METADATA)
}

/// The keys of a JWK Set (RFC 7517 §5), by name and kind; their numbers tell a reader nothing.
fn keys(caption: &str, body: &str) -> Option<Table> {
    let set: Value = serde_json::from_str(body).unwrap_or_default();
    let text = |key: &Value, name: &str| member(key, name).as_str().unwrap_or("?").to_owned();
    let row = |key: &Value| {
        ("kid".to_owned(), format!("{} ({}, {})", text(key, "kid"), text(key, "kty"), text(key, "alg")))
    };
    let pairs: Pairs = member(&set, "keys").as_array()?.iter().map(row).collect();
    table(caption, "Member", &pairs, KEYS)
}

/// The members of an object: those that have a meaning first, in its order.
fn object(caption: &str, of: &'static str, value: &Value, meanings: &'static [Meaning]) -> Option<Table> {
    let members = value.as_object()?;
    let mut pairs: Pairs = members.iter().map(|(name, value)| (name.clone(), shown(name, value))).collect();
    let rank =
        |name: &str| meanings.iter().position(|meaning| meaning.name == name).unwrap_or(meanings.len());
    pairs.sort_by_key(|(name, _)| rank(name));
    table(caption, of, &pairs, meanings)
}

fn table(caption: &str, of: &'static str, pairs: &Pairs, meanings: &'static [Meaning]) -> Option<Table> {
    let row = |(name, value): &(String, String)| {
        let known = meanings.iter().find(|known| known.name.eq_ignore_ascii_case(name));
        Row {
            name: inert(name),
            value: if value.is_empty() { "(empty)".to_owned() } else { inert(value) },
            meaning: known.map_or("", |known| known.meaning),
            check: known.map_or("", |known| known.check),
        }
    };
    let rows: Vec<Row> = pairs.iter().map(row).collect();
    (!rows.is_empty()).then(|| Table { caption: caption.to_owned(), of, rows })
}

/// A JSON value for people: text without its quotes, and a time also as a date.
fn shown(name: &str, value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) if matches!(name, "exp" | "iat" | "nbf" | "auth_time") => {
            let date = number.as_i64().and_then(|seconds| Timestamp::from_second(seconds).ok());
            date.map_or_else(|| number.to_string(), |date| format!("{number} ({date})"))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            value.to_string()
        }
    }
}

/// Escapes what would not be seen.
fn inert(text: &str) -> String {
    let seen = |character: char| match character.is_control() {
        true => character.escape_default().collect::<String>(),
        false => character.to_string(),
    };
    text.chars().map(seen).collect()
}

/// What an error code of OAuth means for a service.
pub(crate) fn error_meaning(code: &str) -> &'static str {
    meanings::ERRORS
        .iter()
        .find(|meaning| meaning.name == code)
        .map_or("An error code that this service does not know.", |meaning| meaning.meaning)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Claims `{"iss":"i","zzz":[1],"exp":1763850000}`, not signed by anybody.
    const TOKEN: &str = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJpIiwienp6IjpbMV0sImV4cCI6MTc2Mzg1MDAwMH0.eA";

    #[test]
    fn control_characters_are_seen() {
        assert_eq!(inert("a\r\nb\u{7f}å"), "a\\r\\nb\\u{7f}å");
    }

    #[test]
    fn a_body_that_is_no_json_is_shown_as_it_is() {
        let table = members("x", "<html>").unwrap();
        assert_eq!((table.rows[0].name.as_str(), table.rows[0].value.as_str()), ("body", "<html>"));
        assert!(members("x", "").is_none());
    }

    #[test]
    fn a_refusal_in_plain_text_is_shown_line_by_line() {
        let rows = members("x", "Nothing is served here.\n\nrule       path-unknown\nfix        a fix\n")
            .unwrap()
            .rows;
        let rows: Vec<_> = rows.iter().map(|row| (row.name.as_str(), row.value.as_str())).collect();
        assert_eq!(rows, [("rule", "path-unknown"), ("fix", "a fix")]);
    }

    fn answered(status: u16, body: &str) -> Exchange {
        Exchange {
            method: "GET".to_owned(),
            url: "http://localhost:8080/x".to_owned(),
            headers: Vec::new(),
            form: Vec::new(),
            status: http::StatusCode::from_u16(status).unwrap(),
            reply_headers: Vec::new(),
            body: body.to_owned(),
        }
    }

    #[test]
    fn discovery_s4_metadata_that_was_refused_is_told_with_what_came_and_its_check_fails() {
        let came = answered(404, "Nothing is served here.\n\nrule       path-unknown\n");
        let steps = metadata(&[came], Some("a reason".to_owned()));
        assert_eq!(steps.len(), 1);
        assert_eq!(steps[0].line.as_deref(), Some("GET http://localhost:8080/x → 404 Not Found"));
        assert_eq!(steps[0].tables[0].rows[0].value, "path-unknown");
        assert_eq!(steps[0].checks[0].wrong.as_deref(), Some("a reason"));
        assert_eq!(metadata(&[], Some("unreachable".to_owned()))[0].line, None);
    }

    #[test]
    fn discovery_s4_metadata_and_keys_are_steps_with_what_the_service_takes_from_them() {
        let document = r#"{"jwks_uri":"k","token_endpoint":"t","claims_supported":["pid"],"issuer":"i"}"#;
        let set = r#"{"keys":[{"kid":"k1","kty":"RSA","alg":"RS256","n":"xyz"},{"kid":"k2"}]}"#;
        let steps = metadata(&[answered(200, document), answered(200, set)], None);
        let titles: Vec<_> = steps.iter().map(|step| step.title.as_str()).collect();
        assert_eq!(titles, ["Discovery", "Keys"]);
        assert_eq!(steps[1].line.as_deref(), Some("GET http://localhost:8080/x → 200 OK"));
        let rows = |step: &Step| {
            let rows = step.tables[0].rows.iter();
            rows.map(|row| format!("{}={}", row.name, row.value)).collect::<Vec<_>>()
        };
        assert_eq!(rows(&steps[0]), ["issuer=i", "token_endpoint=t", "jwks_uri=k"]);
        assert_eq!(rows(&steps[1]), ["kid=k1 (RSA, RS256)", "kid=k2 (?, ?)"]);
        assert!(steps.iter().all(|step| step.checks[0].wrong.is_none()));
        // What the library made of the second is the second's.
        let steps = metadata(&[answered(200, document), answered(200, "")], Some("no keys".to_owned()));
        assert!(steps[0].checks[0].wrong.is_none() && steps[1].checks[0].wrong.is_some());
    }

    #[test]
    fn openid_core_s2_claims_are_explained_and_strange_ones_shown_last() {
        let step = id_token(TOKEN);
        let rows = &step.tables[1].rows;
        let names: Vec<_> = rows.iter().map(|row| row.name.as_str()).collect();
        assert_eq!(names, ["iss", "exp", "zzz"]);
        assert_eq!(rows[1].value, "1763850000 (2025-11-22T22:20:00Z)");
        assert!(rows[0].meaning.contains("issuer") && !rows[0].check.is_empty());
        assert_eq!((rows[2].value.as_str(), rows[2].meaning), ("[1]", ""));
    }

    #[test]
    fn a_token_that_is_no_jwt_is_opaque() {
        assert!(access_token("k1j2").tables.is_empty());
        assert_eq!(access_token(TOKEN).tables.len(), 2);
    }
}
