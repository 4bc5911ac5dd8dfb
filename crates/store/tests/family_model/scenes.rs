//! The store beside the model, on both backends; and bugs that it must find.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

use portvakt_cluster::Fate;
use portvakt_protocol::time::Seconds;
use portvakt_store::{Bug, Fault, danger_plant};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestError, TestRunner};

use crate::model::{ACCESS, Deed, GRANT, INACTIVITY};
use crate::node::{Node, Seen};
use crate::run::{Mishap, Pick, Run, Step, When};
use crate::world::START;

/// A bug is planted in every store of this process.
static PLANTED: RwLock<()> = RwLock::new(());

/// Within the grace, mostly; or slowly, so that tokens live when their grant ends. Then perhaps to that end, and past it, or to a revocation.
fn steps() -> impl Strategy<Value = Vec<Step>> {
    let quickly = || prop_oneof![8 => Just(0_u32), 8 => 1_u32..30, 3 => 29_u32..32, 1 => INACTIVITY - 1..INACTIVITY + 2];
    let slowly = prop_oneof![2 => Just(0_u32), 1 => 1_u32..32, 4 => 60_u32..300];
    let of = |later: BoxedStrategy<u32>, most: usize| {
        prop::collection::vec((later.prop_map(When::Later), event()).prop_map(step), 1..most)
    };
    let body = prop_oneof![2 => of(quickly().boxed(), 25), 1 => of(slowly.boxed(), 12)];
    // A token that lives when its grant ends.
    let late = (400..INACTIVITY)
        .prop_map(|at| step((When::AfterLogin(at), (Deed::Rotate, Pick::Latest, None, false))));
    let at_end = ((GRANT - 1..GRANT + 2).prop_map(When::AfterLogin), event()).prop_map(step);
    let at_end = (late, at_end).prop_map(|(late, at_end)| vec![late, at_end]);
    // Or an access token is revoked that has ended, or was replaced.
    let ended = prop_oneof![Just(0), Just(ACCESS)].prop_map(When::Later);
    let pick = prop_oneof![Just(Pick::Before), any::<usize>().prop_map(Pick::Any)];
    let revoked =
        (ended, pick).prop_map(|(when, pick)| vec![step((when, (Deed::RevokeByAccess, pick, None, false)))]);
    let first = prop_oneof![2 => at_end, 1 => revoked];
    let end = (first, of(quickly().boxed(), 6));
    (body, prop::option::of(end)).prop_map(|(mut steps, end)| {
        if let Some((first, rest)) = end {
            steps.extend(first.into_iter().chain(rest));
        }
        steps
    })
}

type Event = (Deed, Pick, Option<Mishap>, bool);

fn step((when, (deed, pick, mishap, anew)): (When, Event)) -> Step {
    Step { when, deed, pick, mishap, anew }
}

/// What is done, to which token, and what goes wrong. Few revocations: whatever comes after one is refused.
fn event() -> impl Strategy<Value = Event> {
    let deed = prop_oneof![
        40 => Just(Deed::Rotate),
        10 => prop_oneof![Just(INACTIVITY), 30_u32..INACTIVITY].prop_map(Deed::Reuse),
        1 => Just(Deed::Revoke),
        1 => Just(Deed::RevokeByAccess),
        3 => Just(Deed::Foreign),
        3 => Just(Deed::ForeignRevoke),
        4 => Just(Deed::Sweep),
        1 => Just(Deed::NotBefore),
    ];
    let pick = prop_oneof![16 => Just(Pick::Latest), 6 => Just(Pick::Before), 3 => any::<usize>().prop_map(Pick::Any)];
    let fault = prop_oneof![Just(Fault::Before), Just(Fault::After), Just(Fault::Hang)];
    let fate = prop_oneof![1 => Just(Fate::NeverSent), 2 => Just(Fate::AnswerLost)];
    let mishap = prop_oneof![
        2 => fault.prop_map(Mishap::Planned),
        // The first statement of a rotation is the one that most verbs send.
        2 => fate.clone().prop_map(|fate| Mishap::Lost(fate, 0)),
        3 => (fate, any::<usize>()).prop_map(|(fate, statement)| Mishap::Lost(fate, statement)),
        2 => (0_u32..1_000).prop_map(Mishap::Dies),
    ];
    (deed, pick, prop::option::weighted(0.25, mishap), prop::bool::weighted(0.02))
}

/// How many sequences are tried: a command may ask for more.
fn cases() -> u32 {
    #[expect(
        clippy::disallowed_methods,
        reason = "the command that runs this test for long says for how long"
    )]
    let asked = std::env::var("PORTVAKT_CASES");
    asked.ok().and_then(|asked| asked.parse().ok()).unwrap_or(80)
}

/// What came about, and how often.
type Counts = BTreeMap<Seen, u32>;

/// Tries random sequences on families of one node.
fn tried(node: impl Future<Output = Node>, config: Config) -> Result<Counts, Box<TestError<Vec<Step>>>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    // Each family begins after whatever took back what the one before was given.
    let node = tokio::sync::Mutex::new((runtime.block_on(node), START));
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..config });
    let tried = runner.run(&steps(), |steps| {
        runtime.block_on(async {
            let (node, clock) = &mut *node.lock().await;
            let mut run = Run::new(node, *clock).await;
            for step in steps {
                run.step(step).await;
                *clock = run.now + Seconds::new(1);
            }
        });
        Ok(())
    });
    let (node, _) = node.into_inner();
    let _ = runtime.block_on(node.world.store.close());
    tried.map(|()| node.seen).map_err(Box::new)
}

fn is_the_models(node: impl Future<Output = Node>, come: &[Seen]) {
    let _sound = PLANTED.read().unwrap_or_else(PoisonError::into_inner);
    let cases = cases();
    let config = Config { cases, ..Config::default() };
    let seen = tried(node, config).unwrap_or_else(|fault| panic!("{fault}"));
    println!("{cases} sequences: the store and the model agree; {seen:?}");
    let expected = come.iter().chain(if cases < 400 { &[][..] } else { &IN_LENGTH[..] });
    for what in expected {
        assert!(seen.contains_key(what), "{what:?} never came about: {seen:?}");
    }
}

/// What comes about in any run.
const ALWAYS: [Seen; 3] = [Seen::Retry, Seen::Replay, Seen::AfterTheEnd];
/// What comes about in one of some length.
const IN_LENGTH: [Seen; 3] = [Seen::RevokedByEnded, Seen::DiedDone, Seen::DiedUndone];

#[test]
fn a_family_in_a_folder_is_the_models() {
    is_the_models(Node::with_folder(), &ALWAYS);
}

#[test]
fn a_family_in_a_database_is_the_models() {
    is_the_models(Node::with_database(), &[&ALWAYS[..], &[Seen::AnswerLost, Seen::RequestLost]].concat());
}

#[test]
fn each_planted_bug_is_found() {
    let _alone = PLANTED.write().unwrap_or_else(PoisonError::into_inner);
    for bug in [
        Bug::RotatesTwice,
        Bug::KeepsFamily,
        Bug::RevokesNotRefresh,
        Bug::KeepsReplacedToken,
        Bug::NoGrace,
        Bug::OutlivesGrant,
        Bug::FailsAlways,
    ] {
        let begun = std::time::Instant::now();
        danger_plant(Some(bug));
        let config = || Config { cases: 2000, max_shrink_iters: 0, ..Config::default() };
        let found =
            [tried(Node::with_folder(), config()).is_err(), tried(Node::with_database(), config()).is_err()];
        danger_plant(None);
        println!("{bug:?}: {:?}", begun.elapsed());
        assert_eq!(found, [true, true], "{bug:?}");
    }
}
