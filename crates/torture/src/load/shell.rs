//! One step each, as the server takes it: load, decide, and the verb that decides last.

use portvakt_protocol::client::ClientId;
use portvakt_protocol::grant::{GrantId, NewAccessToken};
use portvakt_protocol::person::Pid;
use portvakt_protocol::provider::PersonStanding;
use portvakt_protocol::secret::{AccessTokenDigest, BrowserDigest, CodeDigest, LoginDigest};
use portvakt_protocol::time::Timestamp;
use portvakt_protocol::witness::Spending;
use portvakt_store::{Broken, CodeSpending, FoundLogin, LoginWrite, Store};

use super::refused;
use crate::history::Outcome;
use crate::world::{World, evidence, issue, new_login};

/// Who asks for what, in one login.
#[derive(Clone, Debug)]
pub(super) struct Handles {
    pub(super) client: ClientId,
    pub(super) pid: Pid,
    pub(super) login: LoginDigest,
    pub(super) browser: BrowserDigest,
}

/// A store with the world that it is asked about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shell<'a> {
    pub(super) store: &'a Store,
    pub(super) world: &'a World,
}

type Told = Result<Outcome, Broken>;

impl Shell<'_> {
    /// Why the client may not go on, if it may not.
    async fn stopped(self, client: &ClientId) -> Result<bool, Broken> {
        let found = self.store.client(self.world.provider(), client).await?;
        Ok(found.is_none_or(|client| client.stopped().is_some()))
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
        let issue = issue(code, grant, &who.client, &evidence, now).map_err(Broken::Engine)?;
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

    pub(super) async fn redeem(
        self,
        who: &Handles,
        code: CodeDigest,
        access_token: NewAccessToken,
        now: Timestamp,
    ) -> Told {
        if self.stopped(&who.client).await? {
            return refused("invalid_client");
        }
        if self.store.code(self.world.issuer(), &code).await?.is_none() {
            return refused("unknown");
        }
        if self.is_person_stopped(&who.pid).await? {
            return refused("stopped");
        }
        let spending = CodeSpending { client_id: who.client.clone(), code, access_token };
        match self.store.spend_code(self.world.issuer(), spending, now).await? {
            Spending::Spent(_) => Ok(Outcome::Done),
            Spending::Replayed => refused("replayed"),
            Spending::Unknown => refused("unknown"),
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
        if self.stopped(&found.grant.client_id).await? {
            return refused("invalid_client");
        }
        if self.is_person_stopped(&found.grant.pid).await? {
            return refused("stopped");
        }
        Ok(Outcome::Done)
    }

    pub(super) async fn authenticate(self, client: &ClientId) -> Told {
        if self.stopped(client).await? { refused("invalid_client") } else { Ok(Outcome::Done) }
    }

    pub(super) async fn find_person(self, pid: &Pid) -> Told {
        if self.is_person_stopped(pid).await? { refused("stopped") } else { Ok(Outcome::Done) }
    }
}

fn told(written: LoginWrite) -> Told {
    match written {
        LoginWrite::Done => Ok(Outcome::Done),
        LoginWrite::Finished => refused("finished"),
        LoginWrite::Unknown => refused("unknown"),
        LoginWrite::Superseded => refused("superseded"),
    }
}
