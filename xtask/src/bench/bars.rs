//! The bars: what was promised, beside what was found.

/// One promise: at most so much.
#[derive(Clone, Debug)]
pub(super) struct Bar {
    what: String,
    found: f64,
    most: f64,
    unit: &'static str,
    /// Whether what was found is the same on every machine, however busy.
    exact: bool,
}

impl Bar {
    /// `found` is to be `most` at most, both in `unit`.
    pub(super) fn new(what: impl Into<String>, found: f64, most: f64, unit: &'static str) -> Self {
        Self { what: what.into(), found, most, unit, exact: false }
    }

    /// `found` bytes are to be `most` kilobytes at most, of 1,000 bytes each. No machine is an excuse for more.
    pub(super) fn of_bytes(what: impl Into<String>, found: u32, most: f64) -> Self {
        Self { what: what.into(), found: f64::from(found) / 1e3, most, unit: "KB", exact: true }
    }

    /// Whether it holds when everything that a machine has a say in may cost `slack` times as much. What is no number does not
    /// hold.
    pub(super) fn holds(&self, slack: f64) -> bool {
        self.found <= self.most * if self.exact { 1.0 } else { slack }
    }
}

/// Prints the bars, and says how many do not hold with that slack.
pub(super) fn print(bars: &[Bar], slack: f64) -> usize {
    println!("\n{:<60} {:>10} {:>10}", "bar", "found", "at most");
    for bar in bars {
        let word = match (bar.holds(1.0), bar.holds(slack)) {
            (true, _) => "holds",
            (false, true) => "does not hold, but is near enough for a short run",
            (false, false) => "DOES NOT HOLD",
        };
        println!("{:<60} {:>10.2} {:>10.2} {:<6} {word}", bar.what, bar.found, bar.most, bar.unit);
    }
    bars.iter().filter(|bar| !bar.holds(slack)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_above_the_bar_or_no_number_does_not_hold() {
        let holds = |found, slack| Bar::new("x", found, 8.0, "").holds(slack);
        assert!(!holds(8.1, 1.0) && !holds(f64::NAN, 1.0) && !holds(24.1, 3.0));
        assert!(holds(8.0, 1.0) && holds(24.0, 3.0));
    }

    #[test]
    fn bytes_have_no_slack() {
        let holds = |found| Bar::of_bytes("x", found, 8.0).holds(4.0);
        assert!(!holds(8_001) && holds(8_000));
    }
}
