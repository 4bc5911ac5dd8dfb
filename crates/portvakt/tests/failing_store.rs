//! Every verb of the store fails: before it was done, after it was done, or by never answering. Whoever asks is told to come back, never
//! that all is well; nothing is half done; and when the store is well again, everything goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use portvakt_store::Fault;
use portvakt_testkit::{At, Browser, PERSONS, RelyingParty, Reply, World};

/// The verbs that a login and its tokens come by.
const VERBS: [&str; 8] = [
    "client",
    "begin_login",
    "login",
    "record_evidence",
    "finish_login",
    "code",
    "spend_code",
    "access_token",
];

/// A login step by step, as far as it comes.
struct Login<'a> {
    world: &'a World,
    service: &'a RelyingParty,
    browser: Browser,
    /// Codes of earlier logins that nobody was told of, and so nobody redeemed.
    left_unspent: usize,
}

/// How a login ended.
#[derive(Debug)]
enum Ended {
    /// With a person's identity.
    Known,
    /// Told to come back, at this step.
    ToldToComeBack(#[expect(dead_code, reason = "shown when a scene fails")] &'static str),
}

impl Login<'_> {
    async fn run(&mut self) -> Ended {
        let asking = self.service.request();
        let page = self.browser.visit(&asking.url()).await;
        let page = self.browser.follow(page).await;
        if is_excused(&page) {
            return Ended::ToldToComeBack("authorize");
        }
        if page.status == 303 {
            assert_eq!(asking.answer(&page).get("error"), Some("temporarily_unavailable"));
            return Ended::ToldToComeBack("redirect before the login");
        }
        let left = self.browser.log_in_as(&page, PERSONS[0]).await;
        if is_excused(&left) {
            return Ended::ToldToComeBack("login");
        }
        let answer = asking.answer(&left);
        if let Some(error) = answer.get("error") {
            assert_eq!(error, "temporarily_unavailable");
            return Ended::ToldToComeBack("redirect");
        }
        let redeemed = self.service.redeem(&answer).await;
        if is_excused(&redeemed) {
            self.whatever_became_of_the_code(&answer).await;
            return Ended::ToldToComeBack("token");
        }
        let tokens = self.service.read(&redeemed).await;
        let userinfo = self.service.userinfo(&tokens.access_token).await;
        if is_excused(&userinfo) {
            let again = self.service.userinfo(&tokens.access_token).await;
            assert_eq!(again.status, 200, "a token is not lost by a failing read");
            return Ended::ToldToComeBack("userinfo");
        }
        assert_eq!(userinfo.status, 200, "{}", userinfo.text());
        Ended::Known
    }

    /// A code whose redemption was not answered is redeemable once, or spent: never twice.
    async fn whatever_became_of_the_code(&self, answer: &portvakt_testkit::Answer) {
        let grants = async || {
            let events = self.world.events().await;
            let count = |wanted: &str| events.iter().filter(|event| *event == wanted).count();
            (count("code_issued"), count("code_redeemed"))
        };
        let mut successes = 0;
        for _ in 0..3 {
            let again = self.service.redeem(answer).await;
            match again.status.as_u16() {
                200 => successes += 1,
                400 => assert_eq!(again.error(), "invalid_grant"),
                _ => assert_eq!(again.status, 400, "{}", again.text()),
            }
        }
        assert!(successes <= 1, "{successes} successes");
        let (issued, redeemed) = grants().await;
        assert_eq!(
            issued - self.left_unspent,
            redeemed,
            "one redemption to a code, whether or not it was told"
        );
    }
}

/// Whether a caller is told to come back; anything that is neither that nor a success fails the scene where it is read.
fn is_excused(reply: &Reply) -> bool {
    if reply.status != 503 {
        assert!(reply.status.as_u16() < 500, "{}: {}", reply.status, reply.text());
        return false;
    }
    assert!(!reply.header("retry-after").is_empty());
    assert!(!reply.text().contains("planted"), "whose fault it was is for the log");
    true
}

/// Has the `nth` call of `verb` fail, once.
fn fail_once(world: &World, verb: &'static str, nth: u32, fault: Fault) -> Arc<AtomicU32> {
    let calls = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&calls);
    world.store().danger_plan_faults(move |called| {
        (called == verb && counted.fetch_add(1, Ordering::SeqCst) + 1 == nth).then_some(fault)
    });
    calls
}

#[tokio::test]
async fn whichever_verb_fails_nobody_is_told_of_a_success_that_was_none() {
    let world = World::new().await;
    let service = world.service(At::Current).await;
    let (mut struck, mut left_unspent) = (0, 0);
    for fault in [Fault::Before, Fault::After] {
        for verb in VERBS {
            for nth in 1..8 {
                let calls = fail_once(&world, verb, nth, fault);
                let mut login =
                    Login { world: &world, service: &service, browser: world.browser(), left_unspent };
                let ended = login.run().await;
                if calls.load(Ordering::SeqCst) < nth {
                    assert!(matches!(ended, Ended::Known), "{verb} {nth}: nothing failed, yet {ended:?}");
                    break;
                }
                struck += 1;
                assert!(
                    matches!(ended, Ended::ToldToComeBack(_)),
                    "{verb}, call {nth}, {fault:?}: {ended:?}"
                );
                left_unspent += usize::from((verb, fault) == ("finish_login", Fault::After));
                // Whatever failed, the next login is whole.
                let mut next =
                    Login { world: &world, service: &service, browser: world.browser(), left_unspent };
                assert!(matches!(next.run().await, Ended::Known), "{verb}, call {nth}, {fault:?}");
            }
        }
    }
    assert!(struck >= 2 * VERBS.len(), "every verb was struck: {struck}");
}

#[tokio::test]
async fn a_verb_that_never_answers_holds_nobody_else_up() {
    let world = World::new().await;
    let service = world.service(At::Pilot).await;
    let login = || Login { world: &world, service: &service, browser: world.browser(), left_unspent: 0 };
    for verb in VERBS {
        let calls = fail_once(&world, verb, 1, Fault::Hang);
        let hanging = async {
            while calls.load(Ordering::SeqCst) == 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        };
        let mut stuck = login();
        tokio::select! {
            ended = stuck.run() => panic!("{verb} hung, and the login ended: {ended:?}"),
            () = hanging => {}
        }
        assert!(matches!(login().run().await, Ended::Known), "{verb}");
    }
}
