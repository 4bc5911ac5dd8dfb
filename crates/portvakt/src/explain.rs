//! Explaining a refusal afterwards: whoever was refused has a trace id, and the structured log has everything else. The log is read
//! line by line, so it may be of any size; what is no event of ours is skipped.

use std::collections::BTreeSet;
use std::io::{self, BufRead};
use std::str::FromStr;

use portvakt_protocol::params::form_decode;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::telemetry::happened;

/// The longest line that is looked at, in bytes. An event of ours is a few thousand at most; the rest of a longer line is passed over.
const LONGEST: usize = 1024 * 1024;

/// What a refusal is found by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct TraceId(String);

impl TraceId {
    /// 32 hexadecimal digits, in lower case.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TraceId {
    type Err = &'static str;

    /// The id alone, or what it came in: an `error_description`, a redirect's whole URL, an answer with its headers. What follows the
    /// word `trace_id` goes before all else, for a `state` or a `code` may look like an id too.
    fn from_str(text: &str) -> Result<Self, &'static str> {
        let text = decoded(text);
        let words: Vec<&str> = text
            .split(|one: char| !one.is_ascii_alphanumeric() && one != '_')
            .filter(|one| !one.is_empty())
            .collect();
        let labelled = words.windows(2).filter_map(|pair| match pair {
            [label, id] => label.eq_ignore_ascii_case("trace_id").then_some(*id),
            _ => None,
        });
        let named = ids(labelled);
        let mut found = if named.is_empty() { ids(words.iter().copied()) } else { named };
        match (found.pop_first(), found.is_empty()) {
            (Some(id), true) => Ok(Self(id)),
            (Some(_), false) => Err("has several trace ids: give one"),
            (None, _) => {
                Err("must be 32 hexadecimal digits, as an error_description ends in: (trace_id: ...)")
            }
        }
    }
}

/// Those of the words that look like an id, each once.
fn ids<'a>(words: impl Iterator<Item = &'a str>) -> BTreeSet<String> {
    let is_id = |word: &&str| word.len() == 32 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    words.filter(is_id).map(str::to_ascii_lowercase).collect()
}

/// The text as it was before it was put into a URL. What is not encoded, such as a lone percent sign, stays as it is, and so do words
/// and parameters beside it.
fn decoded(text: &str) -> String {
    let parts = text.split(|one: char| one.is_whitespace() || one == '&');
    let parts: Vec<_> =
        parts.map(|part| form_decode(part.as_bytes()).unwrap_or_else(|_| part.to_owned())).collect();
    parts.join(" ")
}

/// What kind of event was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// A request broke a rule.
    Refusal,
    /// The server failed.
    Broken,
    /// A page of the login could not go on.
    Login,
    /// The answer told nothing of a token, and so not why.
    Inactive,
    /// Something else that concerns the request.
    Other,
}

/// An event of a request. What the log does not have is `null` in JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Explained {
    /// What kind it is.
    pub(crate) kind: Kind,
    /// What it says, in the log's words.
    pub(crate) message: Option<String>,
    /// When, RFC 3339.
    pub(crate) time: Option<String>,
    /// The issuer that was asked.
    pub(crate) issuer: Option<String>,
    /// Its environment: `development`, `test` or `production`.
    pub(crate) environment: Option<String>,
    /// Which of its endpoints.
    pub(crate) endpoint: Option<String>,
    /// The client, as far as one was named.
    pub(crate) client: Option<String>,
    /// The organisation of a registered client.
    pub(crate) organisation: Option<String>,
    /// The error code that was answered.
    pub(crate) code: Option<String>,
    /// The rule that was broken.
    pub(crate) rule: Option<String>,
    /// Where the rule is written.
    pub(crate) clause: Option<String>,
    /// The parameter or header concerned.
    pub(crate) parameter: Option<String>,
    /// What was expected.
    pub(crate) expected: Option<String>,
    /// What came; of a secret or number its kind and length.
    pub(crate) received: Option<String>,
    /// Why the answer told nothing, by its name.
    pub(crate) reason: Option<String>,
    /// The same in a sentence.
    pub(crate) meaning: Option<String>,
    /// What to do about it.
    pub(crate) fix: Option<String>,
    /// The address of the page about the rule.
    pub(crate) page: Option<String>,
    /// What failed, of a failure of the server's.
    pub(crate) cause: Option<String>,
    /// What became of a page of the login.
    pub(crate) notice: Option<String>,
}

impl Explained {
    /// The event that this object is, if it is of this request.
    fn of(event: &Map<String, Value>, id: &TraceId) -> Option<Self> {
        let text = |name: &str| match event.get(name) {
            Some(Value::String(text)) if !text.is_empty() => Some(text.clone()),
            Some(Value::Number(number)) => Some(number.to_string()),
            _ => None,
        };
        if text("trace_id")? != id.as_str() {
            return None;
        }
        let kind = match event.get("target").and_then(Value::as_str) {
            Some("refusal") => Kind::Refusal,
            Some("broken") => Kind::Broken,
            Some("login") => Kind::Login,
            Some("inactive") => Kind::Inactive,
            Some(_) | None => Kind::Other,
        };
        Some(Self {
            kind,
            message: text("message"),
            time: text("timestamp"),
            issuer: text("issuer"),
            environment: text("environment"),
            endpoint: text("endpoint"),
            client: text("client").and_then(named),
            organisation: text("organisation"),
            code: text("code"),
            rule: text("rule"),
            clause: text("clause"),
            parameter: text("parameter"),
            expected: text("expected"),
            received: text("received"),
            reason: text("reason"),
            meaning: text("meaning"),
            fix: text("fix"),
            page: text("page"),
            cause: text("cause"),
            notice: text("notice").map(|notice| happened(&notice).map_or(notice, str::to_owned)),
        })
    }
}

/// A client as the log has it: quoted, or `nothing`.
fn named(client: String) -> Option<String> {
    if client == "nothing" {
        return None;
    }
    let bare = client.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    Some(bare.map_or_else(|| client.clone(), str::to_owned))
}

/// What came of reading a log.
#[derive(Debug, Default)]
pub(crate) struct Read {
    /// The events of the request, in the log's order.
    pub(crate) events: Vec<Explained>,
    /// How many lines were read.
    pub(crate) lines: u64,
    /// How many of them have something of the form of an event.
    pub(crate) structured: u64,
}

/// Reads a log to its end.
///
/// # Errors
/// It cannot be read.
pub(crate) fn read(mut log: impl BufRead, id: &TraceId) -> io::Result<Read> {
    let (mut read, mut line) = (Read::default(), Vec::new());
    while next_line(&mut log, &mut line)? {
        read.lines += 1;
        let is_structured = line.first() == Some(&b'{') || places(&line, BEGINNING).next().is_some();
        read.structured += u64::from(is_structured);
        if places(&line, id.as_str().as_bytes()).next().is_some() {
            read.events.extend(events(&line).iter().filter_map(|event| Explained::of(event, id)));
        }
    }
    Ok(read)
}

/// How an event of ours begins. Within one it cannot stand: quotation marks in a string are escaped.
const BEGINNING: &[u8] = b"{\"timestamp\"";

/// The events of a line: one, with whatever a journal writes before it; or those that are whole where one broke off and others follow.
fn events(line: &[u8]) -> Vec<Map<String, Value>> {
    let object = |text: &[u8]| serde_json::from_slice(text).ok();
    let first = line.iter().position(|byte| *byte == b'{');
    if let Some(event) = first.and_then(|at| object(line.get(at..)?)) {
        return vec![event];
    }
    let starts: Vec<usize> = places(line, BEGINNING).collect();
    let ends = starts.iter().skip(1).copied().chain([line.len()]);
    starts.iter().zip(ends).filter_map(|(start, end)| object(line.get(*start..end)?)).collect()
}

/// Where this text stands in a line.
fn places<'a>(line: &'a [u8], text: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    line.windows(text.len()).enumerate().filter(move |(_, part)| *part == text).map(|(at, _)| at)
}

/// Reads the next line, as much of it as is looked at, without its end. False at the end of the log.
fn next_line(log: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    let mut has_begun = false;
    loop {
        let part = match log.fill_buf() {
            Ok(part) => part,
            Err(why) if why.kind() == io::ErrorKind::Interrupted => continue,
            Err(why) => return Err(why),
        };
        if part.is_empty() {
            return Ok(has_begun);
        }
        has_begun = true;
        let end = part.iter().position(|byte| *byte == b'\n');
        let text = part.get(..end.unwrap_or(part.len())).unwrap_or_default();
        let room = LONGEST.saturating_sub(line.len()).min(text.len());
        line.extend_from_slice(text.get(..room).unwrap_or_default());
        let used = text.len() + usize::from(end.is_some());
        log.consume(used);
        if end.is_some() {
            return Ok(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0123456789abcdef0123456789abcdef";

    fn id() -> TraceId {
        ID.parse().unwrap()
    }

    fn found(log: &str) -> Read {
        read(log.as_bytes(), &id()).unwrap()
    }

    #[test]
    fn what_is_no_trace_id_is_refused_and_one_is_found_in_what_it_came_in() {
        let other = ID.replace('0', "f");
        for text in [
            "",
            "0123",
            &ID[..31],
            &format!("{ID}0"),
            &format!("g{}", &ID[1..]),
            &format!("{ID} {other}"),
            &format!("trace_id: {ID} trace_id: {other}"),
            &format!("https://rp.example.no/cb?trace_id={}", &ID[..31]),
        ] {
            assert!(text.parse::<TraceId>().is_err(), "{text}");
        }
        for text in [
            ID,
            &ID.to_uppercase(),
            &format!("{ID} {ID}"),
            &format!("code: expected a code (trace_id: {ID})"),
            &format!("https://rp.example.no/cb?error_description=a%20%28trace_id%3A%20{ID}%29&state={other}"),
            &format!("http://127.0.0.1/cb?state={other}&error_description=a+(trace_id:+{ID})"),
            &format!("100% of it: trace_id%3A%20{ID}%29"),
            &format!("{{\"state\":\"{other}\",\"trace_id\":\"{ID}\"}}"),
        ] {
            assert_eq!(text.parse::<TraceId>().unwrap().as_str(), ID, "{text}");
        }
    }

    #[test]
    fn what_is_no_event_of_this_request_is_skipped() {
        let quoted = format!(r#"{{"target":"refusal","trace_id":"none","received":"{ID}"}}"#);
        let log = format!("{ID}\n{{\"trace_id\":\"{ID}\"\n[\"{ID}\"]\n\u{0}\u{ff}\n{quoted}\n  \n");
        let read = found(&log);
        assert_eq!(read.events, []);
        assert_eq!((read.lines, read.structured), (6, 2));
        assert_eq!(found("").lines, 0);
    }

    #[test]
    fn what_is_torn_or_not_ours_gives_no_event_and_what_is_whole_beside_it_does() {
        let other = ID.replace('0', "f");
        let event = |id: &str, rule: &str| {
            format!(
                r#"{{"timestamp":"t","target":"refusal","trace_id":"{id}","rule":"{rule}","received":"{{"}}"#
            )
        };
        let (mine, second, strangers) = (event(ID, "a"), event(ID, "b"), event(&other, "a"));
        for (line, expected) in [
            (mine[..mine.len() - 1].to_owned(), vec![]),
            (format!("{{\"timestamp\":\"t\",\"lev{strangers}"), vec![]),
            (format!("Nov 23 05:00:00 host portvakt[1]: {strangers}"), vec![]),
            (format!("{{\"timestamp\":\"t\",\"trace_id\":\"{ID}\",\"lev{strangers}"), vec![]),
            (format!("{{\"timestamp\":\"t\",\"lev{mine}"), vec!["a"]),
            (format!("Nov 23 05:00:00 host portvakt[1]: {mine}"), vec!["a"]),
            (format!("{{a}} [b] {{\"c\": 1}} {mine}"), vec!["a"]),
            (format!("2026-11-23T05:00:00Z stderr F {{\"trace_id\":\"{ID}\",\"rule\":\"c\"}}"), vec!["c"]),
            (format!("{mine}{second}"), vec!["a", "b"]),
            (format!("{mine}{{\"timestamp\":\"t\",\"lev{second}\r"), vec!["a", "b"]),
        ] {
            let read = found(&line);
            let rules: Vec<_> = read.events.iter().filter_map(|event| event.rule.as_deref()).collect();
            assert_eq!(rules, expected, "{line}");
            assert_eq!(read.lines, 1);
        }
        let torn = format!("{{\"timestamp\":\"t\",\"lev{mine}\nhost: {mine}\nhost: stopped\n");
        assert_eq!((found(&torn).structured, found(&torn).lines), (2, 3));
    }

    #[test]
    fn a_refusal_is_told_whole_and_what_it_has_not_is_left_out() {
        let event = serde_json::json!({
            "timestamp": "2026-11-23T05:00:00Z", "level": "INFO", "message": "refused", "target": "refusal", "trace_id": ID,
            "issuer": "https://a.example", "environment": "test", "endpoint": "token", "client": "\"skjema\"", "organisation": "991825827",
            "code": "invalid_grant", "rule": "code-unknown", "clause": "RFC 6749 §5.2", "parameter": "",
            "expected": "a code", "received": "43 characters (not shown)", "fix": "log in again",
        });
        let read = found(&format!("noise\n{event}"));
        let told = serde_json::to_value(&read.events).unwrap();
        assert_eq!((&told[0]["client"], &told[0]["environment"]), (&"skjema".into(), &"test".into()));
        assert_eq!(
            (&told[0]["organisation"], &told[0]["rule"]),
            (&"991825827".into(), &"code-unknown".into())
        );
        assert_eq!((&told[0]["parameter"], &told[0]["cause"]), (&Value::Null, &Value::Null));
        let stranger = event.to_string().replace(r#"\"skjema\""#, "nothing");
        assert_eq!(found(&stranger).events[0].client, None);
    }

    #[test]
    fn every_event_of_the_request_is_told_in_order() {
        let log = format!(
            "{{\"target\":\"broken\",\"trace_id\":\"{ID}\",\"cause\":\"the disk is full\"}}\n\
             {{\"target\":\"login\",\"trace_id\":\"{ID}\",\"notice\":\"Finished\"}}\n\
             {{\"target\":\"inactive\",\"trace_id\":\"{ID}\",\"reason\":\"caller-public\",\"meaning\":\"It has no secret.\"}}\n\
             {{\"target\":\"elsewhere\",\"trace_id\":\"{ID}\",\"message\":\"seen\"}}\n"
        );
        let events = found(&log).events;
        let kinds: Vec<_> = events.iter().map(|event| event.kind).collect();
        assert_eq!(kinds, [Kind::Broken, Kind::Login, Kind::Inactive, Kind::Other]);
        assert_eq!(
            (events[2].reason.as_deref(), events[2].meaning.as_deref()),
            (Some("caller-public"), Some("It has no secret."))
        );
        assert_eq!(events[0].cause.as_deref(), Some("the disk is full"));
        assert!(events[1].notice.as_deref().unwrap().contains("has led to an answer already"));
    }

    #[test]
    fn a_line_of_any_length_is_passed_over_in_bounded_memory() {
        let event = format!("{{\"target\":\"refusal\",\"trace_id\":\"{ID}\"}}");
        let long = format!("{{\"a\":\"{}\"}}\n{event}\n", "x".repeat(3 * LONGEST));
        let mut log = io::BufReader::with_capacity(64, long.as_bytes());
        let mut line = Vec::new();
        assert!(next_line(&mut log, &mut line).unwrap());
        assert_eq!(line.len(), LONGEST);
        assert!(next_line(&mut log, &mut line).unwrap());
        assert_eq!(line, event.as_bytes());
        assert!(!next_line(&mut log, &mut line).unwrap());
        assert_eq!(found(&long).events.len(), 1);
    }
}
