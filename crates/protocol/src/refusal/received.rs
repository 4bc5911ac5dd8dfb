//! What came, as far as it may be shown.

use std::fmt;

use super::sensitive::{Seen, is_shown_whole, shown};

/// What came, as far as it may be shown.
#[derive(Clone, PartialEq, Eq)]
pub enum Received {
    /// Nothing.
    Absent,
    /// A value that should be nobody's secret, with what looks like one taken out: see [`Received::text`].
    Text(Seen),
    /// A value that may be one: its length only, in characters.
    Hidden(usize),
    /// Likewise, and what it is.
    Kind(&'static str, usize),
    /// There is nothing to show: the state of things, not a value, is what refuses.
    State(&'static str),
}

impl Received {
    /// A value of the request that should be nobody's secret, as [`super::shown`].
    pub fn text(value: &str) -> Self {
        Self::Text(Seen::of(value))
    }

    /// One word of several: digits alone are told by their length, for they may be half of a number that was taken for two words.
    pub fn word(value: &str) -> Self {
        let is_number = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
        if is_number { Self::Kind("a number", value.len()) } else { Self::text(value) }
    }

    /// The path of a URL, as [`Self::text`]; names in it look like secrets and are none.
    pub fn path(value: &str) -> Self {
        Self::Text(Seen::of_path(value))
    }

    /// An identifier that nobody here knows: its [`beginning`].
    pub fn beginning(value: &str) -> Self {
        Self::Text(Seen::of(value).told_as(beginning(value)))
    }

    /// Likewise, or nothing.
    pub fn maybe(value: Option<&str>) -> Self {
        value.map_or(Self::Absent, Self::text)
    }

    /// The same in an `error_description`. A text that a service may show to a person comes from whoever made the request, and that
    /// may be a stranger's link: so it is quoted only if it is one short word, and no address. Otherwise it is told by its length, and by the kind of
    /// the first secret or number in it.
    pub(super) fn on_the_wire(&self) -> String {
        let Self::Text(seen) = self else { return self.to_string() };
        let (text, length) = (seen.text(), seen.length());
        let of_a_word = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:/+,".contains(&byte);
        let is_word =
            (1..=MOST_QUOTED).contains(&text.len()) && text.bytes().all(of_a_word) && !text.contains("//");
        match seen.first() {
            Some((kind, all)) if all == length => {
                format!("{} of {length} characters (not shown)", kind.one())
            }
            Some((kind, part)) => format!("{length} characters with {} of {part} (not shown)", kind.one()),
            None if is_word && text.chars().count() == length => format!("'{text}'"),
            None => format!("{length} characters"),
        }
    }
}

/// So many characters of a request are quoted in an answer at most.
const MOST_QUOTED: usize = 48;

impl fmt::Display for Received {
    /// Control and bidirectional characters come out escaped: a log line stays one line and reads in its own order.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => out.write_str("nothing"),
            Self::Text(seen) if seen.is_cut() => {
                write!(out, "\"{}\" and more, {} characters in all", inert(seen.text()), seen.length())
            }
            Self::Text(seen) => write!(out, "\"{}\"", inert(seen.text())),
            Self::Hidden(length) => write!(out, "{length} characters (not shown)"),
            Self::Kind(kind, length) => write!(out, "{kind} of {length} characters (not shown)"),
            Self::State(state) => out.write_str(state),
        }
    }
}

impl fmt::Debug for Received {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

/// The beginning of an identifier that nobody here knows: enough to recognise a misspelling, too little to use if it is a
/// secret that was put in the wrong place.
pub fn beginning(text: &str) -> String {
    let length = text.chars().count();
    if length <= 16 {
        return shown(text);
    }
    // The whole is looked at before it is cut: half a secret or number is not recognised any more.
    let seen = if is_shown_whole(text) { text.chars().take(8).collect() } else { String::new() };
    format!("{seen}... ({length} characters)")
}

/// Escapes what could break a line or turn its reading order.
pub fn inert(text: &str) -> String {
    text.chars()
        .flat_map(|character| {
            let risky = character.is_control()
                || matches!(character, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '"' | '\\');
            if risky { character.escape_unicode().collect::<Vec<_>>() } else { vec![character] }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use portvakt_crypto::random::Random;

    use super::*;
    use crate::secret::Code;

    #[test]
    fn a_beginning_is_of_what_may_be_shown_to_its_end() {
        let code = Code::draw(&Random::danger_seeded(9));
        for before in 0..40 {
            for secret in ["21879498012", code.reveal()] {
                let text = format!("{}.{secret}@skole.example.no", "x".repeat(before));
                assert!(beginning(&text).starts_with("... ("), "{}", beginning(&text));
            }
        }
        assert_eq!(beginning("21879498012@skole.example.no"), "... (28 characters)");
        assert_eq!(beginning("2f1c2f0e-6f7d-4b1c-9a53-0d1f3f3f2a10"), "2f1c2f0e... (36 characters)");
    }

    #[test]
    fn an_answer_quotes_one_word_and_no_sentence() {
        for (sent, told) in [
            ("client_credentials", "'client_credentials'"),
            ("urn:ietf:params:oauth:grant-type:jwt-bearer", "'urn:ietf:params:oauth:grant-type:jwt-bearer'"),
            ("skatt:inntekt/2016.read", "'skatt:inntekt/2016.read'"),
            ("https://evil.example/login", "26 characters"),
            ("//evil.example/login", "20 characters"),
            ("Sperret!Ring-22222222", "21 characters"),
            ("Call 22 22 22 22 now", "20 characters"),
            ("sk\u{e5}pe", "5 characters"),
            ("", "0 characters"),
        ] {
            assert_eq!(Received::text(sent).on_the_wire(), told);
        }
        assert_eq!(Received::text(&"a".repeat(49)).on_the_wire(), "49 characters");
        assert_eq!(
            Received::text(&"a".repeat(700)).on_the_wire(),
            "700 characters",
            "its own length, cut or not"
        );
    }

    #[test]
    fn an_answer_tells_a_secret_or_a_number_by_its_kind_and_length() {
        let code = Code::draw(&Random::danger_seeded(9));
        let wide = "x".repeat(300);
        for (sent, told) in [
            ("21879498012".to_owned(), "an identity number of 11 characters (not shown)".to_owned()),
            (
                "pid 21879498012!".to_owned(),
                "16 characters with an identity number of 11 (not shown)".to_owned(),
            ),
            (
                format!("{wide} 21879498012"),
                "312 characters with an identity number of 11 (not shown)".to_owned(),
            ),
            (code.reveal().to_owned(), "a code, token or secret of 43 characters (not shown)".to_owned()),
            ("Bearer abcdefgh12".to_owned(), "credentials of 17 characters (not shown)".to_owned()),
            ("eyJhbGciOiJub25lIn0.e30.".to_owned(), "a JWT of 24 characters (not shown)".to_owned()),
        ] {
            assert_eq!(Received::text(&sent).on_the_wire(), told);
        }
        assert_eq!(Received::word("218794").on_the_wire(), "a number of 6 characters (not shown)");
        assert_eq!(Received::word("Level3").on_the_wire(), "'Level3'");
        let told = Received::beginning("2f1c2f0e-6f7d-4b1c-9a53-0d1f3f3f2a10");
        assert_eq!(
            (told.to_string().as_str(), told.on_the_wire().as_str()),
            ("\"2f1c2f0e... (36 characters)\"", "36 characters")
        );
        assert_eq!(Received::beginning("skjema").on_the_wire(), "'skjema'");
        let number = Received::beginning("21879498012");
        assert_eq!(number.to_string(), "\"[identity number: 11 characters, not shown]\"");
        assert_eq!(number.on_the_wire(), "an identity number of 11 characters (not shown)");
    }

    #[test]
    fn what_came_is_shown_on_one_line_in_its_own_order() {
        let shown = Received::text("a\r\nb\u{202e}c\"").to_string();
        assert_eq!(shown, "\"a\\u{d}\\u{a}b\\u{202e}c\\u{22}\"");
        assert_eq!(Received::Hidden(6).to_string(), "6 characters (not shown)");
        assert_eq!(Received::Kind("a hint", 6).to_string(), "a hint of 6 characters (not shown)");
    }
}
