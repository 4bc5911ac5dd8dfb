//! Issuers' numbers. Another process may register an issuer at any time, so only what was found is remembered.

use std::sync::Arc;

use portvakt_protocol::issuer::Issuer;

use super::Postgres;
use super::outcome::{Probe, Written};
use super::statement::statements;
use crate::Broken;
use crate::issuers::KnownIssuer;

statements! {
    NUMBER(TEXT) = "SELECT id FROM issuer WHERE url = $1";
    GIVE(TEXT) = "INSERT INTO issuer (url) VALUES ($1) ON CONFLICT (url) DO NOTHING";
}

impl Postgres {
    /// The issuer, if anything was ever stored for it. If not, there is nothing of it to find.
    pub(super) async fn known(&self, issuer: &Issuer) -> Result<Option<Arc<KnownIssuer>>, Broken> {
        if let Some(known) = self.issuers().get(issuer) {
            return Ok(Some(known));
        }
        let Some(row) = self.read_one(&NUMBER, &[&issuer.as_str()]).await? else { return Ok(None) };
        Ok(Some(self.issuers().add(issuer.clone(), row.try_get(0)?)))
    }

    /// The issuer's number, given now if it has none.
    pub(super) async fn number(&self, issuer: &Issuer) -> Result<i64, Broken> {
        if let Some(known) = self.known(issuer).await? {
            return Ok(known.number);
        }
        match self.write(&GIVE, &[&issuer.as_str()], Probe::Repeat).await? {
            Written::Rows(_) | Written::Probed => {}
        }
        let known = self.known(issuer).await?;
        known.map(|known| known.number).ok_or(Broken::Row { table: "issuer", what: "a row was not kept" })
    }
}
