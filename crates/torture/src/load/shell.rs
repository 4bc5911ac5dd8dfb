//! One step each, as the server takes it: load, decide, and the verb that decides last.

use std::sync::Arc;

use portvakt_protocol::client::{Client, ClientId, RefreshUse};
use portvakt_protocol::grant::GrantId;
use portvakt_protocol::person::Pid;
use portvakt_protocol::profile::REFRESH_GRACE;
use portvakt_protocol::provider::PersonStanding;
use portvakt_protocol::scope::Scopes;
use portvakt_protocol::secret::{
    AccessTokenDigest, BrowserDigest, CodeDigest, LoginDigest, RefreshTokenDigest,
};
use portvakt_protocol::time::{Seconds, Timestamp};
use portvakt_protocol::witness::{Refreshing, Spending};
use portvakt_store::{
    Broken, CodeSpending, FoundLogin, LoginWrite, Refresh, Revocation, Store, TokenDigests, Usage,
};

use super::refused;
use crate::history::Outcome;
use crate::world::{TOKEN, World, access_token, evidence, new_login, refresh_token};

/// Who asks for what, in one login.
#[derive(Clone, Debug)]
pub(super) struct Handles {
    pub(super) client: ClientId,
    pub(super) pid: Pid,
    pub(super) login: LoginDigest,
    pub(super) browser: BrowserDigest,
}

/// The tokens that one attempt brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) access: AccessTokenDigest,
    pub(super) refresh: RefreshTokenDigest,
}

/// A store with the world that it is asked about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shell<'a> {
    pub(super) store: &'a Store,
    pub(super) world: &'a World,
}

type Told = Result<Outcome, Broken>;

impl Shell<'_> {
    /// The client, if it may go on.
    async fn active(self, client: &ClientId) -> Result<Option<Arc<Client>>, Broken> {
        let found = self.store.client(self.world.provider(), client).await?;
        Ok(found.filter(|client| client.stopped().is_none()))
    }

    async fn stopped(self, client: &ClientId) -> Result<bool, Broken> {
        Ok(self.active(client).await?.is_none())
    }

    async fn is_person_stopped(self, pid: &Pid) -> Result<bool, Broken> {
        let standing = self.store.person_standing(self.world.pools(), pid).await?;
        Ok(standing != PersonStanding::Active)
    }

    pub(super) async fn begin(self, who: &Handles, now: Timestamp) -> Told {
        if self.stopped(&who.client).await? {
            return refused("invalid_client");
        }
        let login = new_login(who.login, who.browser, &who.client, now);
        self.store.begin_login(self.world.issuer(), login).await?;
        Ok(Outcome::Done)
    }

    pub(super) async fn find_login(self, who: &Handles, now: Timestamp) -> Told {
        match self.store.login(self.world.issuer(), who.login, who.browser, now).await? {
            FoundLogin::Open(_) => Ok(Outcome::Done),
            FoundLogin::Finished(_) => refused("finished"),
            FoundLogin::Expired(_) => refused("expired"),
            FoundLogin::Unknown => refused("unknown"),
        }
    }

    pub(super) async fn identify(self, who: &Handles, now: Timestamp) -> Told {
        if self.stopped(&who.client).await? {
            return refused("invalid_client");
        }
        let evidence = evidence(&who.pid, now);
        let written =
            self.store.record_evidence(self.world.issuer(), who.login, who.browser, evidence, now).await?;
        told(written)
    }

    pub(super) async fn collect(
        self,
        who: &Handles,
        code: CodeDigest,
        grant: GrantId,
        now: Timestamp,
    ) -> Told {
        if self.stopped(&who.client).await? {
            return refused("invalid_client");
        }
        if self.is_person_stopped(&who.pid).await? {
            return refused("stopped");
        }
        let open = match self.store.login(self.world.issuer(), who.login, who.browser, now).await? {
            FoundLogin::Open(open) => open,
            FoundLogin::Finished(_) => return refused("finished"),
            FoundLogin::Expired(_) => return refused("expired"),
            FoundLogin::Unknown => return refused("unknown"),
        };
        let Some(evidence) = open.evidence else { return refused("unknown") };
        let issue = self.world.issue(code, grant, &who.client, &evidence, now);
        told(self.store.finish_login(self.world.issuer(), who.login, who.browser, issue, now).await?)
    }

    pub(super) async fn refuse(self, who: &Handles, now: Timestamp) -> Told {
        let (login, browser) = (who.login, who.browser);
        told(self.store.refuse_login(self.world.issuer(), login, browser, "cancelled", now).await?)
    }

    pub(super) async fn end(self, who: &Handles, now: Timestamp) -> Told {
        match self.store.end_logins(self.world.issuer(), &[who.browser], now).await? {
            0 => refused("nothing to end"),
            _ => Ok(Outcome::Done),
        }
    }

    pub(super) async fn find_code(self, code: CodeDigest) -> Told {
        match self.store.code(self.world.issuer(), &code).await? {
            None => refused("unknown"),
            Some(found) if found.spent => refused("replayed"),
            Some(_) => Ok(Outcome::Done),
        }
    }

    pub(super) async fn redeem(self, who: &Handles, code: CodeDigest, pair: Pair, now: Timestamp) -> Told {
        let Some(client) = self.active(&who.client).await? else { return refused("invalid_client") };
        let Some(found) = self.store.code(self.world.issuer(), &code).await? else {
            return refused("unknown");
        };
        if self.is_person_stopped(&who.pid).await? {
            return refused("stopped");
        }
        if is_withdrawn(&client, &found.grant.scopes) {
            return refused("withdrawn");
        }
        let spending = CodeSpending {
            client_id: who.client.clone(),
            code,
            access_token: access_token(pair.access, now),
            refresh_token: self.world.refreshes(&who.client).map(|_| refresh_token(pair.refresh, now)),
        };
        match self.store.spend_code(self.world.issuer(), spending, now).await? {
            Spending::Spent(_) => Ok(Outcome::Done),
            Spending::Replayed => refused("replayed"),
            Spending::Unknown => refused("unknown"),
        }
    }

    pub(super) async fn refresh(
        self,
        who: &Handles,
        presented: RefreshTokenDigest,
        pair: Pair,
        now: Timestamp,
    ) -> Told {
        let Some(client) = self.active(&who.client).await? else { return refused("invalid_client") };
        let Some(found) = self.store.refresh_token(self.world.issuer(), &presented).await? else {
            return refused("unknown");
        };
        if self.is_person_stopped(&who.pid).await? {
            return refused("stopped");
        }
        if is_withdrawn(&client, &found.grant.scopes) {
            return refused("withdrawn");
        }
        let usage = match self.world.refreshes(&who.client) {
            None => return refused("unauthorized_client"),
            Some(RefreshUse::OneTime) => Usage::Rotate {
                successor: refresh_token(pair.refresh, now),
                retry_since: now - REFRESH_GRACE + Seconds::new(1),
            },
            Some(RefreshUse::Reuse) => Usage::Reuse { expires: now + TOKEN },
        };
        let access_token = access_token(pair.access, now);
        let refresh = Refresh { client_id: who.client.clone(), presented, usage, access_token };
        match self.store.refresh(self.world.issuer(), refresh, now).await? {
            Refreshing::Refreshed(_) => Ok(Outcome::Done),
            Refreshing::Replayed => refused("replayed"),
            Refreshing::Unknown => refused("unknown"),
        }
    }

    pub(super) async fn revoke(self, who: &Handles, digests: TokenDigests, now: Timestamp) -> Told {
        if self.stopped(&who.client).await? {
            return refused("invalid_client");
        }
        match self.store.revoke(self.world.issuer(), &who.client, digests, now).await? {
            Revocation::Done => Ok(Outcome::Done),
            Revocation::NotYours => Ok(Outcome::Failed("it is told to be another client's".to_owned())),
            Revocation::Unknown => refused("unknown"),
        }
    }

    pub(super) async fn userinfo(self, token: AccessTokenDigest, now: Timestamp) -> Told {
        let Some(found) = self.store.access_token(self.world.issuer(), &token).await? else {
            return refused("unknown");
        };
        if found.revoked {
            return refused("revoked");
        }
        if found.expires <= now {
            return refused("expired");
        }
        let Some(client) = self.active(&found.grant.client_id).await? else {
            return refused("invalid_client");
        };
        if is_withdrawn(&client, &found.scopes) {
            return refused("withdrawn");
        }
        if self.is_person_stopped(&found.grant.pid).await? {
            return refused("stopped");
        }
        Ok(Outcome::Done)
    }

    pub(super) async fn find_scope(self, client: &ClientId) -> Told {
        let found = self.store.client(self.world.provider(), client).await?;
        match found.is_some_and(|client| client.may_use(self.world.scope().as_str())) {
            true => Ok(Outcome::Done),
            false => refused("withdrawn"),
        }
    }

    pub(super) async fn authenticate(self, client: &ClientId) -> Told {
        if self.stopped(client).await? { refused("invalid_client") } else { Ok(Outcome::Done) }
    }

    pub(super) async fn find_person(self, pid: &Pid) -> Told {
        if self.is_person_stopped(pid).await? { refused("stopped") } else { Ok(Outcome::Done) }
    }
}

/// Whether the client may not use one of these scopes any more.
fn is_withdrawn(client: &Client, scopes: &Scopes) -> bool {
    client.scope_refused(scopes).is_some()
}

fn told(written: LoginWrite) -> Told {
    match written {
        LoginWrite::Done => Ok(Outcome::Done),
        LoginWrite::Finished => refused("finished"),
        LoginWrite::Unknown => refused("unknown"),
        LoginWrite::Superseded => refused("superseded"),
    }
}
