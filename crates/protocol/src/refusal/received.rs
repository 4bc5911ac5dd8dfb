//! What came, as far as it may be shown. People paste secrets and numbers into the wrong field, so every text of a request passes
//! through here before anyone reads it: what looks like one of them is named by kind and length.

use std::fmt;

use crate::person::Pid;

/// What came, as far as it may be shown.
#[derive(Clone, PartialEq, Eq)]
pub enum Received {
    /// Nothing.
    Absent,
    /// A value that is nobody's secret, with what looks like one taken out: see [`Received::text`].
    Text(String),
    /// A value that may be one: its length only, in characters.
    Hidden(usize),
    /// Likewise, and what it is.
    Kind(&'static str, usize),
    /// There is nothing to show: the state of things, not a value, is what refuses.
    State(&'static str),
}

impl Received {
    /// A value of the request that should be nobody's secret, as [`shown`].
    pub fn text(value: &str) -> Self {
        Self::Text(shown(value))
    }

    /// Likewise, or nothing.
    pub fn maybe(value: Option<&str>) -> Self {
        value.map_or(Self::Absent, Self::text)
    }

    /// The same in an `error_description`. A text that a service may show to a person comes from whoever made the request, and that
    /// may be a stranger's link: so it is quoted only if it is one short word, and told by its length otherwise.
    pub(super) fn on_the_wire(&self) -> String {
        match self {
            Self::Text(text) => {
                let is_word = text.len() <= MOST_QUOTED && text.bytes().all(|byte| byte.is_ascii_graphic());
                match text.chars().count() {
                    _ if is_word && !text.is_empty() => format!("'{text}'"),
                    length => format!("{length} characters"),
                }
            }
            Self::Absent | Self::Hidden(_) | Self::Kind(..) | Self::State(_) => self.to_string(),
        }
    }
}

/// So many characters of a request are quoted in an answer at most.
const MOST_QUOTED: usize = 80;

impl fmt::Display for Received {
    /// Control and bidirectional characters come out escaped: a log line stays one line and reads in its own order.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => out.write_str("nothing"),
            Self::Text(text) => write!(out, "\"{}\"", inert(text)),
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
        return text.to_owned();
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

/// Of a value this much is shown, in characters.
const MOST_SHOWN: usize = 200;

/// Of a value this much is read: what begins within the shown part is seen to its end.
const MOST_READ: usize = 512;

/// What we draw is this long: 256 bits as base64url.
const DRAWN: usize = 43;

/// A text of a request, cut to a readable length, with each part that looks like an identity number or one of our own secrets replaced
/// by its kind and length. A secret of another make looks like any word: what is secret by its place has its own row, and no text.
pub fn shown(value: &str) -> String {
    let read: Vec<char> = value.chars().take(MOST_READ).collect();
    redacted(&read, MOST_SHOWN)
}

/// Whether a value has nothing in it, to its very end, that [`shown`] would take out. One too long to be read is not looked through.
pub fn is_shown_whole(value: &str) -> bool {
    let read: Vec<char> = value.chars().take(MOST_READ + 1).collect();
    read.len() <= MOST_READ && redacted(&read, MOST_READ).chars().eq(value.chars())
}

/// Whether an identity number stands somewhere in a value, as [`shown`] would find it. The caller sees to it that the value is short.
pub fn holds_number(value: &str) -> bool {
    let read: Vec<char> = value.chars().collect();
    (0..read.len()).any(|at| read.get(at..).and_then(number).is_some())
}

/// The first `most` characters of `read`, without secrets.
fn redacted(read: &[char], most: usize) -> String {
    let mut shown = String::new();
    let mut rest = read;
    // Counted in what was read, so that a replacement does not let more through.
    while let Some(at) = read.len().checked_sub(rest.len()).filter(|at| *at < most) {
        let starts =
            at.checked_sub(1).and_then(|before| read.get(before)).is_none_or(|before| !is_word(*before));
        match secret(rest, starts) {
            Some((kind, length)) => {
                shown.push_str(&format!("[{kind}: {length} characters, not shown]"));
                rest = rest.get(length..).unwrap_or_default();
            }
            None => match rest.split_first() {
                Some((character, after)) => {
                    shown.push(*character);
                    rest = after;
                }
                None => break,
            },
        }
    }
    shown
}

/// The secret that `text` begins with, as far as can be told: what it is, and its length. `starts`: no word goes on here.
fn secret(text: &[char], starts: bool) -> Option<(&'static str, usize)> {
    if let Some(length) = number(text) {
        return Some(("identity number", length));
    }
    if !starts {
        return None;
    }
    if let Some(length) = credentials(text) {
        return Some(("credentials", length));
    }
    let word = run(text, is_word);
    let jwt = run(text, |character| is_word(character) || character == '.');
    if jwt > word && text.starts_with(&['e', 'y', 'J']) {
        return Some(("JWT", jwt));
    }
    let drawn = text.get(..word)?;
    let mixed = drawn.iter().any(char::is_ascii_uppercase) && drawn.iter().any(char::is_ascii_lowercase);
    (word >= DRAWN && mixed).then_some(("code, token or secret", word))
}

/// An identity number in one piece or as `DDMMYY NNNNN`, and the digits that follow on it.
fn number(text: &[char]) -> Option<usize> {
    let is_digit = |character: char| character.is_ascii_digit();
    let digits = run(text, is_digit);
    let is_pid = |text: &[char]| Pid::parse(&text.iter().collect::<String>()).is_ok();
    if text.get(..11).is_some_and(is_pid) {
        return Some(digits);
    }
    let (date, rest) = text.split_at_checked(digits).filter(|_| digits == 6)?;
    let (_, ending) = rest.split_first().filter(|(gap, _)| matches!(gap, ' ' | '-' | '.' | '+'))?;
    let ending = ending.get(..5).filter(|_| run(ending, is_digit) == 5)?;
    is_pid(&[date, ending].concat()).then_some(12)
}

/// `Basic` or `Bearer`, in any case, with what follows.
fn credentials(text: &[char]) -> Option<usize> {
    ["basic ", "bearer "].into_iter().find_map(|scheme| {
        let named = text.len() > scheme.len()
            && text
                .iter()
                .zip(scheme.chars())
                .all(|(character, known)| character.eq_ignore_ascii_case(&known));
        let value = text.get(scheme.len()..).filter(|_| named)?;
        let length =
            run(value, |character| is_word(character) || matches!(character, '+' | '/' | '=' | '.' | '~'));
        (length >= 8).then_some(scheme.len() + length)
    })
}

fn is_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '-' | '_')
}

/// How many characters from the start on are of one sort.
fn run(text: &[char], of: impl Fn(char) -> bool) -> usize {
    text.iter().position(|character| !of(*character)).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use portvakt_crypto::random::Random;
    use proptest::prelude::*;

    use super::*;
    use crate::secret::{ClientSecret, Code};

    const NUMBERS: [&str; 4] = ["21879498012", "20914695016", "45840375084", "47906701517"];

    #[test]
    fn a_number_is_named_wherever_it_stands() {
        for number in NUMBERS {
            let (date, ending) = number.split_at(6);
            for around in [
                number.to_owned(),
                format!("{date} {ending}"),
                format!("{date}-{ending}"),
                format!("Level3 {number}"),
                format!("https://rp.example.no/cb?pid={number}&x=1"),
                format!("9{number}7"),
                format!("a{number}b"),
                format!("{}{number}", "x".repeat(195)),
            ] {
                let shown = shown(&around);
                assert!(!shown.contains(number) && !shown.contains(ending), "{shown}");
                assert!(shown.contains("[identity number: "), "{shown}");
            }
        }
        assert_eq!(shown("?pid=21879498012&x"), "?pid=[identity number: 11 characters, not shown]&x");
    }

    #[test]
    fn what_we_draw_and_sign_is_named_wherever_it_stands() {
        let random = Random::danger_seeded(7);
        for _ in 0..2000 {
            let (code, secret) = (Code::draw(&random), ClientSecret::draw(&random));
            for around in [
                code.reveal().to_owned(),
                format!("authorization_code {}", secret.reveal()),
                format!("https://rp.example.no/cb?code={}&state=x", code.reveal()),
                format!("{}{}", code.reveal(), secret.reveal()),
                format!("{}/{}", "x".repeat(190), code.reveal()),
            ] {
                let shown = shown(&around);
                assert!(
                    !shown.contains(&code.reveal()[..9]) && !shown.contains(&secret.reveal()[..9]),
                    "{shown}"
                );
                assert!(shown.contains("[code, token or secret: "), "{shown}");
            }
        }
        let jwt = shown("x eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln y");
        assert_eq!(jwt, "x [JWT: 41 characters, not shown] y");
        assert_eq!(shown("bAsIc d2ViOnNlY3JldA== z"), "[credentials: 22 characters, not shown] z");
    }

    #[test]
    fn a_beginning_is_of_what_may_be_shown_to_its_end() {
        let code = Code::draw(&Random::danger_seeded(9));
        for before in 0..40 {
            for secret in [NUMBERS[0], code.reveal()] {
                let text = format!("{}.{secret}@skole.example.no", "x".repeat(before));
                assert!(beginning(&text).starts_with("... ("), "{}", beginning(&text));
            }
        }
        assert_eq!(beginning("21879498012@skole.example.no"), "... (28 characters)");
        assert_eq!(beginning("2f1c2f0e-6f7d-4b1c-9a53-0d1f3f3f2a10"), "2f1c2f0e... (36 characters)");
    }

    #[test]
    fn what_developers_need_to_read_stays() {
        for text in [
            "https://rp.example.no:8443/oauth2/callback/with-a-rather-long-name-that-nobody-would-call-short?x=1",
            "2f1c2f0e-6f7d-4b1c-9a53-0d1f3f3f2a10",
            "idporten-loa-substantial idporten-loa-high",
            "21879498013",
            "12345678901",
            "991825827",
            "urn:ietf:params:oauth:grant-type:jwt-bearer",
            "basic openid",
            "eyJust.a.word",
        ] {
            let expected = if text.starts_with("eyJ") { "[JWT: 13 characters, not shown]" } else { text };
            assert_eq!(shown(text), expected);
        }
    }

    #[test]
    fn a_value_is_whole_only_if_nothing_would_be_taken_out_of_it_to_its_end() {
        for before in [0, 1, 150, 199, 200, 201, 300, 490] {
            let around = format!("{}?pid={}", "a".repeat(before), NUMBERS[0]);
            let harmless = around.replace(NUMBERS[0], "12345");
            assert!(!is_shown_whole(&around) && holds_number(&around), "{before}");
            assert!(is_shown_whole(&harmless) && !holds_number(&harmless), "{before}");
        }
        assert!(!is_shown_whole(&"a".repeat(MOST_READ + 1)), "what is not read is not vouched for");
    }

    #[test]
    fn an_answer_quotes_one_word_and_no_sentence() {
        for (sent, told) in [
            ("client_credentials", "'client_credentials'"),
            ("https://rp.example.no/cb?x=1", "'https://rp.example.no/cb?x=1'"),
            ("Call 22 22 22 22 now", "20 characters"),
            ("sk\u{e5}pe", "5 characters"),
            ("", "0 characters"),
        ] {
            assert_eq!(Received::text(sent).on_the_wire(), told);
        }
        assert!(Received::text(&"a".repeat(81)).on_the_wire().starts_with("81 characters"));
        assert!(!Received::text("21879498012").on_the_wire().contains("2187"));
    }

    #[test]
    fn what_came_is_shown_on_one_line_in_its_own_order() {
        let shown = Received::text("a\r\nb\u{202e}c\"").to_string();
        assert_eq!(shown, "\"a\\u{d}\\u{a}b\\u{202e}c\\u{22}\"");
        assert_eq!(Received::Hidden(6).to_string(), "6 characters (not shown)");
        assert_eq!(Received::Kind("a hint", 6).to_string(), "a hint of 6 characters (not shown)");
    }

    proptest! {
        #[test]
        fn no_text_is_endless_and_no_number_passes(before in ".{0,300}", after in ".{0,300}", pick in 0..NUMBERS.len()) {
            let number = NUMBERS.get(pick).copied().unwrap_or_default();
            let shown = shown(&format!("{before}{number}{after}"));
            prop_assert!(!shown.contains(number));
            prop_assert!(shown.chars().count() < MOST_SHOWN * 12);
        }
    }
}
