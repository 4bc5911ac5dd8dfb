//! Test persons. A pool is the one thing that issuers share, so these rows alone have no issuer.

use portvakt_protocol::person::Pid;
use portvakt_protocol::provider::{PersonStanding, Pool};
use portvakt_protocol::registration::PersonRecord;
use rusqlite::{Connection, OptionalExtension, params};

use super::Embedded;
use crate::Broken;
use crate::sealed::Assignment;

/// What an assignment changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Assigned {
    New,
    Changed,
    AsBefore,
}

impl Embedded {
    /// See [`crate::Store::persons`].
    pub(crate) async fn persons(&self, pool: &Pool) -> Result<Vec<PersonRecord>, Broken> {
        let (store, pool) = (self.clone(), pool.clone());
        self.read_long(move |db| {
            let mut select =
                db.prepare_cached("SELECT person, pid_sealed, active FROM person WHERE pool = ?1")?;
            let mut rows = select.query([&pool.0])?;
            let mut persons = Vec::new();
            while let Some(row) = rows.next()? {
                let (person, sealed): (Vec<u8>, Vec<u8>) = (row.get(0)?, row.get(1)?);
                let pid = store.vault().open_person_pid(&pool, &person, &sealed)?;
                persons.push(PersonRecord { pid, active: row.get(2)? });
            }
            persons.sort_by(|one, other| one.pid.reveal().cmp(other.pid.reveal()));
            Ok(persons)
        })
        .await
    }

    /// See [`crate::Store::some_persons`].
    pub(crate) async fn some_persons(&self, pools: &[Pool], limit: u32) -> Result<Vec<Pid>, Broken> {
        self.read(|db| {
            let mut select = db.prepare_cached(
                "SELECT person, pid_sealed FROM person WHERE pool = ?1 AND active = 1 ORDER BY person LIMIT ?2",
            )?;
            let mut persons: Vec<Pid> = Vec::new();
            for pool in pools {
                let mut rows = select.query(params![pool.0, limit])?;
                while let Some(row) = rows.next()? {
                    let (person, sealed): (Vec<u8>, Vec<u8>) = (row.get(0)?, row.get(1)?);
                    persons.push(self.vault().open_person_pid(pool, &person, &sealed)?);
                }
            }
            persons.sort_by(|one, other| one.reveal().cmp(other.reveal()));
            persons.dedup();
            persons.truncate(limit as usize);
            Ok(persons)
        })
    }

    /// See [`crate::Store::person_standing`].
    pub(crate) async fn person_standing(&self, pools: &[Pool], pid: &Pid) -> Result<PersonStanding, Broken> {
        let person = self.vault().handle(pid);
        // Before the rows are read: what is read may be newer than its mark, never older.
        let of = self.current();
        if let Some(standing) = self.standings().get(pools, &person, of) {
            return Ok(standing);
        }
        let standing = self.read(|db| {
            let mut select =
                db.prepare_cached("SELECT active FROM person WHERE pool = ?1 AND person = ?2")?;
            let mut standing = PersonStanding::Unassigned;
            for pool in pools {
                match select.query_row(params![pool.0, person.as_bytes()], |row| row.get(0)).optional()? {
                    None => {}
                    Some(true) => standing = PersonStanding::Active,
                    Some(false) => return Ok(PersonStanding::Deactivated),
                }
            }
            Ok(standing)
        })?;
        self.standings().put(pools, person, (of, standing));
        Ok(standing)
    }
}

impl Assignment {
    pub(super) fn write(&self, db: &Connection) -> Result<Assigned, Broken> {
        let (pool, person) = (&self.pool, self.person.as_bytes());
        let mut select = db.prepare_cached("SELECT active FROM person WHERE pool = ?1 AND person = ?2")?;
        match select.query_row(params![pool, person], |row| row.get::<_, bool>(0)).optional()? {
            Some(active) if active == self.active => Ok(Assigned::AsBefore),
            Some(_) => {
                let mut update =
                    db.prepare_cached("UPDATE person SET active = ?3 WHERE pool = ?1 AND person = ?2")?;
                update.execute(params![pool, person, self.active])?;
                Ok(Assigned::Changed)
            }
            None => {
                let mut insert = db.prepare_cached(
                    "INSERT INTO person (pool, person, pid_sealed, active) VALUES (?1, ?2, ?3, ?4)",
                )?;
                insert.execute(params![pool, person, self.pid_sealed, self.active])?;
                Ok(Assigned::New)
            }
        }
    }
}
