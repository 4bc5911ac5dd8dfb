//! Test persons. A pool is the one thing that issuers share, so these rows alone have no issuer.

use portvakt_protocol::person::Pid;
use portvakt_protocol::provider::{PersonStanding, Pool};
use portvakt_protocol::registration::PersonRecord;

use super::Postgres;
use super::statement::statements;
use crate::Broken;

statements! {
    ALL(TEXT) = "SELECT person, pid_sealed, active FROM person WHERE pool = $1";
    SOME(TEXT, INT8) =
        "SELECT person, pid_sealed FROM person WHERE pool = $1 AND active ORDER BY person LIMIT $2";
    STANDING(TEXT_ARRAY, BYTEA) = "SELECT active FROM person WHERE pool = ANY($1) AND person = $2";
}

impl Postgres {
    /// See [`crate::Store::persons`].
    pub(crate) async fn persons(&self, pool: &Pool) -> Result<Vec<PersonRecord>, Broken> {
        let mut persons = Vec::new();
        for row in self.read(&ALL, &[&pool.0]).await? {
            let pid = self.vault().open_person_pid(pool, row.try_get(0)?, row.try_get(1)?)?;
            persons.push(PersonRecord { pid, active: row.try_get(2)? });
        }
        persons.sort_by(|one, other| one.pid.reveal().cmp(other.pid.reveal()));
        Ok(persons)
    }

    /// See [`crate::Store::some_persons`].
    pub(crate) async fn some_persons(&self, pools: &[Pool], limit: u32) -> Result<Vec<Pid>, Broken> {
        let mut persons: Vec<Pid> = Vec::new();
        for pool in pools {
            for row in self.read(&SOME, &[&pool.0, &i64::from(limit)]).await? {
                persons.push(self.vault().open_person_pid(pool, row.try_get(0)?, row.try_get(1)?)?);
            }
        }
        persons.sort_by(|one, other| one.reveal().cmp(other.reveal()));
        persons.dedup();
        persons.truncate(limit as usize);
        Ok(persons)
    }

    /// See [`crate::Store::person_standing`].
    pub(crate) async fn person_standing(&self, pools: &[Pool], pid: &Pid) -> Result<PersonStanding, Broken> {
        let person = self.vault().handle(pid);
        // Before the rows are read: what is read may be newer than its mark, never older.
        let of = self.current();
        if let Some(standing) = of.and_then(|of| self.standings().get(pools, &person, of)) {
            return Ok(standing);
        }
        let names: Vec<&str> = pools.iter().map(|pool| pool.0.as_str()).collect();
        let mut standing = PersonStanding::Unassigned;
        for row in self.read(&STANDING, &[&names, &person.as_bytes().as_slice()]).await? {
            if !row.try_get::<_, bool>(0)? {
                standing = PersonStanding::Deactivated;
                break;
            }
            standing = PersonStanding::Active;
        }
        if let Some(of) = of {
            self.standings().put(pools, person, (of, standing));
        }
        Ok(standing)
    }
}
