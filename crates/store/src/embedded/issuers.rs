//! Issuers' rows.

use std::sync::Arc;

use portvakt_protocol::issuer::Issuer;
use rusqlite::Connection;

use super::{Embedded, schema};
use crate::issuers::{Issuers, KnownIssuer};
use crate::{Broken, OpenFault};

/// Every issuer that has a row.
pub(super) fn load(db: &Connection) -> Result<Issuers, OpenFault> {
    let mut select = db.prepare("SELECT id, url FROM issuer").map_err(schema::fault)?;
    let rows =
        select.query_map([], |row| Ok((row.get(0)?, row.get::<_, String>(1)?))).map_err(schema::fault)?;
    let issuers = Issuers::default();
    for row in rows {
        let (number, url) = row.map_err(schema::fault)?;
        let issuer = Issuer::parse(&url).map_err(|_| OpenFault::Corrupt("an issuer is no URL".to_owned()))?;
        issuers.add(issuer, number);
    }
    Ok(issuers)
}

impl Embedded {
    /// The issuer, if anything was ever stored for it. If not, there is nothing of it to find.
    pub(super) fn known(&self, issuer: &Issuer) -> Option<Arc<KnownIssuer>> {
        self.inner.issuers.get(issuer)
    }

    /// The issuer's number, given now if it has none.
    pub(super) async fn number(&self, issuer: &Issuer) -> Result<i64, Broken> {
        if let Some(known) = self.known(issuer) {
            return Ok(known.number);
        }
        let url = issuer.to_string();
        let (issuers, issuer) = (self.inner.issuers.clone(), issuer.clone());
        let give = move |db: &Connection| {
            db.execute("INSERT INTO issuer (url) VALUES (?1) ON CONFLICT DO NOTHING", [&url])?;
            Ok(db.query_row("SELECT id FROM issuer WHERE url = ?1", [&url], |row| row.get(0))?)
        };
        self.inner.writer.write_then(give, move |number| drop(issuers.add(issuer, *number))).await
    }
}
