//! One sample of every row: each operation is done so often between two readings of the server's clocks.

use super::ground::Ground;
use super::load::Load;
use super::pages::PageSamples;
use super::parties::Parties;
use super::rows::{Sample, Yardstick};
use super::server::Server;
use super::{CONNECTIONS, Extent};
use crate::client::{Request, Tokens};

/// Tokens that are introspected, again and again.
const INTROSPECTED: usize = 500;

/// One sample of each row.
pub(super) struct Samples {
    pub(super) login: Sample,
    pub(super) exchange_opaque: Sample,
    pub(super) exchange_jwt: Sample,
    pub(super) userinfo: Sample,
    pub(super) discovery: Sample,
    pub(super) pages: PageSamples,
    pub(super) refresh: RefreshSamples,
}

/// Of what is done with tokens once they are there.
pub(super) struct RefreshSamples {
    pub(super) opaque: Sample,
    pub(super) jwt: Sample,
    pub(super) introspect: Sample,
    pub(super) introspect_jwt: Sample,
    pub(super) revoke: Sample,
}

/// The server that is measured.
pub(super) struct Bench<'a> {
    pub(super) server: Server,
    ground: Ground<'a>,
    pub(super) pids: Vec<String>,
    pub(super) yardsticks: Vec<Yardstick>,
}

impl<'a> Bench<'a> {
    pub(super) fn new(server: Server, ground: Ground<'a>, pids: Vec<String>) -> Self {
        Self { server, ground, pids, yardsticks: Vec::new() }
    }

    /// Measures every operation once, each on what the one before left: logins give codes, codes give tokens.
    pub(super) fn sample(&mut self, parties: &Parties, extent: Extent) -> Result<Samples, String> {
        let Parties { demo, opaque, jwt, .. } = parties;
        let pids = self.pids.clone();
        let pids: Vec<&str> = pids.iter().map(String::as_str).cycle().take(extent.logins).collect();
        let mut load = Load::open(&demo.at.authority, CONNECTIONS)?;
        let (login, codes) = self.measure(|| load.log_in(opaque, &pids))?;
        let (exchange_opaque, tokens) = self.measure(|| load.redeem(opaque, &codes))?;
        let tokens: Vec<_> = tokens.iter().cycle().take(extent.userinfos).collect();
        let (userinfo, _) = self.measure(|| {
            load.each(&tokens, |connection, tokens| {
                opaque.userinfo(connection, &tokens.access_token).map(drop)
            })
        })?;
        let request = Request::get(&demo.at.discovery).bytes(&demo.at.authority);
        let (discovery, _) = self.measure(|| {
            load.each(&vec![(); extent.discoveries], |connection, ()| {
                connection.send_bytes(&request)?.expect(200).map(drop)
            })
        })?;
        let pages = self.sample_pages(&mut load, demo, extent.pages)?;
        let codes = load.log_in(jwt, &pids)?;
        let (exchange_jwt, _) = self.measure(|| load.redeem(jwt, &codes))?;
        let refresh = self.sample_refresh(&mut load, parties, extent)?;
        Ok(Samples { login, exchange_opaque, exchange_jwt, userinfo, discovery, pages, refresh })
    }

    /// One use of each refresh token of so many logins; then every family is revoked, and tokens of others are introspected.
    fn sample_refresh(
        &mut self,
        load: &mut Load,
        parties: &Parties,
        extent: Extent,
    ) -> Result<RefreshSamples, String> {
        let Parties { refreshing_opaque, refreshing_jwt, api_opaque, api_jwt, reader, .. } = parties;
        let pids = self.pids.clone();
        let pids = |count: usize| pids.iter().map(String::as_str).cycle().take(count).collect::<Vec<_>>();
        let many = pids(extent.refreshes);
        let tokens = load.tokens(refreshing_opaque, &many)?;
        let (opaque, tokens) = self.measure(|| load.refresh(refreshing_opaque, &tokens))?;
        let (revoke, _) = self.measure(|| {
            load.each(&tokens, |connection, tokens| {
                refreshing_opaque.revoke(connection, tokens.refresh_token.as_deref().unwrap_or_default())
            })
        })?;
        let tokens = load.tokens(refreshing_jwt, &many)?;
        let (jwt, _) = self.measure(|| load.refresh(refreshing_jwt, &tokens))?;
        let mut introspected = |api| {
            let tokens = load.tokens(api, &pids(extent.introspections.min(INTROSPECTED)))?;
            let tokens: Vec<&Tokens> = tokens.iter().cycle().take(extent.introspections).collect();
            let (sample, _) = self.measure(|| {
                load.each(&tokens, |connection, tokens| reader.introspect(connection, &tokens.access_token))
            })?;
            Ok::<_, String>(sample)
        };
        let (introspect, introspect_jwt) = (introspected(api_opaque)?, introspected(api_jwt)?);
        Ok(RefreshSamples { opaque, jwt, introspect, introspect_jwt, revoke })
    }

    /// Runs `operations` between two readings of the clocks, and those between two of the yardstick.
    pub(super) fn measure<T>(
        &mut self,
        operations: impl FnOnce() -> Result<Vec<T>, String>,
    ) -> Result<(Sample, Vec<T>), String> {
        let before = self.server.yardstick()?;
        let (database, then) = (self.ground.database_cpu(), self.server.totals()?);
        let done = operations()?;
        let now = self.server.totals()?;
        let database =
            self.ground.database_cpu().zip(database).map(|(now, before)| now.saturating_sub(before));
        let after = self.server.yardstick()?;
        self.yardsticks.extend([before, after]);
        let sample = Sample {
            operations: u32::try_from(done.len()).map_err(|_| "too many operations to count")?,
            cpu: now.cpu().saturating_sub(then.cpu()),
            database,
            signatures: now.signatures - then.signatures,
            signature_cpu: now.signature_cpu().saturating_sub(then.signature_cpu()),
            yardstick: before.mean(after),
        };
        Ok((sample, done))
    }
}
