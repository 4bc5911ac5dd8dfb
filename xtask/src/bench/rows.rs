//! The arithmetic of the rows: from what was counted to what an operation costs, and whether that can be believed.

use std::time::Duration;

use serde::Serialize;

/// What one signature costs in a loop that does nothing else, in the measured process, on one thread.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Yardstick {
    /// RS256 with 2048 bits, in microseconds.
    pub(super) rsa2048_us: f64,
    /// ES256, in microseconds.
    pub(super) es256_us: f64,
}

impl Yardstick {
    /// The mean of two: what was measured between them is held against it, since a machine's speed drifts.
    pub(super) fn mean(self, other: Self) -> Self {
        Self {
            rsa2048_us: f64::midpoint(self.rsa2048_us, other.rsa2048_us),
            es256_us: f64::midpoint(self.es256_us, other.es256_us),
        }
    }
}

/// One measurement: so many operations, and what they took.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    /// Operations done, all of them answered as they should be.
    pub(super) operations: u32,
    /// CPU time of the server process, user and system.
    pub(super) cpu: Duration,
    /// CPU time of the database server beside it, where there is one: of all its processes.
    pub(super) database: Option<Duration>,
    /// Signatures made meanwhile.
    pub(super) signatures: u64,
    /// Thread CPU time inside them.
    pub(super) signature_cpu: Duration,
    /// The mean of what was measured just before and just after.
    pub(super) yardstick: Yardstick,
}

impl Sample {
    fn cpu_us(&self) -> f64 {
        micros(self.cpu) / f64::from(self.operations)
    }

    fn rest_us(&self) -> f64 {
        micros(self.cpu.saturating_sub(self.signature_cpu)) / f64::from(self.operations)
    }

    /// CPU time of the database, in microseconds. Not a number where there is none.
    fn database_us(&self) -> f64 {
        self.database.map_or(f64::NAN, |cpu| micros(cpu) / f64::from(self.operations))
    }

    /// CPU time inside a signature here, as a multiple of a signature in the loop. `None` without signatures.
    fn signature_ratio(&self) -> Option<f64> {
        let signatures = u32::try_from(self.signatures).ok().filter(|count| *count > 0)?;
        Some(micros(self.signature_cpu) / f64::from(signatures) / self.yardstick.rsa2048_us)
    }
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// A row of the table, and of the JSON.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Row {
    /// What was done.
    pub(super) name: &'static str,
    /// CPU time of the server process for one operation, in microseconds.
    pub(super) cpu_us: f64,
    /// The same, counted in `rsa2048_sign`.
    pub(super) rsa2048_signatures: f64,
    /// `cpu_us` less the thread CPU time inside signatures.
    pub(super) rest_us: f64,
    /// The same, counted in `es256_sign`.
    pub(super) rest_es256: f64,
    /// CPU time of the database for one operation, in microseconds, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) database_us: Option<f64>,
    /// The same, counted in `es256_sign`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) database_es256: Option<f64>,
    /// Why the row cannot be believed, if it cannot.
    #[serde(skip)]
    pub(super) void: Option<String>,
}

/// How far a signature under load may be from one in the loop, either way.
const TOLERANCE: f64 = 0.25;

impl Row {
    /// The two rows that the others are counted in: the signatures alone.
    pub(super) fn of_signatures(yardsticks: &[Yardstick]) -> [Self; 2] {
        let rsa = median(yardsticks.iter().map(|one| one.rsa2048_us));
        let es = median(yardsticks.iter().map(|one| one.es256_us));
        [("rsa2048_sign", rsa, 1.0), ("es256_sign", es, es / rsa)].map(|(name, cpu_us, in_rsa)| Self {
            name,
            cpu_us,
            rsa2048_signatures: in_rsa,
            rest_us: 0.0,
            rest_es256: 0.0,
            database_us: None,
            database_es256: None,
            void: None,
        })
    }

    /// The medians over `samples`, each of which is held against its own yardstick. `signatures` is how many an operation
    /// makes.
    pub(super) fn of(name: &'static str, signatures: u64, samples: &[Sample]) -> Self {
        let over = |value: fn(&Sample) -> f64| median(samples.iter().map(value));
        let there = |value: f64| Some(value).filter(|value| value.is_finite());
        Self {
            name,
            cpu_us: over(Sample::cpu_us),
            rsa2048_signatures: over(|one| one.cpu_us() / one.yardstick.rsa2048_us),
            rest_us: over(Sample::rest_us),
            rest_es256: over(|one| one.rest_us() / one.yardstick.es256_us),
            database_us: there(over(Sample::database_us)),
            database_es256: there(over(|one| one.database_us() / one.yardstick.es256_us)),
            void: why_void(signatures, samples),
        }
    }
}

/// The rest is what remains when signatures are taken away, so it is worth what their sum is worth.
fn why_void(signatures: u64, samples: &[Sample]) -> Option<String> {
    let miscounted = samples.iter().find(|one| one.signatures != signatures * u64::from(one.operations));
    if let Some(sample) = miscounted {
        return Some(format!(
            "{} signatures in {} operations, where each makes {signatures}",
            sample.signatures, sample.operations
        ));
    }
    if signatures == 0 {
        return None;
    }
    let ratio = median(samples.iter().filter_map(Sample::signature_ratio));
    // Written so that a ratio that is no number is void too.
    let believed = (ratio - 1.0).abs() <= TOLERANCE;
    (!believed).then(|| format!("a signature here took {ratio:.2} times one of rsa2048_sign"))
}

/// The middle value; of an even number the mean of the two. Not a number if there are none.
pub(super) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    let middle = |at: usize| sorted.get(at).copied().unwrap_or(f64::NAN);
    f64::midpoint(middle(sorted.len().saturating_sub(1) / 2), middle(sorted.len() / 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    const YARDSTICK: Yardstick = Yardstick { rsa2048_us: 500.0, es256_us: 25.0 };

    fn sample(cpu_us: u64, signatures: u64, signature_us: u64) -> Sample {
        Sample {
            operations: 10,
            cpu: Duration::from_micros(cpu_us * 10),
            database: None,
            signatures,
            signature_cpu: Duration::from_micros(signatures * signature_us),
            yardstick: YARDSTICK,
        }
    }

    #[test]
    fn a_row_whose_signatures_took_another_time_is_void() {
        for (signature_us, void) in [(370, true), (380, false), (500, false), (620, false), (630, true)] {
            let row = Row::of("x", 1, &[sample(700, 10, signature_us)]);
            assert_eq!(row.void.is_some(), void, "{signature_us}: {:?}", row.void);
        }
    }

    #[test]
    fn a_row_whose_signatures_were_not_counted_is_void() {
        assert!(Row::of("x", 1, &[sample(700, 0, 0)]).void.is_some());
        assert!(Row::of("x", 1, &[sample(700, 9, 500)]).void.is_some());
        assert!(Row::of("x", 0, &[sample(700, 1, 500)]).void.is_some());
        assert!(Row::of("x", 0, &[sample(700, 0, 0)]).void.is_none());
        assert!(Row::of("x", 2, &[sample(1200, 20, 500)]).void.is_none());
    }

    #[test]
    fn the_rest_is_what_signatures_leave_and_is_counted_in_es256() {
        let row = Row::of("x", 1, &[sample(900, 10, 500), sample(700, 10, 500), sample(800, 10, 500)]);
        let near = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-6, "{found}");
        near(row.cpu_us, 800.0);
        near(row.rsa2048_signatures, 1.6);
        near(row.rest_us, 300.0);
        near(row.rest_es256, 12.0);
    }

    #[test]
    fn the_database_is_counted_apart_and_only_where_there_is_one() {
        let with = |database_us: u64| Sample {
            database: Some(Duration::from_micros(database_us * 10)),
            ..sample(100, 0, 0)
        };
        let row = Row::of("x", 0, &[with(50), with(70), with(60)]);
        assert_eq!(row.database_us.map(f64::round), Some(60.0));
        assert!((row.cpu_us - 100.0).abs() < 1e-6 && (row.rest_es256 - 4.0).abs() < 1e-6);
        let without = Row::of("x", 0, &[sample(100, 0, 0)]);
        assert!(without.database_us.is_none() && without.database_es256.is_none());
    }

    #[test]
    fn a_median_is_the_middle_one() {
        let of = |values: &[f64]| median(values.iter().copied());
        assert!(of(&[]).is_nan());
        assert!((of(&[3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!((of(&[4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < f64::EPSILON);
    }
}
