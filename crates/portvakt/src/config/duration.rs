//! Spans of time as a configuration spells them: `90s`, `10m`, `24h`, `360d`.

use portvakt_protocol::time::Seconds;

/// Reads a whole number and its unit: `s`, `m`, `h` or `d`.
///
/// # Errors
/// The rule, if the text is none or lies outside `least` to `most`.
pub(crate) fn parse(text: &str, least: Seconds, most: Seconds) -> Result<Seconds, String> {
    let form = || {
        "must be a whole number and a unit of seconds, minutes, hours or days: 90s, 10m, 24h, 360d".to_owned()
    };
    let unit = match text.bytes().last() {
        Some(b's') => 1,
        Some(b'm') => 60,
        Some(b'h') => 3600,
        Some(b'd') => 86_400,
        _ => return Err(form()),
    };
    let digits = text.get(..text.len() - 1).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
    let number = digits.filter(|digits| !digits.is_empty()).ok_or_else(form)?;
    let seconds = number.parse::<u32>().ok().and_then(|number| number.checked_mul(unit)).map(Seconds::new);
    match seconds {
        Some(seconds) if (least..=most).contains(&seconds) => Ok(seconds),
        _ => Err(format!("must be a span from {} to {}", spelled(least), spelled(most))),
    }
}

/// A span as [`parse`] reads it, in the largest unit that holds it whole.
pub(crate) fn spelled(span: Seconds) -> String {
    let seconds = span.get();
    match seconds {
        0 => "0s".to_owned(),
        _ if seconds.is_multiple_of(86_400) => format!("{}d", seconds / 86_400),
        _ if seconds.is_multiple_of(3600) => format!("{}h", seconds / 3600),
        _ if seconds.is_multiple_of(60) => format!("{}m", seconds / 60),
        _ => format!("{seconds}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Seconds, String> {
        parse(text, Seconds::new(1), Seconds::days(400))
    }

    #[test]
    fn what_is_no_span_is_refused_with_the_form() {
        for text in ["", "s", "10", "-1s", "+1s", "1.5h", "1 h", "1h30m", "ten", "1w", "\u{0661}s"] {
            assert!(read(text).unwrap_err().contains("90s"), "{text}");
        }
    }

    #[test]
    fn a_span_outside_its_bounds_is_refused_with_them() {
        for text in ["0s", "401d", "4294967296s", "99999999d"] {
            assert_eq!(read(text).unwrap_err(), "must be a span from 1s to 400d", "{text}");
        }
    }

    #[test]
    fn a_span_reads_as_it_is_spelled() {
        for (text, seconds) in [("90s", 90), ("10m", 600), ("24h", 86_400), ("360d", 31_104_000)] {
            assert_eq!(read(text), Ok(Seconds::new(seconds)), "{text}");
        }
        for text in ["90s", "10m", "25h", "360d"] {
            assert_eq!(spelled(read(text).unwrap()), text);
        }
    }
}
