//! Who does what only one process needs to do.

use portvakt_protocol::time::Timestamp;

use super::Postgres;
use super::outcome::{Probe, Written};
use super::statement::statements;
use crate::Broken;
use crate::verbs::Duty;

statements! {
    TAKE(TEXT, BYTEA, INT8, INT8) = "INSERT INTO lease (duty, holder, until) VALUES ($1, $2, $4)
         ON CONFLICT (duty) DO UPDATE SET holder = excluded.holder, until = excluded.until
         WHERE lease.until <= $3 OR lease.holder = excluded.holder
         RETURNING 1";
}

impl Postgres {
    /// See [`crate::Store::take_duty`].
    pub(crate) async fn take_duty(
        &self,
        duty: Duty,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool, Broken> {
        let holder = self.holder();
        let params = [&duty.as_str() as super::pool::Param<'_>, &holder, &now.unix(), &until.unix()];
        match self.write(&TAKE, &params, Probe::Repeat).await? {
            Written::Rows(rows) => Ok(!rows.is_empty()),
            Written::Probed => Ok(true),
        }
    }
}
