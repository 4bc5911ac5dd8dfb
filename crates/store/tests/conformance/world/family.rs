//! Refresh tokens in scenes.

use portvakt_protocol::grant::{NewAccessToken, NewRefreshToken};
use portvakt_protocol::secret::{AccessTokenDigest, RefreshToken, RefreshTokenDigest};
use portvakt_protocol::time::{Seconds, Timestamp};
use portvakt_protocol::witness::{Refreshing, Spending};
use portvakt_store::{Issue, Refresh, Usage};

use super::{START, World, client_id};

/// A login whose code was spent, and what it gave.
#[derive(Clone, Debug)]
pub(crate) struct Family {
    pub(crate) issue: Issue,
    pub(crate) access: AccessTokenDigest,
    pub(crate) refresh: RefreshTokenDigest,
}

/// What a refresh gave, or would have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Given {
    pub(crate) access: AccessTokenDigest,
    pub(crate) refresh: RefreshTokenDigest,
}

/// What a refresh that rotates would give.
pub(crate) fn given(rotation: &Refresh) -> Given {
    let Usage::Rotate { successor, .. } = &rotation.usage else { panic!("no rotation") };
    Given { access: rotation.access_token.digest, refresh: successor.digest }
}

impl World {
    /// One that ends ten minutes after `now`.
    pub(crate) fn new_refresh_token(&self, now: Timestamp) -> NewRefreshToken {
        NewRefreshToken {
            digest: RefreshToken::draw(&self.random).digest(),
            issued: now,
            expires: now + Seconds::new(600),
        }
    }

    /// A login of the client `demo` that gave a refresh token.
    pub(crate) async fn family(&self) -> Family {
        let issue = self.issued().await;
        self.family_of(issue).await
    }

    /// What a login issued, redeemed at its start.
    pub(crate) async fn family_of(&self, issue: Issue) -> Family {
        let mut spending = self.spending("demo", issue.code.digest);
        let first = self.new_refresh_token(START);
        let (access, refresh) = (spending.access_token.digest, first.digest);
        spending.refresh_token = Some(first);
        let spent = self.store.spend_code(self.issuer(), spending, START).await.unwrap();
        assert!(
            matches!(spent, Spending::Spent(spent) if spent.is_about(issue.code.digest, (access, Some(refresh))))
        );
        Family { issue, access, refresh }
    }

    /// A use of `presented` that rotates it, with a grace of 30 seconds.
    pub(crate) fn rotation(&self, presented: RefreshTokenDigest, now: Timestamp) -> Refresh {
        let retry_since = now - Seconds::new(29);
        Refresh {
            client_id: client_id("demo"),
            presented,
            usage: Usage::Rotate { successor: self.new_refresh_token(now), retry_since },
            access_token: NewAccessToken {
                issued: now,
                expires: now + Seconds::new(120),
                ..self.access_token()
            },
        }
    }

    /// A use of `presented` after which it stays, and ends at `expires`.
    pub(crate) fn reuse(&self, presented: RefreshTokenDigest, expires: Timestamp, now: Timestamp) -> Refresh {
        Refresh { usage: Usage::Reuse { expires }, ..self.rotation(presented, now) }
    }

    /// Rotates.
    pub(crate) async fn rotate(&self, presented: RefreshTokenDigest, now: Timestamp) -> (Refreshing, Given) {
        let rotation = self.rotation(presented, now);
        let given = given(&rotation);
        (self.store.refresh(self.issuer(), rotation, now).await.unwrap(), given)
    }

    /// Rotates a token that can be used.
    pub(crate) async fn rotated(&self, presented: RefreshTokenDigest, now: Timestamp) -> Given {
        let (answer, given) = self.rotate(presented, now).await;
        let kept = (given.access, Some(given.refresh));
        assert!(matches!(answer, Refreshing::Refreshed(refreshed) if refreshed.is_about(presented, kept)));
        given
    }

    /// Whether the token is there and may be used, but for its end.
    pub(crate) async fn is_usable(&self, token: &RefreshTokenDigest) -> bool {
        let found = self.store.refresh_token(self.issuer(), token).await.unwrap();
        found.is_some_and(|found| found.spent.is_none() && !found.revoked)
    }

    /// Whether the access token is there and lives, but for its end.
    pub(crate) async fn lives(&self, token: &AccessTokenDigest) -> bool {
        let found = self.store.access_token(self.issuer(), token).await.unwrap();
        // What a retry replaces is there until its grant's end, and ended early.
        found.is_some_and(|found| !found.revoked && found.expires.since(found.issued).get() == 120)
    }
}
