//! The person: the eleven-digit national identity number (`pid`), and the handles it is known by inside the house.
//!
//! A `pid` is sensitive everywhere: it prints redacted, is sealed at rest, and never stands in a URL, a log or an error.

use std::fmt;

use portvakt_crypto::digest::HmacKey;
use zeroize::Zeroizing;

/// A national identity number or D-number whose two control digits are right (contract: weights 3,7,6,1,8,9,4,5,2 and
/// 5,4,3,2,7,6,5,4,3,2, modulo 11).
#[derive(Clone, PartialEq, Eq)]
pub struct Pid(Zeroizing<String>);

/// Why a text is no identity number. It carries nothing of what was typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PidFault {
    /// Not eleven digits.
    #[error("must be eleven digits")]
    NotElevenDigits,
    /// Day, month and series name no date of birth.
    #[error(
        "must start with a date of birth (day, for a D-number plus 40; month, for a synthetic number plus 80; year)"
    )]
    NoDate,
    /// A control digit is wrong.
    #[error("must have correct control digits")]
    ControlDigits,
    /// A number of the kind that real people have, where only synthetic ones may be.
    #[error("must be a synthetic number (month plus 80): numbers of real people are not used for testing")]
    NotSynthetic,
}

const FIRST: [u32; 9] = [3, 7, 6, 1, 8, 9, 4, 5, 2];
const SECOND: [u32; 10] = [5, 4, 3, 2, 7, 6, 5, 4, 3, 2];

impl Pid {
    /// Parses an identity number: digits, date and control digits.
    ///
    /// # Errors
    /// [`PidFault`] names the first rule that the text breaks.
    pub fn parse(text: &str) -> Result<Self, PidFault> {
        let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(10)).collect();
        if text.len() != 11 || digits.len() != 11 || !text.is_ascii() {
            return Err(PidFault::NotElevenDigits);
        }
        let pair = |at: usize| digits.iter().skip(at).take(2).fold(0, |sum, digit| sum * 10 + digit);
        let day = match pair(0) {
            day @ 1..=31 => day,
            day @ 41..=71 => day - 40,
            _ => return Err(PidFault::NoDate),
        };
        let month = match pair(2) {
            month @ 1..=12 => month,
            month @ 81..=92 => month - 80,
            _ => return Err(PidFault::NoDate),
        };
        let longest = match month {
            2 => 29,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        if day > longest {
            return Err(PidFault::NoDate);
        }
        let weighted = |weights: &[u32]| weights.iter().zip(&digits).map(|(w, d)| w * d).sum::<u32>();
        let control = |sum: u32| (11 - sum % 11) % 11;
        let (first, second) = (control(weighted(&FIRST)), control(weighted(&SECOND)));
        if digits.get(9) != Some(&first) || digits.get(10) != Some(&second) {
            return Err(PidFault::ControlDigits);
        }
        Ok(Self(Zeroizing::new(text.to_owned())))
    }

    /// Parses a synthetic number (month plus 80), the only kind that a test environment may hold.
    ///
    /// # Errors
    /// As [`Pid::parse`], and [`PidFault::NotSynthetic`].
    pub fn parse_synthetic(text: &str) -> Result<Self, PidFault> {
        let pid = Self::parse(text)?;
        if pid.is_synthetic() { Ok(pid) } else { Err(PidFault::NotSynthetic) }
    }

    /// Whether the month carries the +80 of a synthetic number.
    pub fn is_synthetic(&self) -> bool {
        matches!(self.0.as_bytes().get(2), Some(b'8' | b'9'))
    }

    /// The eleven digits. Only for a claim that a scope releases, and for sealing.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Pid {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Pid(redacted)")
    }
}

/// A person as the store knows them: an HMAC of the `pid` under a key held apart, for a plain digest of eleven digits can be
/// reversed in seconds (fewer than 1,000 endings exist per date of birth).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PersonHandle([u8; 32]);

impl PersonHandle {
    /// The handle of `pid` under the lookup key.
    pub fn of(pid: &Pid, lookup: &HmacKey) -> Self {
        Self(lookup.mac_parts(&[b"person", pid.reveal().as_bytes()]))
    }

    /// The handle's bytes, as a column holds them.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Reads a column.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

impl fmt::Debug for PersonHandle {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("PersonHandle(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_identity_number_is_refused() {
        for (text, fault) in [
            ("", PidFault::NotElevenDigits),
            ("2187949801", PidFault::NotElevenDigits),
            ("218794980123", PidFault::NotElevenDigits),
            ("2187949801x", PidFault::NotElevenDigits),
            ("٢1879498012", PidFault::NotElevenDigits),
            ("00879498012", PidFault::NoDate),
            ("32879498012", PidFault::NoDate),
            ("21939498012", PidFault::NoDate),
            ("30829498012", PidFault::NoDate),
            ("21879498013", PidFault::ControlDigits),
            ("21879498022", PidFault::ControlDigits),
            ("01010199999", PidFault::ControlDigits),
        ] {
            assert_eq!(Pid::parse(text).unwrap_err(), fault, "{text}");
        }
    }

    #[test]
    fn synthetic_numbers_and_synthetic_d_numbers_pass() {
        for text in [
            "21879498012",
            "20914695016",
            "28816196088",
            "05895894984",
            "28876895937",
            "10850199405",
            "45840375084",
            "47906701517",
        ] {
            assert!(Pid::parse_synthetic(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn a_real_kind_of_number_is_refused_where_only_synthetic_ones_may_be() {
        // The right control digits for a date without +80, found here so that no such number stands in the project.
        let real = (0..100_000u32)
            .map(|ending| format!("010190{ending:05}"))
            .find(|text| Pid::parse(text).is_ok())
            .expect("one exists");
        assert_eq!(Pid::parse_synthetic(&real).unwrap_err(), PidFault::NotSynthetic);
    }

    #[test]
    fn it_does_not_print() {
        let pid = Pid::parse("21879498012").unwrap();
        assert!(!format!("{pid:?}").contains("2187"));
    }
}
