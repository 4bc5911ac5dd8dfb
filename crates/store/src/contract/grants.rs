//! Codes, tokens and the grants they hang under: what is spent, refreshed and taken back.

use portvakt_protocol::client::ClientId;
use portvakt_protocol::grant::{LoadedAccessToken, LoadedCode, LoadedRefreshToken};
use portvakt_protocol::issuer::Issuer;
use portvakt_protocol::secret::{AccessTokenDigest, CodeDigest, RefreshTokenDigest};
use portvakt_protocol::time::Timestamp;
use portvakt_protocol::witness::{Refreshed, Refreshing, Spending, Spent};

use super::Redemption;
use crate::verbs::{CodeSpending, Refresh, Revocation, TokenDigests, Usage};
use crate::{Backend, Broken, Store};

/// Codes, tokens and the grants they hang under.
impl Store {
    /// A code and its grant, to decide on. What is found may have ended, been spent or been revoked: only
    /// [`Store::spend_code`] says that it may be used.
    ///
    /// # Errors
    /// [`Broken`].
    pub async fn code(&self, issuer: &Issuer, code: &CodeDigest) -> Result<Option<LoadedCode>, Broken> {
        verb!(self, "code", store => store.code(issuer, code))
    }

    /// Spends a code (RFC 6749 §4.1.2): one conditional write decides, and the tokens of the plan are in its commit.
    /// Audit: `code_redeemed`.
    ///
    /// A code that its own client had spent before revokes everything its grant gave, durably, before this returns. Audit, the
    /// first time: `code_replayed`. Another client's attempt changes nothing.
    ///
    /// # Errors
    /// [`Broken`]: the code may be spent or not.
    pub async fn spend_code(
        &self,
        issuer: &Issuer,
        spending: CodeSpending,
        now: Timestamp,
    ) -> Result<Spending, Broken> {
        let refresh_token = spending.refresh_token.as_ref().map(|token| token.digest);
        let (code, tokens) = (spending.code, (spending.access_token.digest, refresh_token));
        let redemption = verb!(self, "spend_code", store => store.spend_code(issuer, spending, now))?;
        Ok(match redemption {
            Redemption::Spent => Spending::Spent(Spent::vouched(code, tokens)),
            Redemption::Replayed => Spending::Replayed,
            Redemption::Unknown => Spending::Unknown,
        })
    }

    /// An access token and its grant. What is found may have ended or been revoked, and says so.
    ///
    /// # Errors
    /// [`Broken`].
    pub async fn access_token(
        &self,
        issuer: &Issuer,
        token: &AccessTokenDigest,
    ) -> Result<Option<LoadedAccessToken>, Broken> {
        verb!(self, "access_token", store => store.access_token(issuer, token))
    }

    /// A refresh token and its grant, to decide on. What is found may have ended, been spent or been revoked: only
    /// [`Store::refresh`] says that it may be used.
    ///
    /// # Errors
    /// [`Broken`].
    pub async fn refresh_token(
        &self,
        issuer: &Issuer,
        token: &RefreshTokenDigest,
    ) -> Result<Option<LoadedRefreshToken>, Broken> {
        verb!(self, "refresh_token", store => store.refresh_token(issuer, token))
    }

    /// Uses a refresh token (RFC 6749 §6): one conditional write decides, and the tokens of the plan are in its commit. Its grant must
    /// hold, and neither it nor the token have ended at `now`. Audit: `refreshed`.
    ///
    /// To rotate it ([`Usage::Rotate`]), it must not have been spent. One that was, at `retry_since` or later, whose successor has not
    /// been used, gets the new successor in the place of that one: whoever lost the answer asks again. A family has one token that can
    /// be used, at any instant and after any race. Audit: `refresh_retried`.
    ///
    /// Any other token of its own client's that was spent, or replaced, revokes everything its grant gave, durably, before this
    /// returns (RFC 9700 §4.14.2). Audit, the first time: `refresh_replayed`. Another client's attempt changes nothing.
    ///
    /// # Errors
    /// [`Broken`]: the token may be used or not.
    pub async fn refresh(
        &self,
        issuer: &Issuer,
        refresh: Refresh,
        now: Timestamp,
    ) -> Result<Refreshing, Broken> {
        let successor = match &refresh.usage {
            Usage::Rotate { successor, .. } => Some(successor.digest),
            Usage::Reuse { .. } => None,
        };
        let (presented, tokens) = (refresh.presented, (refresh.access_token.digest, successor));
        let redemption = verb!(self, "refresh", store => store.refresh(issuer, refresh, now))?;
        Ok(match redemption {
            Redemption::Spent => Refreshing::Refreshed(Refreshed::vouched(presented, tokens)),
            Redemption::Replayed => Refreshing::Replayed,
            Redemption::Unknown => Refreshing::Unknown,
        })
    }

    /// Takes back everything under a token's grant (RFC 7009 §2.1), if the token is this client's: access token or refresh token, spent
    /// or not. What is issued under the grant in the same instant is taken back too. Audit, the first time: `grant_revoked`.
    ///
    /// # Errors
    /// [`Broken`]: it may be taken back or not.
    pub async fn revoke(
        &self,
        issuer: &Issuer,
        client_id: &ClientId,
        token: TokenDigests,
        now: Timestamp,
    ) -> Result<Revocation, Broken> {
        verb!(self, "revoke", store => store.revoke(issuer, client_id, token, now))
    }
}
