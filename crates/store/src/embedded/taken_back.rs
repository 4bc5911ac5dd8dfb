//! What was taken back.

use portvakt_protocol::issuer::Issuer;
use portvakt_protocol::person::Pid;
use portvakt_protocol::registration::Subject;
use portvakt_protocol::time::Timestamp;
use rusqlite::params;

use super::Embedded;
use crate::Broken;
use crate::prepared::TakenBack;

impl Embedded {
    /// See [`crate::Store::clock`].
    #[expect(clippy::unused_async, reason = "a verb as every backend has it")]
    pub(crate) async fn clock(&self) -> Result<Option<Timestamp>, Broken> {
        Ok(None)
    }

    /// See [`crate::Store::taken_back`].
    pub(crate) async fn taken_back(
        &self,
        issuer: &Issuer,
        person: Option<&Pid>,
    ) -> Result<Vec<(Subject, Timestamp)>, Broken> {
        let Some(known) = self.known(issuer) else { return Ok(Vec::new()) };
        let (handle, person) = (person.map(|pid| self.vault().handle(pid)), person.cloned());
        self.read_long(move |db| {
            let mut select = db.prepare_cached(
                "SELECT kind, subject, at FROM not_before
                 WHERE issuer = ?1 AND (kind IN ('issuer', 'client', 'organisation') OR kind = 'person' AND subject = ?2)
                 ORDER BY kind, subject",
            )?;
            let handle = handle.as_ref().map(|handle| handle.as_bytes().as_slice());
            let mut rows = select.query(params![known.number, handle])?;
            let mut taken = Vec::new();
            while let Some(row) = rows.next()? {
                let (kind, subject): (String, Vec<u8>) = (row.get(0)?, row.get(1)?);
                let subject = TakenBack::subject(&kind, &subject, person.as_ref())?;
                taken.push((subject, Timestamp::from_unix(row.get(2)?)));
            }
            Ok(taken)
        })
        .await
    }
}
