//! The store beside the model, on both backends; and bugs that it must find.

use std::sync::{PoisonError, RwLock};

use portvakt_cluster::Fate;
use portvakt_protocol::time::Seconds;
use portvakt_store::{Bug, Fault, danger_plant};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestError, TestRunner};

use crate::model::{Deed, INACTIVITY};
use crate::node::Node;
use crate::run::{Mishap, Pick, Run, Step, When};
use crate::world::START;

/// A bug is planted in every store of this process.
static PLANTED: RwLock<()> = RwLock::new(());

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let later = prop_oneof![8 => Just(0_u32), 8 => 1_u32..40, 4 => 29_u32..32, 2 => 500_u32..700];
    let when = prop_oneof![14 => later.prop_map(When::Later), 1 => (0_u32..4).prop_map(When::AtEnd)];
    let deed = prop_oneof![
        24 => Just(Deed::Rotate),
        6 => prop_oneof![Just(INACTIVITY), 30_u32..INACTIVITY].prop_map(Deed::Reuse),
        1 => Just(Deed::Revoke),
        2 => Just(Deed::RevokeByAccess),
        2 => Just(Deed::Foreign),
        2 => Just(Deed::ForeignRevoke),
        2 => Just(Deed::Sweep),
        1 => Just(Deed::NotBefore),
    ];
    let pick = prop_oneof![12 => Just(Pick::Latest), 8 => Just(Pick::Before), 3 => any::<usize>().prop_map(Pick::Any)];
    let fault = prop_oneof![Just(Fault::Before), Just(Fault::After), Just(Fault::Hang)];
    let fate = prop_oneof![1 => Just(Fate::NeverSent), 2 => Just(Fate::AnswerLost)];
    let mishap = prop_oneof![
        2 => fault.prop_map(Mishap::Planned),
        // The first statement of a rotation is the one that most verbs send.
        2 => (fate.clone(), Just(0)).prop_map(|(fate, first)| Mishap::Lost(fate, first)),
        3 => (fate, any::<usize>()).prop_map(|(fate, statement)| Mishap::Lost(fate, statement)),
        1 => (0_u32..4_000).prop_map(Mishap::Dies),
    ];
    let mishap = prop::option::weighted(0.25, mishap);
    let step = (when, deed, pick, mishap, prop::bool::weighted(0.02));
    let step = step.prop_map(|(when, deed, pick, mishap, anew)| Step { when, deed, pick, mishap, anew });
    prop::collection::vec(step, 1..30)
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

/// Tries random sequences on families of one node.
fn tried(node: impl Future<Output = Node>, config: Config) -> Result<(), Box<TestError<Vec<Step>>>> {
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
    let _ = runtime.block_on(async { node.into_inner().0.world.store.close().await });
    tried.map_err(Box::new)
}

fn is_the_models(node: impl Future<Output = Node>) {
    let _sound = PLANTED.read().unwrap_or_else(PoisonError::into_inner);
    let cases = cases();
    tried(node, Config { cases, ..Config::default() }).unwrap_or_else(|fault| panic!("{fault}"));
    println!("{cases} sequences: the store and the model agree");
}

#[test]
fn a_family_in_a_folder_is_the_models() {
    is_the_models(Node::with_folder());
}

#[test]
fn a_family_in_a_database_is_the_models() {
    is_the_models(Node::with_database());
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
    ] {
        danger_plant(Some(bug));
        let config = || Config { cases: 200, max_shrink_iters: 0, ..Config::default() };
        let found =
            [tried(Node::with_folder(), config()).is_err(), tried(Node::with_database(), config()).is_err()];
        danger_plant(None);
        assert_eq!(found, [true, true], "{bug:?}");
    }
}
