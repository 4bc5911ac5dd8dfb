//! What becomes of a login's tokens: refresh tokens are used, again after a lost answer, too often and too late; everything is revoked; and
//! some that were spent long ago are presented after a sweep, which must not have forgotten them.

use std::sync::PoisonError;

use portvakt_protocol::client::{ClientId, RefreshUse};
use portvakt_protocol::grant::{NewAccessToken, NewRefreshToken};
use portvakt_protocol::profile::{PILOT, REFRESH_GRACE};
use portvakt_protocol::registration::{Change, Subject};
use portvakt_protocol::secret::{AccessToken, AccessTokenDigest, RefreshToken, RefreshTokenDigest};
use portvakt_protocol::time::{Seconds, Timestamp};
use portvakt_protocol::witness::Refreshing;
use portvakt_store::{Broken, Refresh, Revocation, Usage};

use super::Counts;
use super::login::{Halt, Stage, Visitor, right};
use crate::world::{actor, by_access, by_refresh, told};

/// A login uses its refresh token less often than this.
const USES: u64 = 5;
/// The least time between two uses, in seconds; and how much longer it is at most.
const BETWEEN: (u32, u64) = (60, 481);
/// One use in so many loses its answer and is asked again.
const ONE_RETRY_IN: u64 = 8;
/// One spent token in so many is presented after a sweep.
const ONE_KEPT_IN: u64 = 50;

/// An access token and the refresh token beside it. One that stays when it is used has several beside it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pair {
    pub(super) access: AccessTokenDigest,
    pub(super) refresh: RefreshTokenDigest,
}

/// A refresh token that was spent, to be presented again.
#[derive(Debug)]
pub(super) struct Kept {
    client: ClientId,
    token: RefreshTokenDigest,
    /// What its use would give.
    pair: Pair,
    spent: Timestamp,
    grant_ends: Timestamp,
}

impl Pair {
    /// The access token, issued now under a grant that ends then.
    pub(super) fn access_token(&self, now: Timestamp, grant_ends: Timestamp) -> NewAccessToken {
        let expires = grant_ends.min(now + PILOT.defaults.access_token_lifetime);
        NewAccessToken { digest: self.access, issued: now, expires, narrowed: None }
    }

    /// The refresh token, likewise.
    pub(super) fn refresh_token(&self, now: Timestamp, grant_ends: Timestamp) -> NewRefreshToken {
        let expires = grant_ends.min(now + PILOT.defaults.refresh_token_lifetime);
        NewRefreshToken { digest: self.refresh, issued: now, expires }
    }

    /// What a use of a refresh token asks for that gives this pair.
    fn for_use(
        self,
        client_id: &ClientId,
        refreshes: RefreshUse,
        presented: RefreshTokenDigest,
        now: Timestamp,
        grant_ends: Timestamp,
    ) -> Refresh {
        let successor = self.refresh_token(now, grant_ends);
        let usage = match refreshes {
            RefreshUse::OneTime => {
                Usage::Rotate { successor, retry_since: now - REFRESH_GRACE + Seconds::new(1) }
            }
            RefreshUse::Reuse => Usage::Reuse { expires: successor.expires },
        };
        let access_token = self.access_token(now, grant_ends);
        Refresh { client_id: client_id.clone(), presented, usage, access_token }
    }
}

impl Visitor {
    /// New tokens, which nobody was given yet.
    pub(super) fn pair(&self) -> Pair {
        Pair {
            access: AccessToken::draw(&self.random).digest(),
            refresh: RefreshToken::draw(&self.random).digest(),
        }
    }

    /// The refresh token that can be used.
    fn leaf(&self) -> Result<RefreshTokenDigest, Halt> {
        self.held.last().map(|pair| pair.refresh).ok_or(Halt::Wrong("it has no tokens"))
    }
}

impl Stage {
    /// Uses its refresh token up to four times, and answers the instant of the last use.
    pub(super) async fn refresh_some(
        &self,
        visitor: &mut Visitor,
        mut now: Timestamp,
    ) -> Result<Timestamp, Halt> {
        for _ in 0..visitor.chance.below(USES) {
            now = self.refresh_once(visitor, now).await?;
        }
        Ok(now)
    }

    /// A use a while after `now`, if the client has a refresh token: answers when.
    async fn refresh_once(&self, visitor: &mut Visitor, now: Timestamp) -> Result<Timestamp, Halt> {
        let Some(refreshes) = visitor.refreshes else { return Ok(now) };
        let (least, more) = BETWEEN;
        let now = now + Seconds::new(least) + seconds(visitor.chance.below(more));
        let (presented, given) = (visitor.leaf()?, visitor.pair());
        let came = self.present(visitor, presented, given, now).await?;
        right(matches!(came, Refreshing::Refreshed(_)), "its refresh token gives nothing")?;
        visitor.counts.refreshed += 1;
        if refreshes == RefreshUse::Reuse {
            visitor.held.push(Pair { refresh: presented, ..given });
            return Ok(now);
        }
        visitor.held.push(given);
        visitor.spent.push(presented);
        if visitor.chance.once_in(ONE_KEPT_IN) {
            let (client, grant_ends) = (visitor.client.clone(), visitor.grant_ends());
            let kept = Kept { client, token: presented, pair: visitor.pair(), spent: now, grant_ends };
            self.kept.lock().unwrap_or_else(PoisonError::into_inner).push(kept);
        }
        match visitor.chance.once_in(ONE_RETRY_IN) {
            true => self.retry(visitor, presented, given, now).await,
            false => Ok(now),
        }
    }

    /// The answer was lost: the token is presented again within the grace, and what it gave first is nothing any more.
    async fn retry(
        &self,
        visitor: &mut Visitor,
        presented: RefreshTokenDigest,
        lost: Pair,
        now: Timestamp,
    ) -> Result<Timestamp, Halt> {
        let now = now + seconds(visitor.chance.below(u64::from(REFRESH_GRACE.get())));
        let given = visitor.pair();
        let came = self.present(visitor, presented, given, now).await?;
        right(matches!(came, Refreshing::Refreshed(_)), "a retry within the grace gives nothing")?;
        let issuer = self.world.issuer();
        let access = self.store.access_token(issuer, &lost.access).await?;
        right(
            access.is_none_or(|token| token.expires <= now),
            "an access token lives that a retry replaced",
        )?;
        let refresh = self.store.refresh_token(issuer, &lost.refresh).await?;
        right(
            refresh.is_some_and(|token| token.spent.is_some()),
            "a refresh token can be used that a retry replaced",
        )?;
        visitor.held.push(given);
        visitor.counts.retried += 1;
        Ok(now)
    }

    async fn present(
        &self,
        visitor: &Visitor,
        presented: RefreshTokenDigest,
        given: Pair,
        now: Timestamp,
    ) -> Result<Refreshing, Halt> {
        let refreshes = visitor.refreshes.unwrap_or(RefreshUse::OneTime);
        let asked = given.for_use(&visitor.client, refreshes, presented, now, visitor.grant_ends());
        Ok(self.store.refresh(self.world.issuer(), asked, now).await?)
    }

    /// Everything is revoked by one of the tokens, whichever (RFC 7009 §2.1): then nothing gives anything.
    pub(super) async fn revoke(&self, visitor: &mut Visitor, now: Timestamp) -> Result<(), Halt> {
        let held = visitor.chance.pick(&visitor.held).copied().ok_or(Halt::Wrong("it has no tokens"))?;
        let digests = match visitor.refreshes.is_some() && visitor.chance.once_in(2) {
            true => by_refresh(held.refresh),
            false => by_access(held.access),
        };
        let revoked = self.store.revoke(self.world.issuer(), &visitor.client, digests, now).await?;
        right(revoked == Revocation::Done, "its token cannot be revoked")?;
        visitor.counts.revoked += 1;
        self.is_over(visitor, now).await
    }

    /// Two uses, and the first token again: then nothing gives anything.
    pub(super) async fn replay(&self, visitor: &mut Visitor, now: Timestamp) -> Result<(), Halt> {
        let now = self.refresh_once(visitor, now).await?;
        let now = self.refresh_once(visitor, now).await?;
        let first = visitor.spent.first().copied().ok_or(Halt::Wrong("it has spent nothing"))?;
        let came = self.present(visitor, first, visitor.pair(), now).await?;
        right(matches!(came, Refreshing::Replayed), "a refresh token gives tokens whose successor was used")?;
        visitor.counts.replayed += 1;
        self.is_over(visitor, now).await
    }

    /// Nobody uses the refresh token for as long as it lasts.
    pub(super) async fn outlast(&self, visitor: &mut Visitor, now: Timestamp) -> Result<(), Halt> {
        let now = now + PILOT.defaults.refresh_token_lifetime;
        let came = self.present(visitor, visitor.leaf()?, visitor.pair(), now).await?;
        right(matches!(came, Refreshing::Unknown), "a refresh token outlives its lifetime")?;
        visitor.counts.expired += 1;
        Ok(())
    }

    /// The grant was taken back: no access token of it is good, and no refresh token gives anything.
    async fn is_over(&self, visitor: &Visitor, now: Timestamp) -> Result<(), Halt> {
        for pair in &visitor.held {
            let found = self.store.access_token(self.world.issuer(), &pair.access).await?;
            right(found.is_none_or(|token| token.revoked), "an access token outlives its grant")?;
        }
        if visitor.refreshes.is_none() {
            return Ok(());
        }
        let leaf = self.present(visitor, visitor.leaf()?, visitor.pair(), now).await?;
        right(matches!(leaf, Refreshing::Unknown), "a refresh token outlives its grant")?;
        if let Some(first) = visitor.spent.first() {
            let spent = self.present(visitor, *first, visitor.pair(), now).await?;
            right(matches!(spent, Refreshing::Replayed), "a spent refresh token is no replay any more")?;
        }
        Ok(())
    }

    /// Presents what was spent longer ago than the grace, and kept: a sweep leaves it there as long as its grant lives.
    ///
    /// # Errors
    /// It is forgotten, or gives tokens.
    pub(super) async fn present_kept(&self, now: Timestamp) -> Result<Counts, String> {
        let mut counts = Counts::default();
        let all = std::mem::take(&mut *self.kept.lock().unwrap_or_else(PoisonError::into_inner));
        let (due, later): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|kept| kept.spent + REFRESH_GRACE <= now);
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).extend(later);
        for kept in due.into_iter().filter(|kept| now < kept.grant_ends) {
            let Kept { client, token, pair, grant_ends, .. } = kept;
            let asked = pair.for_use(&client, RefreshUse::OneTime, token, now, grant_ends);
            match self.store.refresh(self.world.issuer(), asked, now).await {
                Ok(Refreshing::Replayed) => counts.replayed += 1,
                Ok(Refreshing::Unknown) => {
                    return Err("a spent refresh token is forgotten while its grant lives".to_owned());
                }
                Ok(Refreshing::Refreshed(_)) => {
                    return Err("a refresh token gives tokens long after it was spent".to_owned());
                }
                Err(Broken::Busy | Broken::Unreachable(_) | Broken::Unknown(_)) => {}
                Err(broken) => return Err(told(&broken)),
            }
        }
        Ok(counts)
    }

    /// The clients' organisation is given the scope, or loses it: its clients may use it or not, from then on.
    ///
    /// # Errors
    /// The store's, or a client that may what it must not, or may not what it may.
    pub(super) async fn give_scope(&self, given: bool, now: Timestamp) -> Result<Counts, String> {
        let change = self.world.access(given)?;
        self.store.register(vec![change], None, actor(), now).await.map_err(|broken| told(&broken))?;
        for client_id in self.world.clients() {
            let has = self.world.scopes_of(client_id).iter().any(|scope| scope == self.world.scope());
            let found = self.store.client(self.world.provider(), client_id).await;
            let found = found.map_err(|broken| told(&broken))?;
            let may = found.is_some_and(|client| client.may_use(self.world.scope().as_str()));
            if may != (has && given) {
                return Err(format!(
                    "the scope is given: {given}; and `{}` may use it: {may}",
                    client_id.as_str()
                ));
            }
        }
        Ok(Counts { withdrawn: u64::from(!given), ..Counts::default() })
    }

    /// Everything is taken back that was given in one person's name until now. A login of the person's just before finds that out.
    ///
    /// # Errors
    /// The store's, or a token that outlives it.
    pub(super) async fn take_back(&self, number: u64, now: Timestamp) -> Result<Counts, String> {
        let taken = async {
            let witness = self.log_in(number, now - TAKEN_BACK_AFTER).await?;
            let (issuer, subject) = (self.world.issuer().clone(), Subject::Person(witness.person()));
            let change = Change::NotBefore { issuer, subject, at: now };
            self.store.register(vec![change], None, actor(), now).await?;
            self.is_over(&witness, now).await
        };
        match taken.await {
            Ok(()) => Ok(Counts { taken_back: 1, ..Counts::default() }),
            Err(Halt::Broke(broken)) => Err(told(&broken)),
            Err(Halt::Wrong(what)) => {
                Err(format!("what was given in one person's name is taken back: {what}"))
            }
        }
    }
}

/// How long after its beginning a login is taken back: it has its tokens by then, and they have not ended.
const TAKEN_BACK_AFTER: Seconds = Seconds::new(60);

fn seconds(drawn: u64) -> Seconds {
    Seconds::new(u32::try_from(drawn).unwrap_or(0))
}
