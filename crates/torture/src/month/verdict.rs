//! What each day weighed, and whether a month was borne.

use std::fmt;
use std::time::Duration;

use super::scales::Weight;
use super::{Counts, Plan};

/// By so much, in hundredths, a store may become larger than it was.
const BAR: u64 = 110;

/// After so many days it is as large as it gets, if nothing is kept for longer.
const FULL_AFTER: u32 = 2;

/// The most that the write-ahead log of an embedded store may have, in bytes: it is folded into the database every few megabytes, and
/// does not shrink.
const LOG_BAR: u64 = 32 * 1024 * 1024;

const MIB: f64 = 1024.0 * 1024.0;

/// One day.
#[derive(Clone, Debug)]
pub struct Day {
    /// Which, counted from 1.
    pub number: u32,
    /// What came of its logins.
    pub counts: Counts,
    /// The store in the hour when it was heaviest without its audit. A size is the largest of a day, for a table that is empty at night
    /// may be short then.
    pub heaviest: Weight,
    /// All of it with the audit, when that was heaviest.
    pub whole: u64,
    /// Its audit at the end.
    pub audit: u64,
    /// How long it took here.
    pub took: Duration,
}

impl Day {
    pub(super) fn new(number: u32) -> Self {
        let (counts, heaviest, took) = (Counts::default(), Weight::default(), Duration::ZERO);
        Self { number, counts, heaviest, whole: 0, audit: 0, took }
    }

    pub(super) fn count(&mut self, counts: Counts) {
        self.counts.add(counts);
    }

    pub(super) fn weigh(&mut self, weight: Weight) {
        self.audit = weight.audit();
        self.whole = self.whole.max(weight.whole());
        if weight.without_audit() >= self.heaviest.without_audit() {
            self.heaviest = weight;
        }
    }

    pub(super) fn took(&mut self, took: Duration) {
        self.took = took;
    }
}

/// Tables with a column of their own; what else there is stands under `rest`.
const COLUMNS: [&str; 5] = ["login", "login_grant", "code", "access_token", "refresh_token"];

/// The heading of a table of days. All sizes are in MiB.
pub fn heading() -> String {
    let names = COLUMNS.iter().map(|name| format!("{name:>15}")).collect::<String>();
    let rest = ["rest", "without audit", "audit", "free", "all", "log"];
    let rest = rest.iter().map(|name| format!("{name:>15}")).collect::<String>();
    format!("{:>4}{:>9}{names}{rest}{:>9}", "day", "logins", "seconds")
}

impl fmt::Display for Day {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mib = |bytes: u64| bytes as f64 / MIB;
        write!(out, "{:>4}{:>9}", self.number, self.counts.whole)?;
        let mut named = 0;
        for name in COLUMNS {
            named += self.heaviest.table(name);
            write!(out, "{:>15.2}", mib(self.heaviest.table(name)))?;
        }
        let Weight { log, free, .. } = self.heaviest;
        let without = self.heaviest.without_audit();
        for bytes in [without - named, without, self.audit, free, self.whole, log] {
            write!(out, "{:>15.2}", mib(bytes))?;
        }
        write!(out, "{:>9.1}", self.took.as_secs_f64())
    }
}

/// Something that must not grow: how large it was when it was as large as it should get, and how large it became.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ruling {
    /// The day it is measured by.
    pub after: u32,
    /// Its bytes then.
    pub was: u64,
    /// The most that it had on a later day.
    pub became: u64,
    /// So much more than the bar it may have.
    pub slack: u64,
}

impl Ruling {
    /// Of what was measured each day, from the first.
    fn of(sizes: impl Iterator<Item = u64> + Clone, after: u32, slack: u64) -> Option<Self> {
        let was = sizes.clone().nth(usize::try_from(after).ok()?.checked_sub(1)?)?;
        let became = sizes.skip(usize::try_from(after).ok()?).max()?;
        Some(Self { after, was, became, slack })
    }

    /// Whether it stayed as large as it was, within ten in a hundred and the slack.
    pub fn holds(&self) -> bool {
        self.was > 0 && self.became.saturating_sub(self.slack) * 100 <= self.was * BAR
    }
}

impl fmt::Display for Ruling {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { after, was, became, slack } = *self;
        let (was, became) = (was as f64 / MIB, became as f64 / MIB);
        let word = if self.holds() { "held" } else { "MISSED" };
        let most = 100.0 * became / was;
        write!(
            out,
            "{was:.2} MiB on day {after}, {became:.2} MiB at most after it: {most:.1} %, bar {BAR} %"
        )?;
        if slack > 0 {
            write!(out, " and {:.2} MiB", slack as f64 / MIB)?;
        }
        write!(out, ", {word}")
    }
}

/// All days.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// Every day that was lived.
    pub days: Vec<Day>,
    audit_retention_days: Option<u32>,
    slack: u64,
}

impl Verdict {
    pub(super) fn new(plan: &Plan) -> Self {
        Self { days: Vec::new(), audit_retention_days: plan.audit_retention_days, slack: plan.slack }
    }

    /// What came of all logins.
    pub fn counts(&self) -> Counts {
        let mut all = Counts::default();
        self.days.iter().for_each(|day| all.add(day.counts));
        all
    }

    /// The store without its audit, after the second day. Free pages count as long as nothing of the audit was removed: afterwards
    /// they are what it left.
    pub fn without_audit(&self) -> Option<Ruling> {
        let audit_goes = self.audit_retention_days.is_some_and(|days| (days as usize) < self.days.len());
        let size = |day: &Day| day.heaviest.without_audit() + if audit_goes { 0 } else { day.heaviest.free };
        Ruling::of(self.days.iter().map(size), FULL_AFTER, self.slack)
    }

    /// The whole store, audit and all, two days after the first record's retention is over; nothing if the days do not reach so far.
    pub fn audit(&self) -> Option<Ruling> {
        let after = self.audit_retention_days?.checked_add(FULL_AFTER)?;
        Ruling::of(self.days.iter().map(|day| day.whole), after, self.slack)
    }

    /// Bytes of the audit for each login that led to a token, with everything that happens beside it. Of the days before any record
    /// goes.
    pub fn audit_bytes_per_login(&self) -> f64 {
        let kept = self.audit_retention_days.unwrap_or(u32::MAX);
        let days = self.days.iter().take_while(|day| day.number <= kept);
        let (logins, audit) = days.fold((0, 0), |(logins, _), day| (logins + day.counts.whole, day.audit));
        audit as f64 / logins.max(1) as f64
    }

    /// The most that the log had.
    pub fn log(&self) -> u64 {
        self.days.iter().map(|day| day.heaviest.log).max().unwrap_or(0)
    }

    /// Whether nothing grew that must not, and enough days were lived to tell.
    pub fn holds(&self) -> bool {
        self.log() <= LOG_BAR
            && self.without_audit().is_some_and(|ruling| ruling.holds())
            && self.audit().is_none_or(|ruling| ruling.holds())
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.without_audit() {
            Some(ruling) => writeln!(out, "without audit: {ruling}")?,
            None => writeln!(out, "without audit: too few days to tell, MISSED")?,
        }
        if let Some(ruling) = self.audit() {
            writeln!(out, "audit and all: {ruling}")?;
        }
        if self.log() > 0 {
            let word = if self.log() <= LOG_BAR { "held" } else { "MISSED" };
            let [log, bar] = [self.log(), LOG_BAR].map(|bytes| bytes as f64 / MIB);
            writeln!(out, "log: {log:.2} MiB at most, bar {bar:.0} MiB, {word}")?;
        }
        writeln!(out, "audit: {:.0} bytes a login", self.audit_bytes_per_login())?;
        let counts = self.counts();
        let Counts { refreshed, retried, replayed, expired, revoked, withdrawn, taken_back, .. } = counts;
        writeln!(
            out,
            "refresh tokens: {refreshed} uses, {retried} retried, {replayed} replayed, {expired} expired; {revoked} grants revoked; the scope \
             withdrawn {withdrawn} times; everything of one person's taken back {taken_back} times"
        )?;
        let Counts { whole, otherwise, broken, .. } = counts;
        write!(
            out,
            "{} days, {whole} logins, {otherwise} that ended otherwise, {broken} broken off",
            self.days.len()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(retention: Option<u32>, sizes: &[(u64, u64)]) -> Verdict {
        let mut verdict = Verdict { days: Vec::new(), audit_retention_days: retention, slack: 0 };
        for (number, (others, audit)) in (1..).zip(sizes) {
            let mut day = Day::new(number);
            let tables = [("login".to_owned(), *others), ("audit".to_owned(), *audit)].into();
            day.weigh(Weight { tables, free: 0, log: 0 });
            day.count(Counts { whole: 10, ..Counts::default() });
            verdict.days.push(day);
        }
        verdict
    }

    #[test]
    fn what_grows_by_more_than_a_tenth_after_the_second_day_is_found() {
        assert!(!verdict(None, &[(9, 0), (100, 0), (105, 0), (111, 0), (100, 0)]).holds());
        assert!(!verdict(None, &[(9, 0), (100, 0)]).holds(), "two days tell nothing");
        assert!(!verdict(None, &[(0, 5), (0, 5), (0, 5)]).holds(), "what was not weighed has not stayed");
        let mut sound = verdict(None, &[(9, 0), (100, 50), (110, 500), (9, 1000)]);
        assert!(sound.holds());
        sound.days.iter_mut().for_each(|day| day.heaviest.log = LOG_BAR + 1);
        assert!(!sound.holds(), "a log without bound");
        let small = verdict(None, &[(9, 0), (100, 0), (119, 0)]);
        assert!(!small.holds());
        assert!(Verdict { slack: 9, ..small.clone() }.holds());
        assert!(!Verdict { slack: 8, ..small }.holds());
    }

    #[test]
    fn an_audit_that_outgrows_its_retention_is_found() {
        let sizes = [(100, 100), (100, 200), (100, 300), (100, 350)];
        assert!(verdict(Some(180), &sizes).holds(), "nobody can tell yet");
        assert!(!verdict(Some(1), &sizes).holds());
        assert!(verdict(Some(1), &[(100, 100), (100, 200), (100, 200), (100, 220)]).holds());
    }

    #[test]
    fn audit_bytes_are_counted_while_all_of_it_is_there() {
        let kept = verdict(Some(2), &[(1, 100), (1, 200), (1, 200), (1, 200)]);
        assert!((kept.audit_bytes_per_login() - 10.0).abs() < 0.01, "{}", kept.audit_bytes_per_login());
    }

    #[test]
    fn the_heaviest_hour_of_a_day_counts() {
        let mut day = Day::new(1);
        for bytes in [10, 30, 20] {
            day.weigh(Weight { tables: [("code".to_owned(), bytes)].into(), free: 5, log: 0 });
        }
        assert_eq!((day.heaviest.without_audit(), day.whole), (30, 35));
        assert!(day.to_string().len() == heading().len(), "{day}\n{}", heading());
    }
}
