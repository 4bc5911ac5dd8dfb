//! Codes are spent once (RFC 6749 §4.1.2), by the client they were given to; a replay takes back what they gave.

use portvakt_protocol::secret::{AccessToken, Code};
use portvakt_protocol::witness::Spending;

use crate::world::{KARI, START, World, after, evidence_of};

pub(crate) async fn a_code_that_is_not_there_is_unknown(world: World) {
    let issue = world.issued().await;
    let seen = world.audit().await;
    let nothing = Code::draw(&world.random).digest();
    assert!(world.store.code(world.issuer(), &nothing).await.unwrap().is_none());
    let spending = world.spending("demo", nothing);
    let token = spending.access_token.digest;
    let answer = world.store.spend_code(world.issuer(), spending, START).await.unwrap();
    assert!(matches!(answer, Spending::Unknown));
    assert!(world.store.access_token(world.issuer(), &token).await.unwrap().is_none());
    assert_eq!(world.audit().await, seen);
    assert!(!world.is_spent(&issue.code.digest).await);
}

pub(crate) async fn a_code_ends_at_its_instant(world: World) {
    let (early, late) = (world.issued().await, world.issued().await);
    let spend = async |code, now| {
        world.store.spend_code(world.issuer(), world.spending("demo", code), now).await.unwrap()
    };
    assert!(matches!(spend(late.code.digest, after(60)).await, Spending::Unknown));
    assert!(!world.is_spent(&late.code.digest).await);
    let spending = world.spending("demo", early.code.digest);
    let kept = spending.access_token.digest;
    let answer = world.store.spend_code(world.issuer(), spending, after(59)).await.unwrap();
    assert!(matches!(answer, Spending::Spent(spent) if spent.is_about(early.code.digest, (kept, None))));
}

pub(crate) async fn a_code_ends_with_its_grant(world: World) {
    let begun = world.begin().await;
    let (issuer, login, browser) = (world.issuer(), begun.login, begun.browser);
    let mut issue = world.issue();
    issue.grant.expires = after(30);
    world.store.record_evidence(issuer, login, browser, evidence_of(KARI, START), START).await.unwrap();
    world.store.finish_login(issuer, login, browser, issue.clone(), START).await.unwrap();
    let spend = async |now| {
        world.store.spend_code(issuer, world.spending("demo", issue.code.digest), now).await.unwrap()
    };
    assert!(matches!(spend(after(30)).await, Spending::Unknown));
    assert!(matches!(spend(after(29)).await, Spending::Spent(_)));
}

pub(crate) async fn another_client_changes_nothing(world: World) {
    let issue = world.issued().await;
    let code = issue.code.digest;
    let foreign = async || {
        let seen = world.audit().await;
        let answer =
            world.store.spend_code(world.issuer(), world.spending("other", code), START).await.unwrap();
        assert!(matches!(answer, Spending::Unknown), "neither spent nor replayed");
        assert_eq!(world.audit().await, seen);
    };
    foreign().await;
    assert!(!world.is_spent(&code).await);
    let spending = world.spending("demo", code);
    let token = spending.access_token.digest;
    let answer = world.store.spend_code(world.issuer(), spending, START).await.unwrap();
    assert!(matches!(answer, Spending::Spent(_)));
    foreign().await;
    assert!(!world.is_revoked(&token).await);
}

pub(crate) async fn a_spending_that_fails_leaves_the_code_unspent(world: World) {
    let (first, second) = (world.issued().await, world.issued().await);
    let spending = world.spending("demo", first.code.digest);
    let token = spending.access_token.clone();
    world.store.spend_code(world.issuer(), spending, START).await.unwrap();
    let seen = world.audit().await;
    let mut same_token = world.spending("demo", second.code.digest);
    same_token.access_token = token.clone();
    assert!(world.store.spend_code(world.issuer(), same_token, START).await.is_err());
    assert!(!world.is_spent(&second.code.digest).await);
    assert_eq!(world.audit().await, seen);
    assert!(!world.is_revoked(&token.digest).await);
}

pub(crate) async fn a_failing_request_does_not_fail_its_neighbours(world: World) {
    let taken = world.access_token();
    let first = world.issued().await;
    let mut spending = world.spending("demo", first.code.digest);
    spending.access_token = taken.clone();
    world.store.spend_code(world.issuer(), spending, START).await.unwrap();
    let mut requests = Vec::new();
    for number in 0..60 {
        let mut spending = world.spending("demo", world.issued().await.code.digest);
        let fails = number % 3 == 1;
        if fails {
            spending.access_token = taken.clone();
        }
        requests.push((fails, spending));
    }
    let running: Vec<_> = requests
        .into_iter()
        .map(|(fails, spending)| {
            let (store, issuer) = (world.store.clone(), world.issuer().clone());
            let code = spending.code;
            (fails, code, tokio::spawn(async move { store.spend_code(&issuer, spending, START).await }))
        })
        .collect();
    for (fails, code, answer) in running {
        match answer.await.unwrap() {
            Ok(answer) => assert!(!fails && matches!(answer, Spending::Spent(_))),
            Err(_) => assert!(fails),
        }
        assert_eq!(world.is_spent(&code).await, !fails);
    }
}

pub(crate) async fn a_replay_takes_back_everything_the_code_gave(mut world: World) {
    let (issue, bystander) = (world.issued().await, world.issued().await);
    let seen = world.audit().await.len();
    let spend = async |world: &World, code| {
        let spending = world.spending("demo", code);
        let token = spending.access_token.digest;
        (world.store.spend_code(world.issuer(), spending, START).await.unwrap(), token)
    };
    let (first, token) = spend(&world, issue.code.digest).await;
    assert!(matches!(first, Spending::Spent(_)));
    let (_, untouched) = spend(&world, bystander.code.digest).await;
    assert!(!world.is_revoked(&token).await);
    for _ in 0..2 {
        let (again, no_token) = spend(&world, issue.code.digest).await;
        assert!(matches!(again, Spending::Replayed));
        assert!(world.store.access_token(world.issuer(), &no_token).await.unwrap().is_none());
        assert!(world.is_revoked(&token).await);
        world.reopen().await;
    }
    let found = world.store.code(world.issuer(), &issue.code.digest).await.unwrap().unwrap();
    assert!(found.spent && found.revoked);
    assert!(!world.is_revoked(&untouched).await);
    assert_eq!(world.events_after(seen).await, ["code_redeemed", "code_redeemed", "code_replayed"]);
}

pub(crate) async fn a_replay_is_recognised_after_the_code_has_ended(world: World) {
    let issue = world.issued().await;
    let spending = world.spending("demo", issue.code.digest);
    let token = spending.access_token.digest;
    world.store.spend_code(world.issuer(), spending, START).await.unwrap();
    let late = world.spending("demo", issue.code.digest);
    let answer = world.store.spend_code(world.issuer(), late, after(3600)).await.unwrap();
    assert!(matches!(answer, Spending::Replayed));
    assert!(world.is_revoked(&token).await);
}

pub(crate) async fn of_fifty_redemptions_one_succeeds(world: World) {
    for _ in 0..5 {
        let issue = world.issued().await;
        let contenders: Vec<_> = (0..50)
            .map(|_| {
                let (store, issuer) = (world.store.clone(), world.issuer().clone());
                let spending = world.spending("demo", issue.code.digest);
                tokio::spawn(async move {
                    let token = spending.access_token.digest;
                    (token, store.spend_code(&issuer, spending, START).await.unwrap())
                })
            })
            .collect();
        let (mut spent, mut replayed, mut planned) = (0, 0, Vec::new());
        for contender in contenders {
            let (token, answer) = contender.await.unwrap();
            planned.push(token);
            match answer {
                Spending::Spent(_) => spent += 1,
                Spending::Replayed => replayed += 1,
                Spending::Unknown => panic!("a code of this client's"),
            }
        }
        let mut tokens = Vec::new();
        for token in planned {
            tokens.extend(world.store.access_token(world.issuer(), &token).await.unwrap());
        }
        assert_eq!((spent, replayed), (1, 49));
        assert_eq!(tokens.len(), 1, "the loser's tokens were never stored");
        assert!(tokens[0].revoked);
    }
}

pub(crate) async fn a_code_and_a_token_are_read_as_they_were_given(mut world: World) {
    let full = world.issued().await;
    // A code without a challenge, and a grant that repeats nothing.
    let mut bare = world.issue();
    bare.code.challenge = None;
    bare.grant.echo = portvakt_protocol::grant::Echo::default();
    world.finish(&bare).await;
    world.reopen().await;
    for issue in [full, bare] {
        let found = world.store.code(world.issuer(), &issue.code.digest).await.unwrap().unwrap();
        assert_eq!((&found.code, &found.grant), (&issue.code, &issue.grant));
        assert!(!found.spent && !found.revoked);
        let spending = world.spending("demo", issue.code.digest);
        let given = spending.access_token.clone();
        world.store.spend_code(world.issuer(), spending, START).await.unwrap();
        let token = world.store.access_token(world.issuer(), &given.digest).await.unwrap().unwrap();
        assert_eq!((token.issued, token.expires, token.revoked), (given.issued, given.expires, false));
        assert_eq!((token.scopes, &token.grant), (issue.grant.scopes.clone(), &issue.grant));
    }
    let nothing = AccessToken::draw(&world.random).digest();
    assert!(world.store.access_token(world.issuer(), &nothing).await.unwrap().is_none());
}
