//! Sixty-four callers redeem one code at the same instant, a thousand times over: exactly one ever succeeds, and the losers have
//! the winner's tokens revoked, for nobody can tell which of them was the thief (RFC 6749 §4.1.2, §10.5).

use std::sync::Arc;

use portvakt_testkit::{At, PERSONS, World};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

const CALLERS: usize = 64;
const ROUNDS: usize = 1000;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixty_four_redemptions_of_one_code_give_exactly_one_success_a_thousand_times() {
    let world = World::new().await;
    for at in At::PROFILES {
        let service = world.service(at).await;
        for round in 0..ROUNDS / At::PROFILES.len() {
            let answer = world.answer(&service, PERSONS[0]).await;
            let (redemption, start) = (service.redemption(&answer), Arc::new(Barrier::new(CALLERS)));
            let mut callers = JoinSet::new();
            for _ in 0..CALLERS {
                let (redemption, start) = (redemption.clone(), Arc::clone(&start));
                callers.spawn(async move {
                    start.wait().await;
                    redemption.send().await
                });
            }
            let replies = callers.join_all().await;
            let (won, lost): (Vec<_>, Vec<_>) = replies.iter().partition(|reply| reply.status == 200);
            assert_eq!((won.len(), lost.len()), (1, CALLERS - 1), "{at:?}, round {round}");
            for reply in lost {
                assert_eq!((reply.status.as_u16(), reply.error().as_str()), (400, "invalid_grant"));
            }
            let token = won[0].json()["access_token"].as_str().unwrap().to_owned();
            let refused = service.userinfo(&token).await;
            assert_eq!(
                (refused.status.as_u16(), refused.error().as_str()),
                (401, "invalid_token"),
                "round {round}"
            );
        }
    }
}
