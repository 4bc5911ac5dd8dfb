//! What a refused registration is told: where, what stood there, and the rule. The value of a secret or of an identity number
//! is never part of it.

use std::borrow::Cow;
use std::fmt;

/// A field of a registration that breaks a rule. Nothing of a registration with a fault is taken into use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistrationFault {
    /// The field, such as `clients[3].redirect_uris[0]`; empty for a fault of the text as a whole.
    pub path: String,
    /// The line of the catalogue it stands on, from 1, where there is one.
    pub line: Option<u32>,
    /// What stood there.
    pub value: Shown,
    /// The rule: what it must be.
    pub rule: Cow<'static, str>,
}

impl fmt::Display for RegistrationFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.path)?;
        if self.value != Shown::Absent {
            write!(out, " = {}", self.value)?;
        }
        match (self.path.is_empty(), self.line) {
            (true, Some(line)) => write!(out, "line {line}: {}", self.rule),
            (true, None) => out.write_str(&self.rule),
            (false, Some(line)) => write!(out, ": {} (line {line})", self.rule),
            (false, None) => write!(out, ": {}", self.rule),
        }
    }
}

impl std::error::Error for RegistrationFault {}

/// A refused value, as far as it may be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    /// Nothing stood there.
    Absent,
    /// The value, as the catalogue would spell it.
    Value(String),
    /// Its kind and length only: it is, or may be, a secret or an identity number.
    Withheld {
        /// What kind of value it is: `text`, `number` or the like.
        kind: &'static str,
        /// How many characters or elements it has.
        length: usize,
    },
}

/// No more of a value than this many characters is shown.
const LONGEST_SHOWN: usize = 200;

impl Shown {
    /// A text. One that an identity number may stand in is withheld, whatever the field.
    pub fn text(text: &str) -> Self {
        if has_eleven_digits(text) {
            return Self::withheld("text", text);
        }
        let mut shown: String = text.chars().take(LONGEST_SHOWN).collect();
        if shown.len() < text.len() {
            shown.push('…');
        }
        Self::Value(format!("{shown:?}"))
    }

    /// A number.
    pub fn number(number: i64) -> Self {
        let text = number.to_string();
        if has_eleven_digits(&text) { Self::withheld("number", &text) } else { Self::Value(text) }
    }

    /// Only what kind of value it is and how long its text.
    pub fn withheld(kind: &'static str, text: &str) -> Self {
        Self::Withheld { kind, length: text.chars().count() }
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => Ok(()),
            Self::Value(text) => out.write_str(text),
            Self::Withheld { kind, length } => {
                let unit = if matches!(*kind, "array" | "table") { "entries" } else { "characters" };
                write!(out, "({kind} of {length} {unit})")
            }
        }
    }
}

/// Whether eleven digits or more stand in a row: what an identity number looks like.
pub(crate) fn has_eleven_digits(text: &str) -> bool {
    text.split(|character: char| !character.is_ascii_digit()).any(|run| run.len() >= 11)
}

/// Faults as they are found, under the path of what is being judged.
#[derive(Debug)]
pub(crate) struct Faults {
    prefix: String,
    found: Vec<RegistrationFault>,
}

impl Faults {
    /// None yet, of fields under `prefix` (`clients[3]`, or empty).
    pub(crate) fn under(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned(), found: Vec::new() }
    }

    /// One more: `field` is a path under the prefix.
    pub(crate) fn refuse(&mut self, field: &str, value: Shown, rule: impl Into<Cow<'static, str>>) {
        self.found.push(RegistrationFault {
            path: join(&self.prefix, field),
            line: None,
            value,
            rule: rule.into(),
        });
    }

    /// Takes over faults found without knowledge of the prefix.
    pub(crate) fn take_over(&mut self, faults: Vec<RegistrationFault>) {
        for fault in faults {
            self.found.push(RegistrationFault { path: join(&self.prefix, &fault.path), ..fault });
        }
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// The faults, in the order found.
    pub(crate) fn into_found(self) -> Vec<RegistrationFault> {
        self.found
    }
}

/// The path of a field of `prefix`.
pub(crate) fn join(prefix: &str, field: &str) -> String {
    match (prefix.is_empty(), field.is_empty()) {
        (true, _) => field.to_owned(),
        (_, true) => prefix.to_owned(),
        (false, false) => format!("{prefix}.{field}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_number_is_never_shown_whatever_the_field() {
        for text in ["21879498012", "Kari 21879498012", "http://localhost/21879498012"] {
            assert_eq!(Shown::text(text), Shown::withheld("text", text), "{text}");
        }
        assert_eq!(Shown::number(21_879_498_012).to_string(), "(number of 11 characters)");
        assert_eq!(Shown::text("991825827").to_string(), "\"991825827\"");
    }

    #[test]
    fn a_shown_text_cannot_steer_a_terminal_and_is_not_endless() {
        assert_eq!(Shown::text("a\u{1b}[2J\u{202e}b").to_string(), r#""a\u{1b}[2J\u{202e}b""#);
        assert_eq!(Shown::text(&"x".repeat(5000)).to_string().chars().count(), 203);
    }

    #[test]
    fn a_fault_tells_path_value_rule_and_line() {
        let mut faults = Faults::under("clients[3]");
        faults.refuse(
            "redirect_uris[0]",
            Shown::text("http://a.example/"),
            "must have the scheme https in production",
        );
        let mut fault = faults.into_found().remove(0);
        assert_eq!(
            fault.to_string(),
            "clients[3].redirect_uris[0] = \"http://a.example/\": must have the scheme https in production"
        );
        (fault.line, fault.value) = (Some(12), Shown::Absent);
        assert_eq!(
            fault.to_string(),
            "clients[3].redirect_uris[0]: must have the scheme https in production (line 12)"
        );
        fault.path.clear();
        assert_eq!(fault.to_string(), "line 12: must have the scheme https in production");
    }
}
