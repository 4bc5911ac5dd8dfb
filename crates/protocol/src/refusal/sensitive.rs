//! What in a text looks like somebody's secret or number. People paste them into the wrong field, so every text of a request passes
//! through here before anyone reads it: each is named by kind and length.

use crate::person::Pid;

/// Of a value this much is shown, in characters.
const MOST_SHOWN: usize = 200;

/// Of a value this much is looked through; a token that goes on is followed to its end.
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
        Self::read(value, path_of_url)
    }

    /// Looks the path of a URL through, up to its query.
    pub(super) fn of_path(value: &str) -> Self {
        Self::read(value, path)
    }

    fn read(value: &str, path: impl Fn(&[char]) -> usize) -> Self {
        let read: Vec<char> = value.chars().take(MOST_READ).collect();
        // Tokens are longer than what is read.
        let more = value.chars().skip(MOST_READ).take_while(|character| is_token(*character)).count();
        let text = Text { read: &read, path: path(&read), more };
        let (shown, seen) = (text.redacted(MOST_SHOWN), text.redacted(MOST_READ));
        let length = value.chars().count();
        Self { text: shown.text, length, is_cut: shown.until < length, first: seen.first }
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

/// A text of a request, cut to a readable length, with each part that looks like an identity number or like something drawn by lot
/// replaced by its kind and length. Other secrets look like any word: what is secret by its place has its own row, and no text.
pub fn shown(value: &str) -> String {
    Seen::of(value).text
}

/// Whether a value has nothing in it, to its very end, that [`shown`] would take out. One too long to be read is not looked through.
pub fn is_shown_whole(value: &str) -> bool {
    value.chars().nth(MOST_READ).is_none() && Seen::of(value).first.is_none()
}

/// Whether an identity number stands somewhere in a value, as [`shown`] would find it. The caller sees to it that the value is short.
pub fn holds_number(value: &str) -> bool {
    let read: Vec<char> = value.chars().collect();
    (0..read.len()).any(|at| read.get(at..).and_then(number).is_some())
}

/// A text as it is looked through.
struct Text<'a> {
    /// Its first characters.
    read: &'a [char],
    /// How many of them are a URL's path: it has names in it that look as if they were drawn by lot, and whoever looks for a misspelling has
    /// to read them.
    path: usize,
    /// How many characters of a token come after them.
    more: usize,
}

/// What may be shown of a text.
struct Redacted {
    text: String,
    /// The first secret or number, and its length.
    first: Option<(Sensitive, usize)>,
    /// How many characters it tells of.
    until: usize,
}

impl Text<'_> {
    /// The first `most` characters, without secrets.
    fn redacted(&self, most: usize) -> Redacted {
        let (mut text, mut first) = (String::new(), None);
        // Counted in what was read, so that a replacement does not let more through.
        let (mut until, mut before) = (0, None);
        while until < most {
            let rest = self.read.get(until..).unwrap_or_default();
            let Some(character) = rest.first() else { break };
            if let Some((kind, length)) = secret(rest, before, until < self.path) {
                let whole =
                    if length == rest.len() && self.may_go_on() { length + self.more } else { length };
                text.push_str(&format!("[{}: {whole} characters, not shown]", kind.name()));
                first = first.or(Some((kind, whole)));
                until += whole;
                // What follows on it begins anew.
                before = None;
            } else {
                text.push(*character);
                until += 1;
                before = Some(*character);
            }
        }
        Redacted { text, first, until }
    }

    /// Whether there may be more than what was read.
    fn may_go_on(&self) -> bool {
        self.read.len() == MOST_READ
    }
}

/// How many characters of `read` are the URL that it begins with, up to its query; 0 if it begins with none.
fn path_of_url(read: &[char]) -> usize {
    let scheme =
        run(read, |character| character.is_ascii_alphanumeric() || matches!(character, '+' | '-' | '.'));
    let is_url = scheme > 0 && read.get(scheme..).is_some_and(|rest| rest.starts_with(&[':', '/']));
    if is_url { path(read) } else { 0 }
}

/// How many characters of a URL come before its query.
fn path(read: &[char]) -> usize {
    run(read, |character| !matches!(character, '?' | '#') && !character.is_whitespace())
}

/// The secret that `text` begins with, as far as can be told: what it is, and its length. `before`: the character in front of it.
fn secret(text: &[char], before: Option<char>, in_path: bool) -> Option<(Sensitive, usize)> {
    let starts = !before.is_some_and(is_word);
    // What may be longest comes first: a number may be glued to a code.
    let signed_or_drawn = || signed(text).or_else(|| drawn(text, in_path));
    if let Some(found) = starts.then(signed_or_drawn).flatten() {
        return Some(found);
    }
    if let Some(length) = number(text) {
        return Some((Sensitive::Number, length));
    }
    if let Some(length) = starts.then(|| credentials(text)).flatten() {
        return Some((Sensitive::Credentials, length));
    }
    let starts = !in_path && !before.is_some_and(|before| before.is_ascii_alphanumeric());
    starts.then(|| hexadecimal(text)).flatten().map(|length| (Sensitive::Drawn, length))
}

/// Words with full stops between them, the first of which is an object in base64url; or a long one of these.
fn signed(text: &[char]) -> Option<(Sensitive, usize)> {
    if !text.starts_with(&['e', 'y', 'J']) {
        return None;
    }
    let (word, token) = (run(text, is_word), run(text, is_token));
    (token > word || word >= DRAWN).then_some((Sensitive::Jwt, token))
}

/// A word like those that we draw, or one in base64.
fn drawn(text: &[char], in_path: bool) -> Option<(Sensitive, usize)> {
    let word = run(text, is_word);
    let of_ours = word >= DRAWN && text.get(..word).is_some_and(is_mixed);
    let of_others = if in_path { None } else { base64(text) };
    of_others.or(of_ours.then_some(word)).map(|length| (Sensitive::Drawn, length))
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

/// An identity number, whatever stands between its digits as long as it is little and no letter; and the digits that follow on it.
fn number(text: &[char]) -> Option<usize> {
    let (mut digits, mut at) = (String::new(), 0);
    while digits.len() < DIGITS {
        let rest = text.get(at..)?;
        let gap = if digits.is_empty() { 0 } else { gap(rest) };
        digits.push(digit(*rest.get(gap)?)?);
        at += gap + 1;
    }
    let following = run(text.get(at..)?, |character| digit(character).is_some());
    Pid::parse(&digits).is_ok().then_some(at + following)
}

/// An identity number has so many digits.
const DIGITS: usize = 11;

/// So many characters stand between two digits of a number at most.
const WIDEST_GAP: usize = 3;

/// How many characters of the beginning stand between two digits; one that is percent-encoded, once or more often, is one.
fn gap(text: &[char]) -> usize {
    let mut at = 0;
    for _ in 0..WIDEST_GAP {
        let rest = text.get(at..).unwrap_or_default();
        at += match rest.first() {
            Some('%') => {
                let nested = 2 * rest
                    .get(1..)
                    .unwrap_or_default()
                    .chunks(2)
                    .take_while(|pair| *pair == ['2', '5'])
                    .count();
                let encoded = rest.get(1 + nested..3 + nested).unwrap_or_default();
                let is_encoded = encoded.len() == 2 && encoded.iter().all(char::is_ascii_hexdigit);
                if is_encoded { 3 + nested } else { 1 }
            }
            Some(character) if !character.is_alphanumeric() => 1,
            _ => break,
        };
    }
    at
}

/// A digit, also one of double width.
fn digit(character: char) -> Option<char> {
    match character {
        '0'..='9' => Some(character),
        '\u{ff10}'..='\u{ff19}' => char::from_digit(u32::from(character) - 0xff10, 10),
        _ => None,
    }
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

/// What a signed object is made of.
fn is_token(character: char) -> bool {
    is_word(character) || character == '.'
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
                format!("{date}_{ending}"),
                format!("{date}/{ending}"),
                format!("{date}  {ending}"),
                format!("{date}\u{a0}{ending}"),
                format!("{date}\r\n{ending}"),
                format!("{date}%20{ending}"),
                format!("{date}%252520{ending}"),
                number.chars().map(|digit| format!("{digit} ")).collect(),
                number.chars().filter_map(|digit| char::from_u32(u32::from(digit) - 0x30 + 0xff10)).collect(),
                format!("Level3 {number}"),
                format!("https://rp.example.no/cb?pid={number}&x=1"),
                format!("9{number}7"),
                format!("a{number}b"),
                format!("{}{number}", "x".repeat(195)),
            ] {
                let shown = shown(&around);
                assert!(![number, date, ending].iter().any(|part| shown.contains(part)), "{shown}");
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
                format!("{}_{}", NUMBERS[0], code.reveal()),
                format!("{}{}", NUMBERS[0], code.reveal()),
                format!("5d41402abc4b2a76b9719d911017c592-{}", code.reveal()),
                format!("https://rp.example.no/cb?k={}-{}", NUMBERS[0], code.reveal()),
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
        let long = format!("eyJ{}.{}.x y", "a".repeat(700), "b".repeat(1500));
        assert_eq!(shown(&long), "[JWT: 2206 characters, not shown]");
        assert_eq!(Seen::of(&long).first(), Some((Sensitive::Jwt, 2206)), "longer than what is read");
        assert!(Seen::of(&long).is_cut() && !Seen::of(&long[..2206]).is_cut());
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
    fn a_value_may_go_on_only_if_nothing_would_be_taken_out_of_it_to_its_end() {
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
