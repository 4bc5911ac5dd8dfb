//! The rivals themselves: what is prepared for them, and their attempts.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use portvakt_protocol::client::ClientId;
use portvakt_protocol::person::Pid;
use portvakt_protocol::profile::REFRESH_GRACE;
use portvakt_protocol::secret::{AccessTokenDigest, RefreshTokenDigest};
use portvakt_protocol::time::Seconds;
use portvakt_protocol::witness::{Refreshing, Spending};
use portvakt_store::{Broken, CodeSpending, LoginWrite, Refresh, Revocation, Store, Usage};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::settled::settle;
use super::{Counts, NOW, Pair, Plan, THINGS, Thing};
use crate::world::{
    World, access_token, by_access, by_refresh, evidence, new_login, refresh_token, signing_key,
};

/// How long one attempt waits for its answer. A sound store gives up long before.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many things one process makes and contests at a time.
const ROUND: u32 = 1024;
/// How many things several processes contest between two openings of the gate: few, for whoever is ahead stays ahead.
const SHORT_ROUND: u32 = 64;

/// One rival in so many revokes, where others use what is revoked.
const REVOKERS: u32 = 8;

/// What keeps the processes side by side: called before each round and after the last, it returns when all may go on.
pub type Gate<'a> = &'a mut (dyn FnMut() -> Result<(), String> + Send);

/// A store and what is wanted of it.
#[derive(Debug)]
pub(super) struct Ring {
    pub(super) store: Store,
    pub(super) plan: Plan,
    pub(super) world: World,
    client: ClientId,
    pid: Pid,
    pub(super) wins: Mutex<Vec<u32>>,
    tried: [AtomicU64; THINGS.len()],
    given: AtomicU64,
    losses: AtomicU64,
    unknown: AtomicU64,
    wrong: AtomicU64,
    pub(super) outlived: AtomicU64,
}

/// What an attempt led to.
enum Came {
    Won(Option<AccessTokenDigest>),
    /// What it asked for: which others may have been given too.
    Given,
    Lost,
    /// What no loser is told.
    Wrong,
}

impl Ring {
    fn new(store: Store, plan: Plan) -> Result<Self, String> {
        let world = plan.world()?;
        let client = world.clients().first().cloned().ok_or("a contest without a client")?;
        let pid =
            world.persons().first().map(|person| person.pid.clone()).ok_or("a contest without a person")?;
        Ok(Self {
            store,
            plan,
            world,
            client,
            pid,
            wins: Mutex::default(),
            tried: Default::default(),
            given: AtomicU64::new(0),
            losses: AtomicU64::new(0),
            unknown: AtomicU64::new(0),
            wrong: AtomicU64::new(0),
            outlived: AtomicU64::new(0),
        })
    }

    /// Makes one thing, to be won.
    async fn make(&self, number: u32) -> Result<(), String> {
        let told = |broken: Broken| format!("thing {number}: {broken}");
        let thing = self.plan.thing(number);
        if thing == Thing::FirstKey {
            return Ok(());
        }
        let issuer = self.world.issuer();
        let (login, browser) = self.plan.login(number);
        let evidence = evidence(&self.pid, NOW);
        let begun = new_login(login, browser, &self.client, NOW);
        self.store.begin_login(issuer, begun).await.map_err(told)?;
        self.store.record_evidence(issuer, login, browser, evidence.clone(), NOW).await.map_err(told)?;
        if matches!(thing, Thing::Login | Thing::Answer) {
            return Ok(());
        }
        let (code, grant) = self.plan.code(number, None);
        let issue = self.world.issue(code, grant, &self.client, &evidence, NOW);
        self.store.finish_login(issuer, login, browser, issue, NOW).await.map_err(told)?;
        if thing == Thing::Code {
            return Ok(());
        }
        let pair = self.plan.pair(number, None);
        let spending = CodeSpending {
            client_id: self.client.clone(),
            code,
            access_token: access_token(pair.access, NOW),
            refresh_token: Some(refresh_token(pair.refresh, NOW)),
        };
        self.store.spend_code(issuer, spending, NOW).await.map_err(told)?;
        if thing == Thing::Fork {
            self.refresh(pair.refresh, self.plan.successor(number)).await.map_err(told)?;
        }
        Ok(())
    }

    async fn refresh(&self, presented: RefreshTokenDigest, brought: Pair) -> Result<Refreshing, Broken> {
        let usage = Usage::Rotate {
            successor: refresh_token(brought.refresh, NOW),
            retry_since: NOW - REFRESH_GRACE + Seconds::new(1),
        };
        let access_token = access_token(brought.access, NOW);
        let refresh = Refresh { client_id: self.client.clone(), presented, usage, access_token };
        self.store.refresh(self.world.issuer(), refresh, NOW).await
    }

    /// An attempt at a refresh token.
    async fn attempt_refresh(&self, number: u32, rival: u32) -> Result<Came, Broken> {
        let (thing, process) = (self.plan.thing(number), self.plan.process);
        let first = self.plan.pair(number, None);
        if thing == Thing::Revocation && rival.is_multiple_of(REVOKERS) {
            let digests = match (rival / REVOKERS).is_multiple_of(2) {
                true => by_access(first.access),
                false => by_refresh(first.refresh),
            };
            let revoked = self.store.revoke(self.world.issuer(), &self.client, digests, NOW).await?;
            return Ok(if revoked == Revocation::Done { Came::Given } else { Came::Wrong });
        }
        let forks = thing == Thing::Fork && (process + rival) % 2 == 1;
        let presented = if forks { self.plan.successor(number) } else { first };
        let brought = self.plan.pair(number, Some((process, rival)));
        Ok(match self.refresh(presented.refresh, brought).await? {
            Refreshing::Refreshed(_) => Came::Given,
            // Whoever retries in time, before the successor is used, is never refused.
            Refreshing::Replayed | Refreshing::Unknown if thing == Thing::Refresh => Came::Wrong,
            Refreshing::Replayed | Refreshing::Unknown => Came::Lost,
        })
    }

    async fn attempt(&self, number: u32, rival: u32) -> Result<Came, Broken> {
        let issuer = self.world.issuer();
        let (login, browser) = self.plan.login(number);
        match self.plan.thing(number) {
            Thing::Code => {
                let token = self.plan.token(number, rival);
                let code = self.plan.code(number, None).0;
                let access_token = access_token(token, NOW);
                let client_id = self.client.clone();
                let spending = CodeSpending { client_id, code, access_token, refresh_token: None };
                Ok(match self.store.spend_code(issuer, spending, NOW).await? {
                    Spending::Spent(_) => Came::Won(Some(token)),
                    Spending::Replayed => Came::Lost,
                    Spending::Unknown => Came::Wrong,
                })
            }
            Thing::Login => self.finish(number, rival).await,
            Thing::Answer => match (self.plan.process + rival) % 3 {
                0 => self.finish(number, rival).await,
                1 => self.store.refuse_login(issuer, login, browser, "contest", NOW).await.map(came),
                _ => Ok(match self.store.end_logins(issuer, &[browser], NOW).await? {
                    0 => Came::Lost,
                    1 => Came::Won(None),
                    _ => Came::Wrong,
                }),
            },
            Thing::FirstKey => {
                let issuer = self.plan.issuer(number).map_err(Broken::Engine)?;
                let key = signing_key(&format!("{number}.{}.{rival}", self.plan.process), NOW);
                let won = self.store.add_signing_key(&issuer, key, NOW).await?;
                Ok(if won { Came::Won(None) } else { Came::Lost })
            }
            Thing::Refresh | Thing::Fork | Thing::Revocation => self.attempt_refresh(number, rival).await,
        }
    }

    async fn finish(&self, number: u32, rival: u32) -> Result<Came, Broken> {
        let (login, browser) = self.plan.login(number);
        let (code, grant) = self.plan.code(number, Some(rival));
        let issue = self.world.issue(code, grant, &self.client, &evidence(&self.pid, NOW), NOW);
        self.store.finish_login(self.world.issuer(), login, browser, issue, NOW).await.map(came)
    }

    /// One attempt, counted. Answers the token that it won.
    async fn try_one(&self, number: u32, rival: u32) -> Option<AccessTokenDigest> {
        if let Some(tried) = self.tried.get(self.plan.thing(number) as usize) {
            tried.fetch_add(1, Ordering::Relaxed);
        }
        match tokio::time::timeout(PATIENCE, self.attempt(number, rival)).await {
            Ok(Ok(Came::Won(token))) => {
                self.wins.lock().unwrap_or_else(PoisonError::into_inner).push(number);
                return token;
            }
            Ok(Ok(Came::Given)) => &self.given,
            Ok(Ok(Came::Lost)) => &self.losses,
            Ok(Ok(Came::Wrong)) => &self.wrong,
            Ok(Err(_)) | Err(_) => &self.unknown,
        }
        .fetch_add(1, Ordering::Relaxed);
        None
    }

    /// All other rivals of this process were told by now that it was a replay, so the token is nothing any more.
    async fn is_revoked(&self, token: &AccessTokenDigest) -> bool {
        match self.store.access_token(self.world.issuer(), token).await {
            Ok(found) => found.is_some_and(|found| found.revoked),
            Err(_) => true,
        }
    }
}

fn came(written: LoginWrite) -> Came {
    match written {
        LoginWrite::Done => Came::Won(None),
        LoginWrite::Finished => Came::Lost,
        LoginWrite::Unknown | LoginWrite::Superseded => Came::Wrong,
    }
}

/// Makes the things numbered `from..to`. One process does it for all.
///
/// # Errors
/// The store's.
pub async fn prepare(store: &Store, plan: &Plan, from: u32, to: u32) -> Result<(), String> {
    let ring = Arc::new(Ring::new(store.clone(), *plan)?);
    if from == 0 {
        ring.world.register(store, NOW).await?;
    }
    let next = Arc::new(AtomicU32::new(from));
    let mut makers: JoinSet<Result<(), String>> = JoinSet::new();
    for _ in 0..plan.tasks.max(1) {
        let (ring, next) = (Arc::clone(&ring), Arc::clone(&next));
        makers.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= to {
                    return Ok(());
                }
                ring.make(number).await?;
            }
        });
    }
    while let Some(made) = makers.join_next().await {
        made.map_err(|fault| fault.to_string())??;
    }
    Ok(())
}

/// Contends for every thing of the plan, as this process. With `make`, makes them too, round by round.
///
/// Answers the counts, and the number of the thing for every success.
///
/// # Errors
/// The gate's, or what preparing met.
pub async fn run(
    store: &Store,
    plan: &Plan,
    make: bool,
    gate: Gate<'_>,
) -> Result<(Counts, Vec<u32>), String> {
    let ring = Arc::new(Ring::new(store.clone(), *plan)?);
    let things = plan.things();
    let mut took = Duration::ZERO;
    let mut from = 0;
    while from < things {
        let length = if plan.processes > 1 { SHORT_ROUND } else { ROUND };
        let to = from.saturating_add(length).min(things);
        if make {
            prepare(store, plan, from, to).await?;
        }
        gate()?;
        let began = Instant::now();
        round(&ring, from, to).await?;
        took += began.elapsed();
        from = to;
    }
    // Nobody contends any more, in any process: what lives now lives on.
    gate()?;
    if plan.process == 0 {
        settle(&ring).await?;
    }
    let wins = std::mem::take(&mut *ring.wins.lock().unwrap_or_else(PoisonError::into_inner));
    let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
    let kinds: std::collections::BTreeMap<_, _> = THINGS.into_iter().zip(ring.tried.iter().map(of)).collect();
    let counts = Counts {
        things: u64::from(things),
        attempts: kinds.values().sum(),
        kinds,
        wins: wins.len() as u64,
        given: of(&ring.given),
        losses: of(&ring.losses),
        unknown: of(&ring.unknown),
        wrong: of(&ring.wrong),
        outlived: of(&ring.outlived),
        doubles: super::add_up(plan, [wins.as_slice()]).doubles.len() as u64,
        millis: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
    };
    Ok((counts, wins))
}

/// One round: every group of contenders goes from thing to thing, all at the same one at the same moment.
async fn round(ring: &Arc<Ring>, from: u32, to: u32) -> Result<(), String> {
    let contenders = ring.plan.contenders.clamp(1, ring.plan.tasks.max(1));
    let groups = (ring.plan.tasks / contenders).max(1);
    let mut rivals = JoinSet::new();
    for group in 0..groups {
        let barrier = Arc::new(Barrier::new(contenders as usize));
        let won = Arc::new(Mutex::new(None));
        for rival in 0..contenders {
            let (ring, barrier, won) = (Arc::clone(ring), Arc::clone(&barrier), Arc::clone(&won));
            rivals.spawn(async move {
                for number in (from + group..to).step_by(groups as usize) {
                    barrier.wait().await;
                    if let Some(token) = ring.try_one(number, rival).await {
                        *won.lock().unwrap_or_else(PoisonError::into_inner) = Some(token);
                    }
                    if barrier.wait().await.is_leader() {
                        let token = won.lock().unwrap_or_else(PoisonError::into_inner).take();
                        if contenders > 1
                            && let Some(token) = token
                            && !ring.is_revoked(&token).await
                        {
                            ring.outlived.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                }
            });
        }
    }
    while let Some(ended) = rivals.join_next().await {
        ended.map_err(|fault| fault.to_string())?;
    }
    Ok(())
}
