//! A month of logins in an hour or less: the verbs are told what time it is. Once per simulated hour what has ended is swept, a database
//! is vacuumed, and the store is weighed, table by table: what is not kept must not grow.

mod family;
mod login;
mod scales;
mod verdict;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use portvakt_protocol::time::{Seconds, Timestamp};
use portvakt_store::{Broken, Duty, Store, SweepPolicy};
use tokio::task::JoinSet;

pub use self::scales::{Scales, Weight};
pub use self::verdict::{Day, Ruling, Verdict, heading};

use self::login::Stage;
use crate::world::{World, make_ready, open, told};

/// Midnight of the first day.
const START: Timestamp = Timestamp::from_unix(1_800_057_600);
const HOUR: Seconds = Seconds::new(3600);

/// How a thousand logins spread over the hours of a day: few at night, most in the morning.
const CURVE: [u64; 24] =
    [8, 4, 3, 2, 3, 8, 25, 55, 80, 88, 86, 84, 78, 76, 72, 62, 50, 44, 42, 42, 38, 28, 14, 8];

/// Rows to one commit of a sweep, as a server has it.
const SWEEP_BATCH: u32 = 500;

/// How often a sweep is tried that a busy machine broke.
const SWEEPS: u32 = 5;

/// The hours of each day at which the scope is withdrawn, and given back; and at which everything is taken back that was given in one person's
/// name.
const WITHDRAWS: usize = 9;
const GIVES_BACK: usize = 10;
const TAKES_BACK: usize = 13;

/// How many clients the logins are of.
const CLIENTS: usize = 40;

/// How many logins in so many may break for want of an answer in time: more, and it was no month.
const BROKEN_OF: u64 = 1000;

/// What a month is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// How many days it has.
    pub days: u32,
    /// How many logins of a day lead to a token. One in twelve ends otherwise, on top.
    pub logins_per_day: u64,
    /// For how many days audit records are kept; for ever unless given.
    pub audit_retention_days: Option<u32>,
    /// How many logins are under way at once.
    pub tasks: u32,
    /// Makes the same choices again.
    pub seed: u64,
    /// So many bytes more than the bar a store may grow by. Nothing in earnest; a store of few logins is so small that the pages which
    /// a database takes ahead, when several write at once, are more than a tenth of it.
    pub slack: u64,
    /// Whether anything is swept. Without, a month must be seen to grow.
    pub swept: bool,
}

impl Plan {
    /// The logins that begin in an hour of a day, those on top included.
    fn begin_in(&self, hour: usize) -> u64 {
        let a_day = self.logins_per_day + self.logins_per_day / (login::ONE_OTHER_IN - 1);
        let before = |hour| CURVE.iter().take(hour).sum::<u64>() * a_day / 1000;
        before(hour + 1) - before(hour)
    }

    fn policy(&self) -> SweepPolicy {
        SweepPolicy { audit_retention: self.audit_retention_days.map(Seconds::days), batch: SWEEP_BATCH }
    }
}

/// What came of all logins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// They led to a token.
    pub whole: u64,
    /// They were abandoned, refused, ended by logout, not redeemed or redeemed twice.
    pub otherwise: u64,
    /// They broke off, for an answer did not come in time.
    pub broken: u64,
    /// Uses of refresh tokens.
    pub refreshed: u64,
    /// Uses that were asked again within the grace.
    pub retried: u64,
    /// Refresh tokens that were presented long after they were spent.
    pub replayed: u64,
    /// Refresh tokens that were presented after their lifetime.
    pub expired: u64,
    /// Grants that were revoked.
    pub revoked: u64,
    /// Times that the scope was withdrawn.
    pub withdrawn: u64,
    /// Times that everything was taken back that was given in one person's name.
    pub taken_back: u64,
}

/// Lives through a month on a store, a folder or the address of a database, and tells of each day when it is over.
///
/// # Errors
/// The store's, or an answer that a sound store does not give; or something that a month is to show never happened.
pub async fn run(place: &str, plan: Plan, tell: &mut (dyn FnMut(&Day) + Send)) -> Result<Verdict, String> {
    make_ready(place, START).await?;
    let store = open(place, START).await?;
    let scales = Scales::of(place)?;
    let world = World::new("month", CLIENTS)?;
    world.register(&store, START).await?;
    let stage = Arc::new(Stage { store: store.clone(), world, seed: plan.seed, kept: Mutex::default() });
    let mut verdict = Verdict::new(&plan);
    let mut number = 0;
    for day in 0..plan.days {
        let began = Instant::now();
        let mut told_of = Day::new(day + 1);
        for (hour, _) in CURVE.iter().enumerate() {
            let begins = START + Seconds::days(day) + Seconds::new(HOUR.get() * hour as u32);
            told_of.count(change_registry(&stage, day, hour, begins).await?);
            let logins = plan.begin_in(hour);
            told_of.count(live_an_hour(&stage, &plan, begins, number..number + logins).await?);
            number += logins;
            if plan.swept {
                sweep(&store, begins + HOUR, plan.policy()).await?;
            }
            told_of.count(stage.present_kept(begins + HOUR).await?);
            let last = hour + 1 == CURVE.len();
            told_of.weigh(scales.tend_and_weigh(last)?);
        }
        told_of.took(began.elapsed());
        tell(&told_of);
        verdict.days.push(told_of);
    }
    store.close().await.map_err(|broken| told(&broken))?;
    let counts = verdict.counts();
    if counts.broken * BROKEN_OF > number {
        return Err(format!(
            "{} of {number} logins broke off: the machine is too busy for this",
            counts.broken
        ));
    }
    counts.prove()?;
    Ok(verdict)
}

/// What an operator does at that hour of each day.
async fn change_registry(stage: &Stage, day: u32, hour: usize, now: Timestamp) -> Result<Counts, String> {
    match hour {
        WITHDRAWS => stage.give_scope(false, now).await,
        GIVES_BACK => stage.give_scope(true, now).await,
        // Numbers that no login of the month has.
        TAKES_BACK => stage.take_back(u64::MAX - u64::from(day), now).await,
        _ => Ok(Counts::default()),
    }
}

/// The logins of an hour, many at once.
async fn live_an_hour(
    stage: &Arc<Stage>,
    plan: &Plan,
    begins: Timestamp,
    numbers: std::ops::Range<u64>,
) -> Result<Counts, String> {
    let next = Arc::new(AtomicU64::new(numbers.start));
    let many = numbers.end.saturating_sub(numbers.start).max(1);
    let mut tasks = JoinSet::new();
    for _ in 0..plan.tasks {
        let (stage, next, numbers) = (Arc::clone(stage), Arc::clone(&next), numbers.clone());
        tasks.spawn(async move {
            let mut counts = Counts::default();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= numbers.end {
                    return Ok(counts);
                }
                let into = u64::from(HOUR.get()) * (number - numbers.start) / many;
                let at = begins + Seconds::new(u32::try_from(into).unwrap_or(0));
                counts.add(stage.live(number, at).await?);
            }
        });
    }
    let mut all = Counts::default();
    while let Some(done) = tasks.join_next().await {
        let counts: Counts = done.map_err(|fault| format!("a task: {fault}")).and_then(|done| done)?;
        all.add(counts);
    }
    Ok(all)
}

impl Counts {
    fn add(&mut self, other: Self) {
        self.whole += other.whole;
        self.otherwise += other.otherwise;
        self.broken += other.broken;
        self.refreshed += other.refreshed;
        self.retried += other.retried;
        self.replayed += other.replayed;
        self.expired += other.expired;
        self.revoked += other.revoked;
        self.withdrawn += other.withdrawn;
        self.taken_back += other.taken_back;
    }

    /// Whether everything happened that a month is to show something of.
    ///
    /// # Errors
    /// What did not.
    fn prove(&self) -> Result<(), String> {
        let happened = [
            (self.refreshed, "a refresh token was used"),
            (self.retried, "its use was retried"),
            (self.replayed, "it was replayed"),
            (self.expired, "it expired"),
            (self.revoked, "a grant was revoked"),
            (self.withdrawn, "a scope was withdrawn"),
            (self.taken_back, "everything was taken back that was given in one person's name"),
        ];
        match happened.iter().find(|(count, _)| *count == 0) {
            Some((_, what)) => Err(format!("the month shows nothing, for it never came to this: {what}")),
            None => Ok(()),
        }
    }
}

/// As a server sweeps: it makes sure that the duty is its own, and what failed it tries again.
async fn sweep(store: &Store, now: Timestamp, policy: SweepPolicy) -> Result<(), String> {
    let mut left = SWEEPS;
    loop {
        left -= 1;
        let swept = async {
            if store.take_duty(Duty::Sweep, now, now + HOUR).await? {
                store.sweep(now, policy).await?;
            }
            Ok::<(), Broken>(())
        };
        match swept.await {
            Ok(()) => return Ok(()),
            Err(broken) if left == 0 => return Err(format!("sweeping: {broken}")),
            Err(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Plan = Plan {
        days: 4,
        logins_per_day: 300,
        audit_retention_days: Some(1),
        tasks: 64,
        seed: 5,
        slack: 0,
        swept: true,
    };

    #[test]
    fn a_month_in_which_something_never_happened_shows_nothing() {
        let all = Counts {
            refreshed: 1,
            retried: 1,
            replayed: 1,
            expired: 1,
            revoked: 1,
            withdrawn: 1,
            taken_back: 1,
            ..Counts::default()
        };
        assert_eq!(all.prove(), Ok(()));
        for (less, what) in [
            (Counts { refreshed: 0, ..all }, "used"),
            (Counts { retried: 0, ..all }, "retried"),
            (Counts { replayed: 0, ..all }, "replayed"),
            (Counts { expired: 0, ..all }, "expired"),
            (Counts { revoked: 0, ..all }, "revoked"),
            (Counts { withdrawn: 0, ..all }, "withdrawn"),
            (Counts { taken_back: 0, ..all }, "one person's name"),
        ] {
            assert!(less.prove().unwrap_err().ends_with(what), "{less:?}");
        }
    }

    #[test]
    fn a_day_has_its_logins_and_one_in_twelve_on_top() {
        assert_eq!(CURVE.iter().sum::<u64>(), 1000);
        let plan = Plan { logins_per_day: 50_000, ..SHORT };
        assert_eq!((0..24).map(|hour| plan.begin_in(hour)).sum::<u64>(), 50_000 + 50_000 / 12);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_store_that_is_never_swept_is_seen_to_grow() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("data");
        let plan = Plan { swept: false, ..SHORT };
        let verdict = run(place.to_str().unwrap(), plan, &mut |_| ()).await.unwrap();
        assert!(!verdict.without_audit().unwrap().holds(), "{verdict}");
        assert!(!verdict.audit().unwrap().holds(), "{verdict}");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_store_that_is_swept_stays_as_large_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("data");
        let mut days = 0;
        let verdict = run(place.to_str().unwrap(), SHORT, &mut |_| days += 1).await.unwrap();
        assert!(verdict.holds(), "{verdict}");
        assert_eq!((days, verdict.counts().broken), (SHORT.days, 0));
        let slots = u64::from(SHORT.days) * 325;
        assert_eq!(verdict.counts().whole + verdict.counts().otherwise, slots);
    }
}
