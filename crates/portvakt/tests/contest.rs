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

/// Not as many as for codes: a login is finished in one browser, by a double click or a reload at worst.
const FINISHES: usize = 50;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_login_finished_by_sixteen_tabs_at_once_gives_exactly_one_answer() {
    let world = World::new().await;
    for at in At::PROFILES {
        let service = world.service(at).await;
        for round in 0..FINISHES {
            let (asking, mut browser) = (service.request(), world.browser());
            let page = world.page(&mut browser, &asking).await;
            let (start, mut tabs) = (Arc::new(Barrier::new(16)), JoinSet::new());
            for tab in 0..16 {
                let (mut browser, page, start) = (browser.clone(), page.clone(), Arc::clone(&start));
                tabs.spawn(async move {
                    start.wait().await;
                    // One in eight gives up while the others go on.
                    if tab % 8 == 0 {
                        browser.cancel(&page).await
                    } else {
                        browser.log_in_as(&page, PERSONS[0]).await
                    }
                });
            }
            let replies = tabs.join_all().await;
            let (answered, told): (Vec<_>, Vec<_>) =
                replies.iter().partition(|reply| reply.location().is_some());
            assert_eq!(answered.len(), 1, "{at:?}, round {round}");
            assert!(told.iter().all(|reply| reply.is_page_with(409) || reply.is_page_with(400)));
            let answer = asking.answer(answered[0]);
            if answer.get("code").is_some() {
                service.tokens(&answer).await;
            } else {
                assert_eq!(answer.get("error"), Some("access_denied"));
            }
        }
        let rows = world.rows();
        assert_eq!(rows.count("code"), rows.count("login_grant"), "no code without its grant");
    }
}
