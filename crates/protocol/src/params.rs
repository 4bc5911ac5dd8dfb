//! The parameters of one request, as they came: order and duplicates kept, for a map would hide what RFC 6749 §3.1 forbids.

use std::fmt;

use crate::refusal::shown;

/// Request parameters in the order they came, decoded from `application/x-www-form-urlencoded`.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct RawParams(Vec<(String, String)>);

/// Why a text is no list of parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParamsFault {
    /// `%` without two hexadecimal digits, or bytes that are not UTF-8.
    #[error("must be application/x-www-form-urlencoded in UTF-8")]
    Encoding,
    /// More than [`MOST_PARAMS`].
    #[error("must have 64 parameters at most")]
    TooMany,
}

/// A parameter stands in a request more than once. Its name is the caller's, so it may be anything.
#[derive(Clone, PartialEq, Eq)]
pub struct Repeated(pub String);

impl fmt::Debug for Repeated {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("Repeated").field(&shown(&self.0)).finish()
    }
}

/// A request may have this many parameters at most.
pub const MOST_PARAMS: usize = 64;

impl RawParams {
    /// Decodes a query or a form body.
    ///
    /// # Errors
    /// [`ParamsFault`].
    pub fn parse(encoded: &[u8]) -> Result<Self, ParamsFault> {
        let mut pairs = Vec::new();
        for pair in encoded.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
            if pairs.len() == MOST_PARAMS {
                return Err(ParamsFault::TooMany);
            }
            let at = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
            let (name, value) = pair.split_at_checked(at).ok_or(ParamsFault::Encoding)?;
            let value = value.get(1..).unwrap_or_default();
            pairs.push((form_decode(name)?, form_decode(value)?));
        }
        Ok(Self(pairs))
    }

    /// The value of a parameter that may stand once. An empty value counts as absent (RFC 6749 §3.1).
    ///
    /// # Errors
    /// [`Repeated`] if it stands more than once, empty or not.
    pub fn one(&self, name: &str) -> Result<Option<&str>, Repeated> {
        let mut values = self.0.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str());
        let first = values.next();
        if values.next().is_some() {
            return Err(Repeated(name.to_owned()));
        }
        Ok(first.filter(|value| !value.is_empty()))
    }

    /// The first value of a parameter, whatever follows. Only for what was checked with [`RawParams::repeated`].
    pub fn first(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    /// The first parameter that stands more than once; `resource` may (RFC 8707 §2).
    pub fn repeated(&self) -> Option<Repeated> {
        self.0.iter().enumerate().find_map(|(at, (name, _))| {
            let again = self.0.iter().skip(at + 1).any(|(later, _)| later == name);
            (again && name != "resource").then(|| Repeated(name.clone()))
        })
    }

    /// Whether a parameter stands anywhere with a value, be it once or more often.
    pub fn names(&self, name: &str) -> bool {
        self.0.iter().any(|(known, value)| known == name && !value.is_empty())
    }

    /// These parameters without those that `known` does not know.
    #[must_use]
    pub fn only(self, known: impl Fn(&str) -> bool) -> Self {
        Self(self.0.into_iter().filter(|(name, _)| known(name)).collect())
    }

    /// The pairs, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Encodes the parameters again, as the store keeps a request between pages.
    pub fn encode(&self) -> String {
        let mut out = String::new();
        for (name, value) in &self.0 {
            append_pair(&mut out, name, value);
        }
        out
    }
}

impl FromIterator<(String, String)> for RawParams {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(pairs: I) -> Self {
        Self(pairs.into_iter().collect())
    }
}

impl fmt::Debug for RawParams {
    /// Names only, as far as they may be shown: a value may be a secret, a code or a person's number.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_list().entries(self.0.iter().map(|(name, _)| shown(name))).finish()
    }
}

/// Decodes one name or value: `+` is a space, `%XX` a byte (RFC 6749 appendix B).
///
/// # Errors
/// [`ParamsFault::Encoding`].
pub fn form_decode(encoded: &[u8]) -> Result<String, ParamsFault> {
    let mut decoded = Vec::with_capacity(encoded.len());
    let mut bytes = encoded.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'+' => decoded.push(b' '),
            b'%' => {
                let mut digit = || bytes.next().and_then(|digit| char::from(*digit).to_digit(16));
                let (high, low) =
                    (digit().ok_or(ParamsFault::Encoding)?, digit().ok_or(ParamsFault::Encoding)?);
                decoded.push(u8::try_from(high * 16 + low).map_err(|_| ParamsFault::Encoding)?);
            }
            other => decoded.push(*other),
        }
    }
    String::from_utf8(decoded).map_err(|_| ParamsFault::Encoding)
}

/// Percent-encodes everything but RFC 3986's unreserved characters, so that `state` comes back by one URL decoding.
pub fn percent_encode(text: &str, out: &mut String) {
    const HEX: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.extend([byte >> 4, byte & 15].iter().filter_map(|half| HEX.get(usize::from(*half))));
        }
    }
}

/// Appends `name=value` to a form or query in the making.
pub fn append_pair(out: &mut String, name: &str, value: &str) {
    if !out.is_empty() && !out.ends_with(['?', '&']) {
        out.push('&');
    }
    percent_encode(name, out);
    out.push('=');
    percent_encode(value, out);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn s3_1_a_repeated_parameter_is_seen_and_an_empty_one_is_absent() {
        let params = RawParams::parse(b"scope=openid&state=&scope=profile&resource=a&resource=b").unwrap();
        assert_eq!(params.one("scope"), Err(Repeated("scope".into())));
        assert_eq!(params.one("state"), Ok(None));
        assert_eq!(params.repeated(), Some(Repeated("scope".into())));
        assert_eq!(RawParams::parse(b"resource=a&resource=b").unwrap().repeated(), None);
    }

    #[test]
    fn broken_encodings_are_refused() {
        for text in ["a=%", "a=%2", "a=%zz", "a=%ff", "%c3=a"] {
            assert_eq!(RawParams::parse(text.as_bytes()), Err(ParamsFault::Encoding), "{text}");
        }
        let many = vec!["a=1"; 65].join("&");
        assert_eq!(RawParams::parse(many.as_bytes()), Err(ParamsFault::TooMany));
        assert_eq!(RawParams::parse(b"a=%c3%a5+b").unwrap().one("a"), Ok(Some("å b")));
    }

    proptest! {
        #[test]
        fn what_is_encoded_reads_back_the_same(pairs in proptest::collection::vec((".{1,8}", ".{0,12}"), 0..8)) {
            let params: RawParams = pairs.into_iter().collect();
            prop_assert_eq!(RawParams::parse(params.encode().as_bytes()).unwrap(), params);
        }
    }
}
