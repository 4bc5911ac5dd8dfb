//! Revocation (RFC 7009): any token of a client's own takes back everything under its grant, for good.

use portvakt_protocol::secret::{AccessToken, AccessTokenDigest, RefreshToken, RefreshTokenDigest};
use portvakt_protocol::time::Timestamp;
use portvakt_protocol::witness::{Refreshing, Spending};
use portvakt_store::{Revocation, TokenDigests};

use crate::world::{START, World, after, client_id};

async fn revoke(world: &World, client: &str, token: TokenDigests, now: Timestamp) -> Revocation {
    world.store.revoke(world.issuer(), &client_id(client), token, now).await.unwrap()
}

/// An access token, which is no refresh token.
fn access(world: &World, access: AccessTokenDigest) -> TokenDigests {
    TokenDigests { access, refresh: RefreshToken::draw(&world.random).digest() }
}

/// The other way round.
fn refresh(world: &World, refresh: RefreshTokenDigest) -> TokenDigests {
    TokenDigests { access: AccessToken::draw(&world.random).digest(), refresh }
}

pub(crate) async fn a_token_that_nobody_gave_takes_nothing_back(world: World) {
    let family = world.family().await;
    let seen = world.audit().await;
    let nothing = access(&world, AccessToken::draw(&world.random).digest());
    assert_eq!(revoke(&world, "demo", nothing, START).await, Revocation::Unknown);
    let token = access(&world, family.access);
    let there = world.store.revoke(world.there.issuer(), &client_id("demo"), token, START).await;
    assert_eq!(there, Ok(Revocation::Unknown), "at another issuer");
    assert_eq!(world.audit().await, seen);
    assert!(world.lives(&family.access).await && world.is_usable(&family.refresh).await);
}

pub(crate) async fn another_clients_token_is_not_taken_back(world: World) {
    let family = world.family().await;
    let seen = world.audit().await;
    for token in [access(&world, family.access), refresh(&world, family.refresh)] {
        assert_eq!(revoke(&world, "other", token, START).await, Revocation::NotYours);
    }
    assert_eq!(world.audit().await, seen);
    assert!(world.lives(&family.access).await && world.is_usable(&family.refresh).await);
}

pub(crate) async fn whichever_token_is_presented_everything_is_taken_back(mut world: World) {
    // Which token of a family is presented: of its access tokens, or of its refresh tokens.
    let presented =
        [(true, 0), (true, 1), (true, 2), (true, 3), (false, 0), (false, 1), (false, 2), (false, 3)];
    for (of_access, number) in presented {
        let (family, bystander) = (world.family().await, world.family().await);
        let second = world.rotated(family.refresh, START).await;
        let lost = world.rotated(second.refresh, START).await;
        let third = world.rotated(second.refresh, START).await;
        let seen = world.audit().await.len();
        let accesses = [family.access, second.access, third.access, lost.access];
        let refreshes = [family.refresh, second.refresh, lost.refresh, third.refresh];
        let token =
            if of_access { access(&world, accesses[number]) } else { refresh(&world, refreshes[number]) };
        for _ in 0..2 {
            assert_eq!(
                revoke(&world, "demo", token, after(1)).await,
                Revocation::Done,
                "{of_access} {number}"
            );
            for token in accesses {
                assert!(!world.lives(&token).await);
            }
            assert!(!world.is_usable(&third.refresh).await);
            let (answer, _) = world.rotate(third.refresh, after(1)).await;
            assert!(matches!(answer, Refreshing::Unknown));
            world.reopen().await;
        }
        assert_eq!(world.events_after(seen).await, ["grant_revoked"], "recorded once");
        assert!(world.lives(&bystander.access).await && world.is_usable(&bystander.refresh).await);
    }
}

pub(crate) async fn a_token_that_has_ended_takes_its_grant_back_for_as_long_as_that_is_there(
    mut world: World,
) {
    let policy = portvakt_store::SweepPolicy { audit_retention: None, batch: 10 };
    let (family, other) = (world.family().await, world.family().await);
    let second = world.rotated(family.refresh, after(500)).await;
    let swept = world.store.sweep(after(7199), policy).await.unwrap();
    assert_eq!(swept.access_tokens, 0);
    world.reopen().await;
    let ended = access(&world, family.access);
    assert_eq!(revoke(&world, "other", ended, after(7199)).await, Revocation::NotYours);
    assert_eq!(revoke(&world, "demo", ended, after(7199)).await, Revocation::Done);
    assert!(!world.is_usable(&second.refresh).await);
    // One without a refresh token has nothing to take back once it has ended.
    let issue = world.issued().await;
    let alone = world.spending("demo", issue.code.digest);
    let token = access(&world, alone.access_token.digest);
    world.store.spend_code(world.issuer(), alone, START).await.unwrap();
    let swept = world.store.sweep(after(7199), policy).await.unwrap();
    assert_eq!(swept.access_tokens, 1);
    assert_eq!(revoke(&world, "demo", token, after(7199)).await, Revocation::Unknown);
    let swept = world.store.sweep(after(7200), policy).await.unwrap();
    assert_eq!((swept.access_tokens, swept.grants), (3, 3), "with its grant");
    assert_eq!(revoke(&world, "demo", access(&world, other.access), after(7200)).await, Revocation::Unknown);
}

pub(crate) async fn a_revoked_code_is_not_spent_again_without_a_replay(world: World) {
    let family = world.family().await;
    assert_eq!(revoke(&world, "demo", access(&world, family.access), START).await, Revocation::Done);
    let seen = world.audit().await;
    let again = world.spending("demo", family.issue.code.digest);
    let again = world.store.spend_code(world.issuer(), again, START).await.unwrap();
    assert!(matches!(again, Spending::Replayed), "told apart, as before");
    assert_eq!(world.audit().await, seen, "and nothing was left to take back");
}

pub(crate) async fn a_token_of_a_grant_without_a_refresh_token_is_taken_back(world: World) {
    let issue = world.issued().await;
    let spending = world.spending("demo", issue.code.digest);
    let token = spending.access_token.digest;
    world.store.spend_code(world.issuer(), spending, START).await.unwrap();
    assert_eq!(revoke(&world, "demo", access(&world, token), after(1)).await, Revocation::Done);
    assert!(!world.lives(&token).await);
}

/// How many races are run: a command may ask for more.
fn races() -> u32 {
    #[expect(
        clippy::disallowed_methods,
        reason = "the command that runs this test for long says for how long"
    )]
    let asked = std::env::var("PORTVAKT_RACES");
    asked.ok().and_then(|asked| asked.parse().ok()).unwrap_or(60)
}

pub(crate) async fn revocation_races_rotation_and_nothing_lives_afterwards(world: World) {
    let races = races();
    for race in 0..races {
        let family = world.family().await;
        let mut rotations = Vec::new();
        for _ in 0..3 {
            let rotation = world.rotation(family.refresh, START);
            let given = crate::world::family::given(&rotation);
            let (store, issuer) = (world.store.clone(), world.issuer().clone());
            let rotating = tokio::spawn(async move {
                let mut given_by_then = Vec::new();
                let (mut rotation, mut given) = (rotation, given);
                // On and on, until the family is taken back.
                loop {
                    given_by_then.push(given);
                    match store.refresh(&issuer, rotation.clone(), START).await.unwrap() {
                        Refreshing::Refreshed(_) => {}
                        Refreshing::Replayed | Refreshing::Unknown => return given_by_then,
                    }
                    rotation.presented = given.refresh;
                    let random = portvakt_crypto::random::Random::system();
                    rotation.access_token.digest = AccessToken::draw(&random).digest();
                    let portvakt_store::Usage::Rotate { successor, .. } = &mut rotation.usage else {
                        continue;
                    };
                    successor.digest = RefreshToken::draw(&random).digest();
                    given = crate::world::family::given(&rotation);
                }
            });
            rotations.push(rotating);
        }
        // Not always at the very start.
        for _ in 0..race % 7 {
            tokio::task::yield_now().await;
        }
        assert_eq!(revoke(&world, "demo", refresh(&world, family.refresh), START).await, Revocation::Done);
        assert!(!world.lives(&family.access).await && !world.is_usable(&family.refresh).await);
        for rotating in rotations {
            for given in rotating.await.unwrap() {
                assert!(!world.lives(&given.access).await, "race {race}: an access token lives");
                assert!(!world.is_usable(&given.refresh).await, "race {race}: a refresh token lives");
            }
        }
    }
    println!("{races} races of revocation and rotation: nothing lived afterwards");
}
