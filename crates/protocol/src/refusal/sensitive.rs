//! What in a text looks like somebody's secret or number. People paste them into the wrong field, so every text of a request passes
//! through here before anyone reads it: each is named by kind and length.

use crate::person::Pid;

/// Of a value this much is shown, in characters.
const MOST_SHOWN: usize = 200;

/// Of a value this much is read: what begins within the shown part is seen to its end.
const MOST_READ: usize = 512;

/// What we draw is this long: 256 bits as base64url.
const DRAWN: usize = 43;

/// What others draw is this long at least, in hexadecimal or base64: shorter ones look like any identifier.
const SHORTEST: usize = 32;

/// What a text has in it that is not for everybody's eyes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sensitive {
    /// An identity number.
    Number,
    /// A scheme of the `Authorization` header, and what follows it.
    Credentials,
    /// A signed or encrypted object, or what begins like one.
    Jwt,
    /// What somebody drew by lot.
    Drawn,
}

impl Sensitive {
    fn name(self) -> &'static str {
        match self {
            Self::Number => "identity number",
            Self::Credentials => "credentials",
            Self::Jwt => "JWT",
            Self::Drawn => "code, token or secret",
        }
    }

    /// The name, with its article.
    pub(super) fn one(self) -> String {
        let article = match self {
            Self::Number => "an ",
            Self::Credentials => "",
            Self::Jwt | Self::Drawn => "a ",
        };
        format!("{article}{}", self.name())
    }
}

/// A text that was looked through: what may be shown of it, and what it was.
#[derive(Clone, PartialEq, Eq)]
pub struct Seen {
    text: String,
    length: usize,
    is_cut: bool,
    first: Option<(Sensitive, usize)>,
}

impl Seen {
    /// Looks a text through.
    pub(super) fn of(value: &str) -> Self {
        let read: Vec<char> = value.chars().take(MOST_READ).collect();
        let (text, _) = redacted(&read, MOST_SHOWN);
        let (_, first) = redacted(&read, MOST_READ);
        let length = value.chars().count();
        Self { text, length, is_cut: length > MOST_SHOWN, first }
    }

    /// The same, of which something else is shown that says how long it is.
    pub(super) fn told_as(self, text: String) -> Self {
        Self { text, is_cut: false, ..self }
    }

    /// What may be shown: see [`shown`].
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The length of the whole, in characters, whatever is shown of it.
    pub(super) fn length(&self) -> usize {
        self.length
    }

    /// Whether there is more than what is shown.
    pub(super) fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// The first secret or number in it, and its length.
    pub(super) fn first(&self) -> Option<(Sensitive, usize)> {
        self.first
    }
}

/// A text of a request, cut to a readable length, with each part that looks like an identity number or like
/// something drawn by lot replaced by its kind and length. Other secrets look like any word: what is secret by its place has its own
/// row, and no text.
pub fn shown(value: &str) -> String {
    Seen::of(value).text
}

/// Whether a value has nothing in it, to its very end, that [`shown`] would take out. One too long to be read is not looked through.
pub fn is_shown_whole(value: &str) -> bool {
    let read: Vec<char> = value.chars().take(MOST_READ + 1).collect();
    read.len() <= MOST_READ && redacted(&read, MOST_READ).0.chars().eq(value.chars())
}

/// Whether an identity number stands somewhere in a value, as [`shown`] would find it. The caller sees to it that the value is short.
pub fn holds_number(value: &str) -> bool {
    let read: Vec<char> = value.chars().collect();
    (0..read.len()).any(|at| read.get(at..).and_then(number).is_some())
}

/// The first `most` characters of `read`, without secrets, and the first of those.
fn redacted(read: &[char], most: usize) -> (String, Option<(Sensitive, usize)>) {
    let (mut shown, mut first) = (String::new(), None);
    let path = path_of_url(read);
    let mut rest = read;
    // Counted in what was read, so that a replacement does not let more through.
    while let Some(at) = read.len().checked_sub(rest.len()).filter(|at| *at < most) {
        let before = at.checked_sub(1).and_then(|before| read.get(before)).copied();
        match secret(rest, before, at < path) {
            Some((kind, length)) => {
                shown.push_str(&format!("[{}: {length} characters, not shown]", kind.name()));
                first = first.or(Some((kind, length)));
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
    (shown, first)
}

/// How many characters of `read` are the URL that it begins with, up to its query; 0 if it begins with none. A path has names in it
/// that look as if they were drawn by lot, and whoever looks for a misspelling has to read them.
fn path_of_url(read: &[char]) -> usize {
    let is_url = ["https://", "http://"].into_iter().any(|scheme| begins(read, scheme));
    if is_url { run(read, |character| !matches!(character, '?' | '#')) } else { 0 }
}

/// The secret that `text` begins with, as far as can be told: what it is, and its length. `before`: the character in front of it.
fn secret(text: &[char], before: Option<char>, in_path: bool) -> Option<(Sensitive, usize)> {
    if let Some(length) = number(text) {
        return Some((Sensitive::Number, length));
    }
    let hexadecimal = || hexadecimal(text).filter(|_| !before.is_some_and(|it| it.is_ascii_alphanumeric()));
    if let Some(length) = hexadecimal().filter(|_| !in_path) {
        return Some((Sensitive::Drawn, length));
    }
    if before.is_some_and(is_word) {
        return None;
    }
    if let Some(length) = credentials(text) {
        return Some((Sensitive::Credentials, length));
    }
    let word = run(text, is_word);
    let jwt = run(text, |character| is_word(character) || character == '.');
    if jwt > word && text.starts_with(&['e', 'y', 'J']) {
        return Some((Sensitive::Jwt, jwt));
    }
    if let Some(length) = base64(text).filter(|_| !in_path) {
        return Some((Sensitive::Drawn, length));
    }
    (word >= DRAWN && is_mixed(text.get(..word)?)).then_some((Sensitive::Drawn, word))
}

/// 128 bits or more in hexadecimal: digits and letters, up to the next character that is neither.
fn hexadecimal(text: &[char]) -> Option<usize> {
    let word = text.get(..run(text, |character| character.is_ascii_alphanumeric()))?;
    let is_hexadecimal = word.iter().all(char::is_ascii_hexdigit);
    let is_both = word.iter().any(char::is_ascii_digit) && word.iter().any(char::is_ascii_alphabetic);
    (word.len() >= SHORTEST && is_hexadecimal && is_both).then_some(word.len())
}

/// What is in base64, not base64url, and looks as if it was drawn by lot.
fn base64(text: &[char]) -> Option<usize> {
    let length = run(text, |character| is_word(character) || matches!(character, '+' | '/'));
    let (drawn, rest) = text.split_at_checked(length)?;
    let padding = run(rest, |character| character == '=').min(2);
    let digits = drawn.iter().filter(|character| character.is_ascii_digit()).count();
    let is_base64 = padding > 0 || drawn.contains(&'+') || (drawn.contains(&'/') && digits >= 4);
    let all = length + padding;
    (all >= SHORTEST && is_base64 && digits > 0 && is_mixed(drawn)).then_some(all)
}

fn is_mixed(text: &[char]) -> bool {
    text.iter().any(char::is_ascii_uppercase) && text.iter().any(char::is_ascii_lowercase)
}

/// Whether a text begins with these letters, in any case.
fn begins(text: &[char], with: &str) -> bool {
    text.len() >= with.len()
        && text.iter().zip(with.chars()).all(|(character, known)| character.eq_ignore_ascii_case(&known))
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
        let value = text.get(scheme.len()..).filter(|_| begins(text, scheme))?;
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
    use portvakt_crypto::encoding::{base64_encode, hex_encode};
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
    fn what_others_draw_is_named_too() {
        let random = Random::danger_seeded(8);
        for _ in 0..500 {
            let bytes: [u8; 32] = random.bytes();
            let shorter = &bytes[..24];
            for drawn in [
                hex_encode(&bytes),
                hex_encode(&bytes[..16]),
                base64_encode(&bytes),
                base64_encode(&[&bytes[..], shorter].concat()),
            ] {
                let harmless = !drawn.contains(['+', '/', '=']) && drawn.len() > 64;
                for around in [
                    drawn.clone(),
                    format!("secret {drawn}"),
                    format!("sk_{drawn}"),
                    format!("https://rp.example.no/cb?key={drawn}&x=1"),
                ] {
                    let shown = shown(&around);
                    assert!(!shown.contains(&drawn[..12]) || harmless, "{shown}");
                }
            }
        }
        let path =
            "https://rp.example.no/oauth2/5d41402abc4b2a76b9719d911017c592/Logg/Inn/Etter/Retur1/2/3/4";
        assert_eq!(shown(path), path, "whoever looks for a misspelling has to read it");
    }

    #[test]
    fn what_developers_need_to_read_stays() {
        for text in [
            "application/x-www-form-urlencoded; charset=UTF-8",
            "12345678901234567890123456789012",
            "abcdefabcdefabcdefabcdefabcdefab",
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
