//! What was taken back, and the database's clock.

use portvakt_protocol::issuer::Issuer;
use portvakt_protocol::person::Pid;
use portvakt_protocol::registration::Subject;
use portvakt_protocol::time::Timestamp;
use tokio_postgres::Row;

use super::Postgres;
use super::statement::statements;
use crate::Broken;
use crate::prepared::TakenBack;

statements! {
    /// The instant at which it is run, not that at which a transaction began.
    CLOCK() = "SELECT floor(extract(epoch FROM clock_timestamp()))::int8";
    TAKEN_BACK(INT8, BYTEA) =
        "SELECT kind, subject, at FROM not_before
         WHERE issuer = $1 AND (kind IN ('issuer', 'client', 'organisation') OR kind = 'person' AND subject = $2)
         ORDER BY kind, subject";
}

impl Postgres {
    /// See [`crate::Store::clock`].
    pub(crate) async fn clock(&self) -> Result<Option<Timestamp>, Broken> {
        let row = self.read_one(&CLOCK, &[]).await?;
        Ok(row.map(|row| row.try_get(0)).transpose()?.map(Timestamp::from_unix))
    }

    /// See [`crate::Store::taken_back`].
    pub(crate) async fn taken_back(
        &self,
        issuer: &Issuer,
        person: Option<&Pid>,
    ) -> Result<Vec<(Subject, Timestamp)>, Broken> {
        let Some(known) = self.known(issuer).await? else { return Ok(Vec::new()) };
        let handle = person.map(|pid| self.vault().handle(pid));
        let handle = handle.as_ref().map(|handle| handle.as_bytes().as_slice());
        let rows = self.read(&TAKEN_BACK, &[&known.number, &handle]).await?;
        let taken = |row: &Row| {
            let subject = TakenBack::subject(row.try_get(0)?, row.try_get(1)?, person)?;
            Ok((subject, Timestamp::from_unix(row.try_get(2)?)))
        };
        rows.iter().map(taken).collect()
    }
}
