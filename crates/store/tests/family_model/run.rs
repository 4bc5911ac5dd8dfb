//! One family in a store beside its model.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use portvakt_cluster::Fate;
use portvakt_protocol::grant::{Grant, NewAccessToken, NewCode};
use portvakt_protocol::issuer::Issuer;
use portvakt_protocol::registration::{Change, Subject};
use portvakt_protocol::secret::{AccessToken, AccessTokenDigest, RefreshToken, RefreshTokenDigest};
use portvakt_protocol::time::{Seconds, Timestamp};
use portvakt_protocol::witness::{Refreshing, Spending};
use portvakt_store::{
    Broken, Fault, Issue, Refresh, Registered, Revocation, Store, SweepPolicy, TokenDigests, Usage,
};

use crate::model::{ACCESS, Answer, Deed, Family, GRANT, INACTIVITY, ShownAccess, ShownToken};
use crate::node::{Node, Seen};
use crate::world::{KARI, World, actor, client_id, pid};

/// Which token is presented.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pick {
    /// The one that was given last.
    Latest,
    /// The one given before that.
    Before,
    Any(usize),
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mishap {
    /// The store's own fault.
    Planned(Fault),
    /// The database's answer is lost, or the request; where there is none, the store fails in the same way. Of the statements that a
    /// verb may send it is the one of this number.
    Lost(Fate, usize),
    /// The node dies so many microseconds after the verb was begun.
    Dies(u32),
}

/// When: from the step before, or from the login.
#[derive(Clone, Copy, Debug)]
pub(crate) enum When {
    Later(u32),
    /// So many seconds after the login; never back.
    AfterLogin(u32),
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    pub(crate) when: When,
    pub(crate) deed: Deed,
    pub(crate) pick: Pick,
    pub(crate) mishap: Option<Mishap>,
    /// Whether the store is closed and opened anew afterwards.
    pub(crate) anew: bool,
}

/// Words of the statements that a verb may send.
const STATEMENTS: [&str; 5] = [
    "UPDATE refresh_token AS r SET spent_at",
    "UPDATE refresh_token AS s SET spent_at",
    "UPDATE refresh_token AS r SET expires",
    "UPDATE login_grant AS family",
    "UPDATE login_grant AS given",
];

/// What the caller of a verb was told.
type Told = Option<Result<Answer, Broken>>;

/// A family in a store, and every state that it may be in.
pub(crate) struct Run<'a> {
    node: &'a mut Node,
    next_fault: Arc<Mutex<Option<Fault>>>,
    refreshes: Vec<RefreshTokenDigest>,
    accesses: Vec<AccessTokenDigest>,
    /// The steps that offered a refresh token, and those that offered an access token.
    offered: (Vec<usize>, Vec<usize>),
    states: Vec<Family>,
    begun: Timestamp,
    pub(crate) now: Timestamp,
}

impl<'a> Run<'a> {
    /// A family whose login is at `now`.
    pub(crate) async fn new(node: &'a mut Node, now: Timestamp) -> Self {
        let (access, refresh) = issued(&node.world, now).await;
        let run = Self {
            node,
            next_fault: Arc::default(),
            refreshes: vec![refresh],
            accesses: vec![access],
            offered: (vec![0], vec![0]),
            states: vec![Family::new(now.unix())],
            begun: now,
            now,
        };
        run.plan_faults();
        run
    }

    fn plan_faults(&self) {
        let next = Arc::clone(&self.next_fault);
        self.node.world.store.danger_plan_faults(move |verb| {
            let planned = matches!(verb, "refresh" | "revoke" | "sweep" | "register");
            if planned { next.lock().unwrap_or_else(PoisonError::into_inner).take() } else { None }
        });
    }

    pub(crate) async fn step(&mut self, step: Step) {
        self.now = match step.when {
            When::Later(seconds) => self.now + Seconds::new(seconds),
            When::AfterLogin(seconds) => self.now.max(self.begun + Seconds::new(seconds)),
        };
        let Step { deed, pick, .. } = step;
        let number = self.refreshes.len();
        self.refreshes.push(RefreshToken::draw(&self.node.world.random).digest());
        self.accesses.push(AccessToken::draw(&self.node.world.random).digest());
        let of_access = deed == Deed::RevokeByAccess;
        let presented = pick.of(if of_access { &self.offered.1 } else { &self.offered.0 });
        if matches!(deed, Deed::Rotate) {
            self.offered.0.push(number);
        }
        if matches!(deed, Deed::Rotate | Deed::Reuse(_)) {
            self.offered.1.push(number);
        }
        let mishap = self.possible(step.mishap, deed);
        let told = self.told(self.asking(deed, number, presented), mishap).await;
        let before = self.states.clone();
        self.note(number, (deed, presented), mishap, &told);
        if step.anew {
            self.node.world.reopen().await;
            self.plan_faults();
        }
        self.look().await;
        if let [before] = before.as_slice() {
            self.count(before, (deed, presented), mishap, &told);
        }
    }

    /// What can go wrong here.
    fn possible(&self, mishap: Option<Mishap>, deed: Deed) -> Option<Mishap> {
        match mishap {
            Some(Mishap::Lost(fate, statement)) => {
                let words = STATEMENTS[statement % STATEMENTS.len()];
                let planned = if fate == Fate::NeverSent { Fault::Before } else { Fault::After };
                Some(if self.node.loses(fate, words) {
                    Mishap::Lost(fate, statement)
                } else {
                    Mishap::Planned(planned)
                })
            }
            // Sweeping is many writes: half of it may be done.
            Some(Mishap::Dies(_)) if deed == Deed::Sweep => None,
            mishap => mishap,
        }
    }

    async fn told(&mut self, asking: Asking, mishap: Option<Mishap>) -> Told {
        let lost = self.node.lost();
        let told = match mishap {
            None => Some(asking.answer().await),
            Some(Mishap::Planned(fault)) => {
                *self.next_fault.lock().unwrap() = Some(fault);
                let patience = Duration::from_millis(5);
                let told = match fault {
                    Fault::Hang => tokio::time::timeout(patience, asking.answer()).await.ok(),
                    Fault::Before | Fault::After => Some(asking.answer().await),
                };
                assert!(self.next_fault.lock().unwrap().is_none(), "nothing failed");
                told
            }
            Some(Mishap::Lost(..)) => {
                let told = asking.answer().await;
                self.node.loses_nothing();
                if self.node.lost() > lost && told.is_ok() {
                    self.node.saw(Seen::AnswerLost);
                }
                Some(told)
            }
            Some(Mishap::Dies(after)) => {
                let asking = tokio::spawn(asking.answer());
                tokio::task::block_in_place(|| std::thread::sleep(Duration::from_micros(after.into())));
                // What was told before is told; of what comes later nobody hears.
                let was_told = asking.is_finished();
                let remains = self.node.dies();
                asking.abort();
                let told = asking.await.ok().filter(|_| was_told);
                self.node.rises(remains).await;
                self.plan_faults();
                told
            }
        };
        self.hears_the_truth(mishap, &told, self.node.lost() > lost);
        told
    }

    /// An error is told where one was provoked, and nowhere else.
    fn hears_the_truth(&self, mishap: Option<Mishap>, told: &Told, lost: bool) {
        let so = match (mishap, told) {
            (None, Some(Ok(_))) => true,
            (Some(Mishap::Planned(Fault::Hang)), told) => told.is_none(),
            (Some(Mishap::Planned(_)), told) => matches!(told, Some(Err(Broken::Engine(_)))),
            (Some(Mishap::Lost(..)), Some(Ok(_))) => true,
            (Some(Mishap::Lost(..)), told) => lost && matches!(told, Some(Err(Broken::Unknown(_)))),
            (Some(Mishap::Dies(_)), told) => !matches!(told, Some(Err(_))),
            (None, Some(Err(_)) | None) => false,
        };
        assert!(so, "{mishap:?} was told as {told:?}");
    }

    /// What the family may be now.
    fn note(&mut self, number: usize, (deed, presented): (Deed, usize), mishap: Option<Mishap>, told: &Told) {
        let mut possible: Vec<Family> = Vec::new();
        for before in &self.states {
            let mut done = before.clone();
            let answer = done.step(number, deed, presented, self.now.unix());
            let states = match (mishap, told) {
                (_, Some(Ok(told))) => (*told == answer).then_some(done).into_iter().collect(),
                (Some(Mishap::Planned(Fault::After)), _) => vec![done],
                // The probe finds what was done, and then it is told: an error says that it was not.
                (Some(Mishap::Planned(_) | Mishap::Lost(..)), _) => vec![before.clone()],
                (Some(Mishap::Dies(_)), _) => vec![before.clone(), done],
                (None, _) => vec![],
            };
            for state in states {
                if !possible.contains(&state) {
                    possible.push(state);
                }
            }
        }
        assert!(!possible.is_empty(), "{deed:?} {mishap:?} was told {told:?}: {:#?}", self.states);
        self.states = possible;
    }

    /// Counts what has come about.
    fn count(
        &mut self,
        before: &Family,
        (deed, presented): (Deed, usize),
        mishap: Option<Mishap>,
        told: &Told,
    ) {
        let now = self.now.unix();
        if before.has_ended(now) {
            self.node.saw(Seen::AfterTheEnd);
        }
        match told {
            Some(Ok(Answer::Refreshed)) if before.is_spent(presented) => self.node.saw(Seen::Retry),
            Some(Ok(Answer::Replayed)) => self.node.saw(Seen::Replay),
            Some(Ok(Answer::Revoked))
                if deed == Deed::RevokeByAccess && before.access_ended(presented, now) =>
            {
                self.node.saw(Seen::RevokedByEnded);
            }
            Some(_) | None => {}
        }
        match (mishap, told) {
            (Some(Mishap::Lost(..)), Some(Err(_))) => self.node.saw(Seen::RequestLost),
            (Some(Mishap::Dies(_)), None) if self.states == [before.clone()] => {
                self.node.saw(Seen::DiedUndone)
            }
            (Some(Mishap::Dies(_)), None) => self.node.saw(Seen::DiedDone),
            (Some(_) | None, _) => {}
        }
    }

    /// One token at most can be used, and the store shows one of the states that it may be in.
    async fn look(&mut self) {
        let (store, issuer) = (&self.node.world.store, self.node.world.issuer());
        let (mut tokens, mut accesses, mut usable) = (Vec::new(), Vec::new(), 0);
        for (number, (refresh, access)) in self.refreshes.iter().zip(&self.accesses).enumerate() {
            if let Some(token) = store.refresh_token(issuer, refresh).await.unwrap() {
                usable += u32::from(token.spent.is_none());
                let (expires, revoked) = (token.expires.unix(), token.revoked);
                let spent = token.spent.map(|spent| (spent.at.unix(), spent.successor_unused));
                tokens.push(ShownToken { number, expires, spent, revoked });
            }
            if let Some(token) = store.access_token(issuer, access).await.unwrap() {
                accesses.push(ShownAccess { number, expires: token.expires.unix(), revoked: token.revoked });
            }
        }
        assert!(usable <= 1, "I3: {usable} tokens of one family can be used: {tokens:?}");
        let before = self.states.clone();
        self.states.retain(|state| state.tokens() == tokens && state.accesses() == accesses);
        assert!(!self.states.is_empty(), "the store shows {tokens:?} {accesses:?}, and not {before:#?}");
    }

    fn asking(&self, deed: Deed, number: usize, presented: usize) -> Asking {
        let (world, now) = (&self.node.world, self.now);
        let rotation = Refresh {
            client_id: client_id(if deed == Deed::Foreign { "other" } else { "demo" }),
            access_token: NewAccessToken {
                digest: self.accesses[number],
                issued: now,
                expires: now + Seconds::new(ACCESS),
                narrowed: None,
            },
            ..world.rotation(self.refreshes[presented], now)
        };
        let verb = match deed {
            Deed::Rotate | Deed::Foreign => {
                let mut rotation = rotation;
                if let Usage::Rotate { successor, .. } = &mut rotation.usage {
                    successor.digest = self.refreshes[number];
                    successor.expires = now + Seconds::new(INACTIVITY);
                }
                Verb::Refresh(rotation)
            }
            Deed::Reuse(lifetime) => {
                let usage = Usage::Reuse { expires: now + Seconds::new(lifetime) };
                Verb::Refresh(Refresh { usage, ..rotation })
            }
            // Nobody knows beforehand which of the two a token is: the other digest is one that nobody was given.
            Deed::Revoke | Deed::ForeignRevoke => {
                let client = if deed == Deed::Revoke { "demo" } else { "other" };
                Verb::Revoke(
                    client,
                    TokenDigests { access: self.accesses[number], refresh: self.refreshes[presented] },
                )
            }
            Deed::RevokeByAccess => Verb::Revoke(
                "demo",
                TokenDigests { access: self.accesses[presented], refresh: self.refreshes[number] },
            ),
            Deed::Sweep => Verb::Sweep,
            Deed::NotBefore => Verb::NotBefore,
        };
        Asking { store: world.store.clone(), issuer: world.issuer().clone(), verb, now }
    }
}

impl Pick {
    fn of(self, offered: &[usize]) -> usize {
        let at = match self {
            Self::Latest => offered.len() - 1,
            Self::Before => offered.len().saturating_sub(2),
            Self::Any(any) => any % offered.len(),
        };
        offered[at]
    }
}

/// A verb that is about to be asked.
struct Asking {
    store: Store,
    issuer: Issuer,
    verb: Verb,
    now: Timestamp,
}

enum Verb {
    Refresh(Refresh),
    Revoke(&'static str, TokenDigests),
    Sweep,
    NotBefore,
}

impl Asking {
    async fn answer(self) -> Result<Answer, Broken> {
        let Self { store, issuer, verb, now } = self;
        Ok(match verb {
            Verb::Refresh(refresh) => match store.refresh(&issuer, refresh, now).await? {
                Refreshing::Refreshed(_) => Answer::Refreshed,
                Refreshing::Replayed => Answer::Replayed,
                Refreshing::Unknown => Answer::Unknown,
            },
            Verb::Revoke(client, token) => match store.revoke(&issuer, &client_id(client), token, now).await?
            {
                Revocation::Done => Answer::Revoked,
                Revocation::NotYours => Answer::NotYours,
                Revocation::Unknown => Answer::Unknown,
            },
            Verb::Sweep => {
                store.sweep(now, SweepPolicy { audit_retention: None, batch: 100 }).await?;
                Answer::Done
            }
            Verb::NotBefore => {
                let subject = Subject::Person(pid(KARI));
                let taken = Change::NotBefore { issuer, subject, at: now };
                let done = store.register(vec![taken], None, actor(), now).await?;
                assert_eq!(done, Registered::Done);
                Answer::Done
            }
        })
    }
}

/// A login at `now` that was redeemed at once.
async fn issued(world: &World, now: Timestamp) -> (AccessTokenDigest, RefreshTokenDigest) {
    let Issue { code, grant } = world.issue();
    let code = NewCode { expires: now + Seconds::new(60), ..code };
    let expires = now + Seconds::new(GRANT);
    let grant = Grant { auth_time: now, issued: now, expires, ..grant };
    world.finish(&Issue { code: code.clone(), grant }).await;
    let mut spending = world.spending("demo", code.digest);
    spending.access_token =
        NewAccessToken { issued: now, expires: now + Seconds::new(ACCESS), ..spending.access_token };
    let first = world.new_refresh_token(now);
    let given = (spending.access_token.digest, first.digest);
    spending.refresh_token = Some(first);
    let spent = world.store.spend_code(world.issuer(), spending, now).await.unwrap();
    assert!(matches!(spent, Spending::Spent(_)), "{spent:?}");
    given
}
