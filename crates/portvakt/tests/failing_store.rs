//! Every verb of the store fails: before it was done, after it was done, or by never answering. Whoever asks is told to come back, never
//! that all is well; nothing is half done; and when the store is well again, everything goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use portvakt_protocol::registration::ClientRegistration;
use portvakt_store::Fault;
use portvakt_testkit::{
    At, Browser, Damage, PERSONS, RelyingParty, Reply, Tokens, World, assert_rule, read_by, refreshing,
    scopes,
};

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

// What comes after the login: refresh, introspection, revocation.

/// The verbs that these come by.
const LATER_VERBS: [&str; 6] =
    ["client", "refresh_token", "person_standing", "refresh", "access_token", "revoke"];

/// A client that may do all of them.
async fn later(world: &World) -> RelyingParty {
    let scope = read_by("api:read", &["later"]);
    world.scope(At::Current, scope).await;
    let scopes = scopes("openid profile api:read idporten:token.introspection");
    world.register(At::Current, ClientRegistration { scopes, ..refreshing("later") }).await
}

async fn tokens(world: &World, service: &RelyingParty) -> Tokens {
    world.tokens_for(service, PERSONS[0], "openid profile api:read").await
}

/// Whether both ways to ask say that an access token lives.
async fn lives(service: &RelyingParty, access_token: &str) -> bool {
    let userinfo = service.userinfo(access_token).await.status == 200;
    assert_eq!(service.introspect(access_token).await.get("active"), Some(&userinfo.into()));
    userinfo
}

#[tokio::test]
async fn a_refresh_whose_answer_was_lost_can_be_asked_for_again_and_leaves_one_branch() {
    let world = World::new().await;
    let service = later(&world).await;
    let mut struck = 0;
    for fault in [Fault::Before, Fault::After] {
        for verb in LATER_VERBS {
            let first = tokens(&world, &service).await;
            let calls = fail_once(&world, verb, 1, fault);
            let reply = service.refreshing(first.refresh_token()).send().await;
            if calls.load(Ordering::SeqCst) == 0 {
                service.read(&reply).await;
                continue;
            }
            struck += 1;
            assert!(is_excused(&reply), "{verb} {fault:?}: {}", reply.text());
            assert!(!reply.text().contains("token"), "nothing is given that may not be kept");
            world.wait(29);
            let second = service.refresh(first.refresh_token()).await;
            assert!(lives(&service, &second.access_token).await, "{verb} {fault:?}");
            let third = service.refresh(second.refresh_token()).await;
            let replay = service.refreshing(first.refresh_token()).send().await;
            assert_rule(&replay, "invalid_grant", "refresh-token-replayed");
            assert!(!lives(&service, &third.access_token).await);
        }
    }
    assert_eq!(struck, 2 * 4, "client, refresh_token, person_standing and refresh were struck");
    let events = world.events().await;
    let count = |wanted: &str| events.iter().filter(|event| *event == wanted).count();
    assert_eq!(count("refresh_retried"), 1, "the one that was done, and not told");
}

#[tokio::test]
async fn a_lost_answer_that_is_asked_for_too_late_is_a_replay() {
    let world = World::new().await;
    let service = later(&world).await;
    for (fault, rule) in [(Fault::Before, None), (Fault::After, Some("refresh-token-replayed"))] {
        let first = tokens(&world, &service).await;
        fail_once(&world, "refresh", 1, fault);
        assert!(is_excused(&service.refreshing(first.refresh_token()).send().await));
        world.wait(30);
        let late = service.refreshing(first.refresh_token()).send().await;
        match rule {
            Some(rule) => assert_rule(&late, "invalid_grant", rule),
            None => drop(service.read(&late).await),
        }
    }
}

#[tokio::test]
async fn introspection_that_cannot_know_is_503_and_never_not_active() {
    let world = World::new().await;
    let service = later(&world).await;
    let pilot = world.service(At::Pilot).await;
    let given = tokens(&world, &service).await.access_token;
    let pilots = world.tokens(&pilot, PERSONS[0]).await.access_token;
    for fault in [Fault::Before, Fault::After] {
        for verb in ["client", "access_token", "person_standing"] {
            for nth in 1..4 {
                let calls = fail_once(&world, verb, nth, fault);
                let asked = service.introspecting(&given).send().await;
                assert_eq!(is_excused(&asked), calls.load(Ordering::SeqCst) >= nth, "{verb} {nth}");
                let calls = fail_once(&world, verb, nth, fault);
                let asked = pilot.tokeninfo(&pilots).await;
                assert_eq!(is_excused(&asked), calls.load(Ordering::SeqCst) >= nth, "{verb} {nth}");
                fail_once(&world, verb, u32::MAX, fault);
                assert!(lives(&service, &given).await);
                assert_eq!(pilot.tokeninfo(&pilots).await.json()["active"], true);
            }
        }
    }
}

#[tokio::test]
async fn a_later_verb_that_never_answers_holds_nobody_else_up() {
    let world = World::new().await;
    let service = later(&world).await;
    for verb in LATER_VERBS {
        let given = tokens(&world, &service).await;
        let request = match verb {
            "revoke" => service.revoking(given.refresh_token()),
            "access_token" => service.introspecting(&given.access_token),
            _ => service.refreshing(given.refresh_token()),
        };
        let calls = fail_once(&world, verb, 1, Fault::Hang);
        let hanging = async {
            while calls.load(Ordering::SeqCst) == 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
        tokio::select! {
            reply = request.send() => panic!("{verb} hung, and was answered: {}", reply.text()),
            () = hanging => {}
        }
        assert!(lives(&service, &given.access_token).await, "{verb}");
        let next = service.refresh(given.refresh_token()).await;
        service.revoke(next.refresh_token()).await;
        assert!(!lives(&service, &next.access_token).await, "{verb}");
    }
}

#[tokio::test]
async fn what_cannot_be_stored_whole_is_not_stored_at_all() {
    for (damage, at_refresh) in [
        (Damage::NoInsert("refresh_token"), true),
        (Damage::NoInsert("access_token"), true),
        (Damage::NoUpdate("refresh_token"), true),
        (Damage::NoInsert("refresh_token"), false),
        (Damage::NoInsert("access_token"), false),
        (Damage::NoUpdate("code"), false),
    ] {
        let world = World::new().await;
        let service = later(&world).await;
        let given = tokens(&world, &service).await;
        let answer = world.answer(&service, PERSONS[0]).await;
        world.data().damage(damage);
        let before = world.rows();
        let request =
            if at_refresh { service.refreshing(given.refresh_token()) } else { service.redemption(&answer) };
        for _ in 0..2 {
            assert!(is_excused(&request.send().await), "{damage:?}");
        }
        world.assert_untouched(&before);
        assert!(lives(&service, &given.access_token).await);
    }
}
