//! Contests on a sound store have one winner each, and processes agree on what they contend for.

use std::sync::{Arc, Barrier};

use portvakt_torture::contest::{Plan, Thing, add_up, prepare, read_wins, run, write_wins};
use portvakt_torture::journal::Clock;
use portvakt_torture::world::open;

const PLAN: Plan = Plan { seed: 7, attempts: 6_000, tasks: 24, contenders: 8, processes: 2, process: 0 };

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_thing_is_won_once_and_by_one_side() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path().join("data").to_str().unwrap(), Clock::start().now()).await.unwrap();
    prepare(&store, &PLAN, 0, PLAN.things()).await.unwrap();
    // Both begin each round together, and look at what lives when both have ended.
    let both = Arc::new(Barrier::new(2));
    let side = |plan: Plan| {
        let (store, both) = (store.clone(), Arc::clone(&both));
        tokio::spawn(async move {
            let mut gates = 0;
            let mut gate = || {
                both.wait();
                gates += 1;
                Ok(())
            };
            let ran = run(&store, &plan, false, &mut gate).await.unwrap();
            assert_eq!(gates, 7, "six rounds, and the end");
            ran
        })
    };
    let (ours, theirs) = tokio::join!(side(PLAN), side(Plan { process: 1, ..PLAN }));
    let ((ours, our_wins), (theirs, their_wins)) = (ours.unwrap(), theirs.unwrap());
    println!("{ours:?}\n{theirs:?}");
    let ruling = add_up(&PLAN, [our_wins.as_slice(), their_wins.as_slice()]);
    assert_eq!((ruling.doubles.len(), ruling.nobody.len(), ruling.once), (0, 0, u64::from(PLAN.things())));
    assert!(!our_wins.is_empty() && !their_wins.is_empty(), "both sides had a chance");
    for counts in [&ours, &theirs] {
        assert_eq!((counts.unknown, counts.wrong, counts.outlived), (0, 0, 0));
        assert_eq!(counts.attempts, 3_000);
        assert!(counts.kinds.values().all(|attempts| *attempts > 0), "{counts:?}");
        // Some hundred uses of refresh tokens, of which the retries are given too.
        assert!(counts.given > 300 && counts.given + counts.losses < counts.attempts, "{counts:?}");
    }
    // Across processes, by files.
    let path = folder.path().join("wins");
    write_wins(&path, &our_wins).unwrap();
    assert_eq!(read_wins(&path).unwrap(), our_wins);
}

#[test]
fn a_plan_counts_attempts_and_has_every_kind_of_thing() {
    assert_eq!(
        Plan { attempts: 1_000_000, tasks: 64, contenders: 64, processes: 1, ..PLAN }.things(),
        15_625
    );
    assert_eq!(
        Plan { attempts: 1_000_000, tasks: 64, contenders: 2, processes: 1, ..PLAN }.things(),
        500_000
    );
    let kinds = |thing| (0..32).filter(|number| PLAN.thing(*number) == thing).count();
    let all = [Thing::Code, Thing::Login, Thing::Answer, Thing::FirstKey].map(kinds);
    assert_eq!(all, [8, 7, 8, 1]);
    assert_eq!([Thing::Refresh, Thing::Fork, Thing::Revocation].map(kinds), [4, 2, 2]);
}

#[test]
fn two_winners_and_none_are_found() {
    let plan = Plan { attempts: 4, contenders: 1, processes: 1, ..PLAN };
    let ruling = add_up(&plan, [[0, 1].as_slice(), [1, 3].as_slice()]);
    assert_eq!((ruling.doubles, ruling.nobody, ruling.once), (vec![1], vec![2], 2));
}
