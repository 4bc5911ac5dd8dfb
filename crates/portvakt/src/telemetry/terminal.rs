//! Logs for people: an event is one line, and a refusal a block with each of its facts on a line of its own. Values come from
//! strangers: each is made inert before it is written, so none begins a line or steers the terminal.

use std::borrow::Cow;
use std::fmt::{self, Debug};

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::{Format, Full, Writer};
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// The width of a block's labels.
const LABEL: usize = 10;

/// Writes events for a terminal.
#[derive(Debug, Default)]
pub(super) struct Terminal {
    colours: bool,
    line: Format<Full, SystemTime>,
}

impl Terminal {
    /// With escape sequences for weight, or without.
    pub(super) fn new(colours: bool) -> Self {
        Self { colours, line: Format::default() }
    }

    fn write_block(&self, block: &Block, out: &mut Writer<'_>) -> fmt::Result {
        let (strong, faint, plain) =
            if self.colours { ("\u{1b}[1;33m", "\u{1b}[2m", "\u{1b}[0m") } else { ("", "", "") };
        write!(out, "{faint}")?;
        SystemTime.format_time(out)?;
        writeln!(out, "{plain} {strong}{}{plain}", legible(&block.heading))?;
        for (label, value) in &block.facts {
            writeln!(out, "    {faint}{label:<LABEL$}{plain} {}", legible(value))?;
        }
        Ok(())
    }
}

impl<S, N> FormatEvent<S, N> for Terminal
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        if let Some(block) = Block::of(event) {
            return self.write_block(&block, &mut writer);
        }
        let mut line = String::new();
        self.line.format_event(context, Writer::new(&mut line), event)?;
        writeln!(writer, "{}", legible(line.strip_suffix('\n').unwrap_or(&line)))
    }
}

/// What is told of a refusal: of a request by a rule of the protocol or of HTTP, or of a page of the login; and of an answer that told
/// nothing of a token.
#[derive(Debug, PartialEq, Eq)]
struct Block {
    heading: String,
    facts: Vec<(&'static str, String)>,
}

impl Block {
    fn of(event: &Event<'_>) -> Option<Self> {
        let mut fields = Fields::default();
        event.record(&mut fields);
        Self::from_fields(event.metadata().target(), &fields)
    }

    fn from_fields(target: &str, fields: &Fields) -> Option<Self> {
        let of = |name| fields.get(name).unwrap_or_default();
        match target {
            "refusal" => {
                let heading = format!("refused at {} of {}: {}", of("endpoint"), of("issuer"), of("code"));
                Some(Self { heading, facts: fields.facts(&REFUSAL) })
            }
            "http" if of("message") == "request refused" => {
                let heading = format!("refused before any endpoint, as HTTP: {}", of("status"));
                Some(Self { heading, facts: fields.facts(&HTTP) })
            }
            "login" => {
                let what = happened(fields.get("notice")?)?;
                let heading = format!("no page at {} of {}: {what}", of("endpoint"), of("issuer"));
                Some(Self { heading, facts: fields.facts(&LOGIN) })
            }
            "inactive" => {
                let (told, place) = (of("message"), format!("{} of {}", of("endpoint"), of("issuer")));
                let heading = format!("{told} at {place}: {}", of("reason"));
                Some(Self { heading, facts: fields.facts(&INACTIVE) })
            }
            _ => None,
        }
    }
}

/// Fields and their labels, in the order in which they are told.
const REFUSAL: [(&str, &str); 9] = [
    ("client", "client"),
    ("organisation", "orgno"),
    ("trace_id", "trace id"),
    ("rule", "rule"),
    ("clause", "clause"),
    ("parameter", "parameter"),
    ("expected", "expected"),
    ("received", "received"),
    ("fix", "fix"),
];

const HTTP: [(&str, &str); 4] =
    [("peer", "peer"), ("rule", "rule"), ("expected", "expected"), ("fix", "fix")];

const INACTIVE: [(&str, &str); 6] = [
    ("client", "client"),
    ("organisation", "orgno"),
    ("trace_id", "trace id"),
    ("reason", "reason"),
    ("meaning", "meaning"),
    ("fix", "fix"),
];

const LOGIN: [(&str, &str); 3] = [("notice", "notice"), ("status", "status"), ("trace_id", "trace id")];

/// What a notice of the login's pages is about, for whoever looks on from the terminal.
pub(crate) fn happened(notice: &str) -> Option<&'static str> {
    match notice {
        "CookieGone" => Some(
            "the login's cookie did not come: another browser, cookies blocked, or begun at another host name (localhost \
             and 127.0.0.1 are two)",
        ),
        "Expired" => Some("the login is older than its lifetime, or was never begun in this browser"),
        "Finished" => Some("the login has led to an answer already: the back button, or a form sent twice"),
        "FormStale" => Some("the form did not come from the page that was shown last"),
        "LanguageStale" => Some("the language switch that was posted is none of a page of ours"),
        _ => None,
    }
}

/// The fields of an event, as text.
#[derive(Default)]
struct Fields(Vec<(&'static str, String)>);

impl Fields {
    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    /// Those of the labelled ones that say something. A client that is not known is told as `nothing`.
    fn facts(&self, labels: &[(&'static str, &'static str)]) -> Vec<(&'static str, String)> {
        let fact = |(name, label): &(&'static str, &'static str)| {
            let value = self.get(name)?;
            let empty = value.is_empty() || (*name == "client" && value == "nothing");
            (!empty).then(|| (*label, value.to_owned()))
        };
        labels.iter().filter_map(fact).collect()
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.push((field.name(), value.to_owned()));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.push((field.name(), format!("{value:?}")));
    }
}

/// A text as it may stand on a line of a terminal: what could end the line, steer the terminal or turn the reading order is
/// written as JSON escapes it.
pub(crate) fn legible(text: &str) -> Cow<'_, str> {
    let risky = |character: char| {
        character.is_control()
            || matches!(
                character,
                '\u{061c}'
                    | '\u{200e}'
                    | '\u{200f}'
                    | '\u{2028}'
                    | '\u{2029}'
                    | '\u{202a}'..='\u{202e}'
                    | '\u{2066}'..='\u{2069}'
            )
    };
    if !text.chars().any(risky) {
        return Cow::Borrowed(text);
    }
    let mut line = String::with_capacity(text.len());
    for character in text.chars() {
        if risky(character) {
            line.push_str(&format!("\\u{:04x}", u32::from(character)));
        } else {
            line.push(character);
        }
    }
    Cow::Owned(line)
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    /// What is written while `log` runs.
    fn written(colours: bool, log: impl FnOnce()) -> String {
        #[derive(Clone, Default)]
        struct Sheet(Arc<Mutex<Vec<u8>>>);
        impl io::Write for Sheet {
            fn write(&mut self, part: &[u8]) -> io::Result<usize> {
                self.0.lock().unwrap().extend_from_slice(part);
                Ok(part.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let sheet = Sheet::default();
        let paper = sheet.clone();
        let layer = tracing_subscriber::fmt::layer()
            .with_writer(move || paper.clone())
            .event_format(Terminal::new(colours));
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), log);
        let bytes = sheet.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    fn refuse(received: &str) {
        tracing::info!(
            target: "refusal",
            trace_id = "0af7651916cd43dd8448eb211c80319c",
            issuer = "http://localhost:8080",
            endpoint = "authorize",
            client = %"\"demo-web\"",
            code = "invalid_request",
            rule = "redirect-uri-not-registered",
            clause = "RFC 6749 §3.1.2.3",
            parameter = %"",
            expected = %"a registered one",
            received = %received,
            fix = "register it",
            "refused"
        );
    }

    #[test]
    fn a_value_in_a_refusal_forges_no_line_and_steers_no_terminal() {
        let text = written(false, || refuse("a\r\n    fix        forged\u{1b}[2J\u{202e}\u{85}"));
        assert_eq!(text.lines().filter(|line| line.trim_start().starts_with("fix")).count(), 1, "{text}");
        assert!(!text.replace('\n', "").chars().any(|one| one.is_control() || one == '\u{202e}'), "{text:?}");
        assert!(
            text.contains("received   a\\u000d\\u000a    fix        forged\\u001b[2J\\u202e\\u0085"),
            "{text}"
        );
    }

    #[test]
    fn another_event_stays_one_line_whatever_is_in_it() {
        let text = written(false, || tracing::info!(why = %"a\nERROR forged\u{1b}[2J", "command refused"));
        assert_eq!(text.lines().count(), 1, "{text:?}");
        assert!(text.contains(" INFO ") && text.contains("a\\u000aERROR forged\\u001b[2J"), "{text:?}");
    }

    #[test]
    fn a_refusal_is_a_block_with_a_fact_to_a_line_and_no_empty_one() {
        let text = written(false, || refuse("\"http://localhost:3000/other\""));
        let (heading, facts) = text.split_once('\n').unwrap();
        assert!(
            heading.ends_with("Z refused at authorize of http://localhost:8080: invalid_request"),
            "{heading}"
        );
        assert_eq!(
            facts,
            "    client     \"demo-web\"\n    trace id   0af7651916cd43dd8448eb211c80319c\n    \
             rule       redirect-uri-not-registered\n    clause     RFC 6749 §3.1.2.3\n    expected   a registered one\n    \
             received   \"http://localhost:3000/other\"\n    fix        register it\n"
        );
        assert!(!text.contains('\u{1b}'), "no colour unless asked");
        assert!(written(true, || refuse("")).contains("\u{1b}[0m"));
    }

    #[test]
    fn a_login_page_that_cannot_be_shown_says_what_happened() {
        let text = written(false, || {
            tracing::info!(target: "login", trace_id = "1", issuer = "i", endpoint = "login", notice = ?"x".len(), "no such step");
        });
        assert!(
            text.contains("no such step") && text.lines().count() == 1,
            "an unknown notice stays a line: {text}"
        );
        #[derive(Debug)]
        struct CookieGone;
        let text = written(false, || {
            tracing::info!(target: "login", trace_id = "1", issuer = "i", endpoint = "login", notice = ?CookieGone, "no such step");
        });
        assert!(text.contains("no page at login of i: the login's cookie did not come"), "{text}");
    }

    #[test]
    fn what_the_listener_refuses_is_a_block_too() {
        let text = written(false, || {
            tracing::info!(target: "http", rule = "bare_lf", status = 400_u16, peer = %"127.0.0.1:1", "request refused");
        });
        let (heading, facts) = text.split_once('\n').unwrap();
        assert!(heading.ends_with("refused before any endpoint, as HTTP: 400"), "{heading}");
        assert_eq!(facts, "    peer       127.0.0.1:1\n    rule       bare_lf\n");
    }
}
