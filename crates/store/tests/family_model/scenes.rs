//! The store beside the model, on both backends; and bugs that it must find.

use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use portvakt_protocol::secret::{AccessToken, AccessTokenDigest, RefreshToken, RefreshTokenDigest};
use portvakt_protocol::time::{Seconds, Timestamp};
use portvakt_protocol::witness::Refreshing;
use portvakt_store::{Broken, Bug, Fault, Pooler, Refresh, Revocation, TokenDigests, Usage, danger_plant};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestError, TestRunner};

use crate::model::{Answer, Deed, Family};
use crate::world::{START, World, after, client_id};

/// A bug is planted in every store of this process.
static PLANTED: RwLock<()> = RwLock::new(());

/// Which token is presented.
#[derive(Clone, Copy, Debug)]
enum Pick {
    /// The one that was given last.
    Latest,
    /// The one given before that.
    Before,
    Any(usize),
}

#[derive(Clone, Copy, Debug)]
struct Step {
    /// How many seconds later.
    later: u32,
    deed: Deed,
    pick: Pick,
    fault: Option<Fault>,
    /// Whether the store is opened anew afterwards.
    anew: bool,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let later = prop_oneof![4 => Just(0_u32), 4 => 1_u32..40, 2 => 29_u32..31, 1 => 500_u32..700];
    let deed = prop_oneof![12 => Just(Deed::Rotate), 3 => Just(Deed::Reuse), 1 => Just(Deed::Revoke), 1 => Just(Deed::Foreign)];
    let pick = prop_oneof![6 => Just(Pick::Latest), 4 => Just(Pick::Before), 2 => any::<usize>().prop_map(Pick::Any)];
    let failing = prop_oneof![Just(Fault::Before), Just(Fault::After), Just(Fault::Hang)];
    let fault = prop_oneof![5 => Just(None), 1 => failing.prop_map(Some)];
    let step = (later, deed, pick, fault, prop::bool::weighted(0.03));
    let step = step.prop_map(|(later, deed, pick, fault, anew)| Step { later, deed, pick, fault, anew });
    prop::collection::vec(step, 1..30)
}

/// A family in a store, and every state that it may be in.
struct Run<'a> {
    world: &'a mut World,
    next_fault: Arc<Mutex<Option<Fault>>>,
    refreshes: Vec<RefreshTokenDigest>,
    accesses: Vec<AccessTokenDigest>,
    /// The steps that offered a refresh token.
    offered: Vec<usize>,
    states: Vec<Family>,
}

impl<'a> Run<'a> {
    async fn new(world: &'a mut World) -> Self {
        let family = world.family().await;
        let (now, ends) = (START.unix(), family.issue.grant.expires.unix());
        let run = Self {
            world,
            next_fault: Arc::default(),
            refreshes: vec![family.refresh],
            accesses: vec![family.access],
            offered: vec![0],
            states: vec![Family::new(now, 600, ends)],
        };
        run.plan_faults();
        run
    }

    fn plan_faults(&self) {
        let next = Arc::clone(&self.next_fault);
        self.world.store.danger_plan_faults(move |verb| {
            let planned = matches!(verb, "refresh" | "revoke");
            if planned { next.lock().unwrap_or_else(PoisonError::into_inner).take() } else { None }
        });
    }

    async fn step(&mut self, step: Step, now: Timestamp) {
        let number = self.refreshes.len();
        let presented = match step.pick {
            Pick::Latest => self.offered.len() - 1,
            Pick::Before => self.offered.len().saturating_sub(2),
            Pick::Any(any) => any % self.offered.len(),
        };
        let presented = self.offered[presented];
        self.refreshes.push(RefreshToken::draw(&self.world.random).digest());
        self.accesses.push(AccessToken::draw(&self.world.random).digest());
        let deed = step.deed;
        if matches!(deed, Deed::Rotate) {
            self.offered.push(number);
        }
        *self.next_fault.lock().unwrap() = step.fault;
        let told = self.asked(number, deed, presented, now, step.fault == Some(Fault::Hang)).await;
        let mut possible: Vec<Family> = Vec::new();
        for before in &self.states {
            let mut done = before.clone();
            let answer = done.step(number, deed, presented, now.unix());
            let fits = told.as_ref().map_or(true, |told| *told == answer);
            let undone = told.is_err().then(|| before.clone());
            for state in undone.into_iter().chain(fits.then_some(done)) {
                if !possible.contains(&state) {
                    possible.push(state);
                }
            }
        }
        assert!(!possible.is_empty(), "{deed:?} was told {told:?}: {:#?}", self.states);
        self.states = possible;
        if step.anew {
            self.world.reopen().await;
            self.plan_faults();
        }
        self.look(told.is_ok()).await;
    }

    async fn asked(
        &self,
        number: usize,
        deed: Deed,
        presented: usize,
        now: Timestamp,
        hangs: bool,
    ) -> Result<Answer, Broken> {
        let asked = self.ask(number, deed, self.refreshes[presented], now);
        if !hangs {
            return asked.await;
        }
        let lost = Err(Broken::Unknown("no answer".to_owned()));
        tokio::time::timeout(Duration::from_millis(5), asked).await.unwrap_or(lost)
    }

    async fn ask(
        &self,
        number: usize,
        deed: Deed,
        presented: RefreshTokenDigest,
        now: Timestamp,
    ) -> Result<Answer, Broken> {
        let (store, issuer) = (&self.world.store, self.world.issuer());
        if matches!(deed, Deed::Revoke) {
            let token = TokenDigests { access: self.accesses[number], refresh: presented };
            return Ok(match store.revoke(issuer, &client_id("demo"), token, now).await? {
                Revocation::Done => Answer::Revoked,
                Revocation::NotYours => panic!("it is its own"),
                Revocation::Unknown => Answer::Unknown,
            });
        }
        let mut refresh = match deed {
            Deed::Reuse => self.world.reuse(presented, now + Seconds::new(600), now),
            Deed::Rotate | Deed::Revoke | Deed::Foreign => self.world.rotation(presented, now),
        };
        refresh.access_token.digest = self.accesses[number];
        if let Usage::Rotate { successor, .. } = &mut refresh.usage {
            successor.digest = self.refreshes[number];
        }
        if matches!(deed, Deed::Foreign) {
            refresh = Refresh { client_id: client_id("other"), ..refresh };
        }
        Ok(match store.refresh(issuer, refresh, now).await? {
            Refreshing::Refreshed(_) => Answer::Refreshed,
            Refreshing::Replayed => Answer::Replayed,
            Refreshing::Unknown => Answer::Unknown,
        })
    }

    /// One token at most can be used, always; and where the last answer came, the store shows one of the states that it may be in.
    async fn look(&mut self, settled: bool) {
        let (store, issuer) = (&self.world.store, self.world.issuer());
        let (mut shown, mut living, mut usable) = (Vec::new(), Vec::new(), 0);
        for (number, (refresh, access)) in self.refreshes.iter().zip(&self.accesses).enumerate() {
            if let Some(token) = store.refresh_token(issuer, refresh).await.unwrap() {
                usable += u32::from(token.spent.is_none());
                shown.push((number, token.expires.unix(), token.spent.map(Timestamp::unix), token.revoked));
            }
            if let Some(token) = store.access_token(issuer, access).await.unwrap() {
                living.push((number, token.revoked));
            }
        }
        assert!(usable <= 1, "I3: {usable} tokens of one family can be used: {shown:?}");
        if settled {
            let before = self.states.clone();
            self.states.retain(|state| {
                let tokens = state.tokens.iter();
                let tokens =
                    tokens.map(|(number, token)| (*number, token.expires, token.spent, state.revoked));
                let accesses = state.accesses.iter().map(|number| (*number, state.revoked));
                tokens.eq(shown.iter().copied()) && accesses.eq(living.iter().copied())
            });
            assert!(!self.states.is_empty(), "the store shows {shown:?} {living:?}, and not {before:#?}");
        }
    }
}

/// How many sequences are tried: a command may ask for more.
fn cases() -> u32 {
    #[expect(
        clippy::disallowed_methods,
        reason = "the command that runs this test for long says for how long"
    )]
    let asked = std::env::var("PORTVAKT_CASES");
    asked.ok().and_then(|asked| asked.parse().ok()).unwrap_or(40)
}

/// Tries random sequences on families of one world.
fn tried(world: impl Future<Output = World>, config: Config) -> Result<(), Box<TestError<Vec<Step>>>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let world = tokio::sync::Mutex::new(runtime.block_on(world));
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..config });
    let tried = runner.run(&steps(), |steps| {
        runtime.block_on(async {
            let mut world = world.lock().await;
            let (mut run, mut now) = (Run::new(&mut world).await, 0);
            for step in steps {
                now += step.later;
                run.step(step, after(now)).await;
            }
        });
        Ok(())
    });
    runtime.block_on(async { world.into_inner().store.close().await }).unwrap();
    tried.map_err(Box::new)
}

fn is_the_models(world: impl Future<Output = World>) {
    let _sound = PLANTED.read().unwrap_or_else(PoisonError::into_inner);
    let cases = cases();
    tried(world, Config { cases, ..Config::default() }).unwrap_or_else(|fault| panic!("{fault}"));
    println!("{cases} sequences: the store and the model agree");
}

#[test]
fn a_family_in_a_folder_is_the_models() {
    is_the_models(World::embedded());
}

#[test]
fn a_family_in_a_database_is_the_models() {
    is_the_models(World::on_postgres(Pooler::None));
}

#[test]
fn each_planted_bug_is_found() {
    let _alone = PLANTED.write().unwrap_or_else(PoisonError::into_inner);
    for bug in [Bug::RotatesTwice, Bug::KeepsFamily, Bug::RevokesNotRefresh] {
        danger_plant(Some(bug));
        let config = || Config { cases: 200, max_shrink_iters: 0, ..Config::default() };
        let found = [
            tried(World::embedded(), config()).is_err(),
            tried(World::on_postgres(Pooler::None), config()).is_err(),
        ];
        danger_plant(None);
        assert_eq!(found, [true, true], "{bug:?}");
    }
}
