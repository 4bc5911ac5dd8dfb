//! Logs: structured, to standard error, one line an event; for people a refusal is a block of lines. A developer's server keeps one in
//! its folder besides.

mod explaining;
mod kept;
mod terminal;

use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};
use std::panic::PanicHookInfo;

use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

pub(crate) use explaining::{Explaining, explaining};
pub(crate) use kept::{FILES, KeptLog};
pub(crate) use terminal::{happened, legible};

/// How to log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Logging {
    /// The form of a line.
    pub(crate) format: LogFormat,
    /// The least of what is logged.
    pub(crate) level: LogLevel,
}

impl Default for Logging {
    fn default() -> Self {
        Self { format: LogFormat::Json, level: LogLevel::Info }
    }
}

/// The form of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// One JSON object.
    Json,
    /// Text for people.
    Text,
}

impl LogFormat {
    /// The format of that name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "json" => Some(Self::Json),
            "text" => Some(Self::Text),
            _ => None,
        }
    }
}

/// The least of what is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogLevel {
    /// What failed on our side.
    Error,
    /// And what an operator should look at.
    Warn,
    /// And what happened.
    Info,
    /// And what refusals and connections were like.
    Debug,
    /// And everything else.
    Trace,
}

impl LogLevel {
    /// The level of that name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "error" => Some(Self::Error),
            "warn" => Some(Self::Warn),
            "info" => Some(Self::Info),
            "debug" => Some(Self::Debug),
            "trace" => Some(Self::Trace),
            _ => None,
        }
    }

    fn filter(self) -> LevelFilter {
        match self {
            Self::Error => LevelFilter::ERROR,
            Self::Warn => LevelFilter::WARN,
            Self::Info => LevelFilter::INFO,
            Self::Debug => LevelFilter::DEBUG,
            Self::Trace => LevelFilter::TRACE,
        }
    }
}

/// What other people's crates say below `info` may quote a request, and with it a secret: it is never logged.
const OTHERS: [&str; 9] =
    ["hyper", "hyper_util", "rustls", "tokio_rustls", "tokio", "mio", "axum", "tower", "rusqlite"];

/// Starts logging, for this process and for good.
pub(crate) fn start(logging: Logging) {
    begin(logging, None);
    explaining::settle(match logging.format {
        LogFormat::Json => Explaining::Elsewhere,
        LogFormat::Text => Explaining::Here,
    });
}

/// The same, with a log that is kept too, once it has a folder.
pub(crate) fn start_and_keep(logging: Logging) -> KeptLog {
    let kept = KeptLog::default();
    begin(logging, Some(kept.clone()));
    kept
}

fn begin(logging: Logging, kept: Option<KeptLog>) {
    let own = logging.level.filter();
    let others = own.min(LevelFilter::INFO);
    let targets = Targets::new().with_default(own).with_targets(OTHERS.map(|name| (name, others)));
    let layer = match logging.format {
        LogFormat::Json => json(|| Line(io::stderr())).boxed(),
        LogFormat::Text => tracing_subscriber::fmt::layer()
            .event_format(terminal::Terminal::new(may_colour()))
            .with_writer(|| Patient(io::stderr()))
            .boxed(),
    };
    // Someone else's subscriber is there already only in a test, which then reads that one.
    let _ = tracing_subscriber::registry()
        .with(layer.with_filter(targets.clone()))
        .with(kept.map(|kept| json(move || Line(kept.clone()))).with_filter(targets))
        .try_init();
    std::panic::set_hook(Box::new(log_panic));
}

/// Events as JSON, each a flat object on a line of its own.
fn json<S, W>(writer: W) -> impl Layer<S> + Send + Sync
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_writer(writer)
}

/// Tells the developer something on lines of its own, whatever the log's format. Nothing in them steers the terminal.
pub(crate) fn say(lines: &str) {
    let mut text = String::with_capacity(lines.len() + 1);
    for line in lines.lines() {
        text.push_str(&legible(line));
        text.push('\n');
    }
    let _ = Patient(io::stderr()).write_all(text.as_bytes());
}

/// Whether standard error is a terminal whose user has nothing against colours (<https://no-color.org>).
#[expect(clippy::disallowed_methods, reason = "what NO_COLOR is about is this process's own terminal")]
fn may_colour() -> bool {
    io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Where it happened, and not what was said: a panic's text may quote a request.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    tracing::error!(target: "broken", place, "panic: this is a mistake in the program");
}

/// Writes a whole event as one line: a control character in it, which would begin another line or steer a terminal, is
/// written as JSON escapes it. The formatter hands over an event at a time, ended by its one line feed.
struct Line<W>(W);

impl<W: Write> Write for Line<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        Patient(&mut self.0).write(one_line(&String::from_utf8_lossy(event)).as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Patient(&mut self.0).flush()
    }
}

/// Never fails: a log that nobody reads any more must not become a request's failure.
struct Patient<W>(W);

impl<W: Write> Write for Patient<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let _ = self.0.write_all(event);
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let _ = self.0.flush();
        Ok(())
    }
}

fn one_line(event: &str) -> Cow<'_, str> {
    let body = event.strip_suffix('\n').unwrap_or(event);
    if body.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        return Cow::Borrowed(event);
    }
    let mut line = String::with_capacity(event.len());
    for character in body.chars() {
        if character.is_control() || matches!(character, '\u{2028}' | '\u{2029}') {
            line.push_str(&format!("\\u{:04x}", u32::from(character)));
        } else {
            line.push(character);
        }
    }
    if body.len() < event.len() {
        line.push('\n');
    }
    Cow::Owned(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_control_character_neither_breaks_a_line_nor_steers_a_terminal() {
        let mut written = Vec::new();
        let event = "INFO refused path=\"/a\r\nERROR forged\u{1b}[2J\u{85}\u{2028}\"\n";
        Line(&mut written).write_all(event.as_bytes()).unwrap();
        let line = String::from_utf8(written).unwrap();
        assert_eq!(line, "INFO refused path=\"/a\\u000d\\u000aERROR forged\\u001b[2J\\u0085\\u2028\"\n");
    }

    #[test]
    fn a_log_that_nobody_reads_fails_no_request() {
        struct Gone;
        impl Write for Gone {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
        }
        let mut line = Line(Gone);
        assert!(line.write_all(b"INFO a\n").is_ok() && line.flush().is_ok());
    }

    #[test]
    fn a_json_line_stays_json() {
        let event = format!("{}\n", serde_json::json!({ "message": "a\nb\u{7f}\u{85}" }));
        let line = one_line(&event);
        assert!(!line.trim_end_matches('\n').chars().any(char::is_control));
        let read: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(read["message"], "a\nb\u{7f}\u{85}");
    }
}
