//! Refresh tokens. A grant is a family of them, numbered from 1: each use spends one and stores the next, so that one at most can be used;
//! a second would have a number that was given. Each verb is one transaction of the one writer.

use portvakt_protocol::client::ClientId;
use portvakt_protocol::grant::{LoadedRefreshToken, NewAccessToken, NewRefreshToken};
use portvakt_protocol::issuer::Issuer;
use portvakt_protocol::secret::RefreshTokenDigest;
use portvakt_protocol::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::grants::keep;
use super::{Embedded, audit};
use crate::Broken;
use crate::audit::Event;
use crate::contract::Redemption;
use crate::grant_columns::{AFTER_GRANT, grant_columns, taken_back};
use crate::row;
use crate::verbs::{Refresh, Revocation, TokenDigests, Usage};

/// Whose a refresh token is.
#[derive(Clone, Copy)]
pub(super) struct Family<'a> {
    pub(super) issuer: i64,
    pub(super) grant_id: i64,
    pub(super) client_id: &'a ClientId,
}

impl Embedded {
    /// See [`crate::Store::refresh_token`].
    pub(crate) async fn refresh_token(
        &self,
        issuer: &Issuer,
        token: &RefreshTokenDigest,
    ) -> Result<Option<LoadedRefreshToken>, Broken> {
        let Some(known) = self.known(issuer) else { return Ok(None) };
        self.read(|db| {
            let sql = concat!(
                "SELECT ",
                grant_columns!("f"),
                ", r.expires, r.spent_at, EXISTS (SELECT 1 FROM refresh_token s
                    WHERE s.issuer = r.issuer AND s.digest = r.successor AND s.spent_at IS NULL)
                 FROM refresh_token r JOIN login_grant f ON f.id = r.grant_id WHERE r.issuer = ?1 AND r.digest = ?2"
            );
            #[cfg(feature = "danger-faults")]
            let sql = crate::planted::bent(sql);
            let mut select = db.prepare_cached(sql)?;
            let mut rows = select.query(params![known.number, token.as_bytes()])?;
            let Some(row) = rows.next()? else { return Ok(None) };
            let (grant, revoked) = self.grant(known.number, row)?;
            Ok(Some(LoadedRefreshToken {
                grant,
                expires: Timestamp::from_unix(row.get(AFTER_GRANT)?),
                spent: row::spent(row.get(AFTER_GRANT + 1)?, row.get(AFTER_GRANT + 2)?),
                revoked,
            }))
        })
    }

    /// See [`crate::Store::refresh`].
    pub(crate) async fn refresh(
        &self,
        issuer: &Issuer,
        refresh: Refresh,
        now: Timestamp,
    ) -> Result<Redemption, Broken> {
        let Some(known) = self.known(issuer) else { return Ok(Redemption::Unknown) };
        self.write(move |db| {
            let issuer = known.number;
            let used = match &refresh.usage {
                Usage::Rotate { successor, retry_since } => {
                    rotate(db, issuer, &refresh, successor, now)?
                        || retry(db, issuer, &refresh, successor, *retry_since, now)?
                }
                Usage::Reuse { expires } => reuse(db, issuer, &refresh, *expires, now)?,
            };
            if used { Ok(Redemption::Spent) } else { replayed(db, issuer, &refresh, now) }
        })
        .await
    }

    /// See [`crate::Store::revoke`].
    pub(crate) async fn revoke(
        &self,
        issuer: &Issuer,
        client_id: &ClientId,
        token: TokenDigests,
        now: Timestamp,
    ) -> Result<Revocation, Broken> {
        let Some(known) = self.known(issuer) else { return Ok(Revocation::Unknown) };
        let client_id = client_id.clone();
        self.write(move |db| {
            let mut select = db.prepare_cached(
                "SELECT g.id, g.client_id = ?4 FROM login_grant g WHERE g.id = coalesce(
                    (SELECT grant_id FROM access_token WHERE issuer = ?1 AND digest = ?2),
                    (SELECT grant_id FROM refresh_token WHERE issuer = ?1 AND digest = ?3))",
            )?;
            let (access, refresh) = (token.access.as_bytes(), token.refresh.as_bytes());
            let found = select.query_row(params![known.number, access, refresh, client_id.as_str()], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, bool>(1)?))
            });
            let grant_id = match found.optional()? {
                None => return Ok(Revocation::Unknown),
                Some((_, false)) => return Ok(Revocation::NotYours),
                Some((grant_id, true)) => grant_id,
            };
            let sql = "UPDATE login_grant AS given SET revoked_at = ?2 WHERE given.id = ?1 AND given.revoked_at IS NULL";
            if db.prepare_cached(sql)?.execute(params![grant_id, now.unix()])? > 0 {
                audit::write_of_grant(db, now, Event::GrantRevoked, grant_id)?;
            }
            Ok(Revocation::Done)
        })
        .await
    }
}

impl Family<'_> {
    /// Stores a refresh token of this family, with what was issued beside it.
    pub(super) fn keep(
        &self,
        db: &Connection,
        generation: i64,
        token: &NewRefreshToken,
        beside: &NewAccessToken,
    ) -> Result<(), Broken> {
        let mut insert = db.prepare_cached(
            "INSERT INTO refresh_token (issuer, digest, grant_id, client_id, generation, access_token, issued, expires)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?;
        insert.execute(params![
            self.issuer,
            token.digest.as_bytes(),
            self.grant_id,
            self.client_id.as_str(),
            generation,
            beside.digest.as_bytes(),
            token.issued.unix(),
            token.expires.unix(),
        ])?;
        Ok(())
    }
}

/// Spends the token on its successor, if it can be used.
fn rotate(
    db: &Connection,
    issuer: i64,
    refresh: &Refresh,
    successor: &NewRefreshToken,
    now: Timestamp,
) -> Result<bool, Broken> {
    let sql = concat!(
        "UPDATE refresh_token AS r SET spent_at = ?4, successor = ?5, access_token = NULL
         WHERE r.issuer = ?1 AND r.digest = ?2 AND r.client_id = ?3 AND r.spent_at IS NULL AND r.expires > ?4
           AND EXISTS (SELECT 1 FROM login_grant f WHERE f.id = r.grant_id AND f.expires > ?4 AND NOT ",
        taken_back!("f"),
        ")
         RETURNING grant_id, generation"
    );
    #[cfg(feature = "danger-faults")]
    let sql = crate::planted::bent(sql);
    let Refresh { client_id, presented, access_token, .. } = refresh;
    let next = successor.digest;
    let found = db.prepare_cached(sql)?.query_row(
        params![issuer, presented.as_bytes(), client_id.as_str(), now.unix(), next.as_bytes()],
        |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)),
    );
    let Some((grant_id, generation)) = found.optional()? else { return Ok(false) };
    Family { issuer, grant_id, client_id }.keep(db, generation + 1, successor, access_token)?;
    keep(db, (issuer, grant_id), access_token, true)?;
    audit::write_of_grant(db, now, Event::Refreshed, grant_id)?;
    Ok(true)
}

/// Puts the successor in the place of the one that nobody has used, if the token was spent on that one no earlier than `retry_since`.
fn retry(
    db: &Connection,
    issuer: i64,
    refresh: &Refresh,
    successor: &NewRefreshToken,
    retry_since: Timestamp,
    now: Timestamp,
) -> Result<bool, Broken> {
    let sql = concat!(
        "SELECT p.id, s.id, s.generation, s.access_token, s.grant_id
         FROM refresh_token p JOIN login_grant f ON f.id = p.grant_id
         JOIN refresh_token s ON s.grant_id = p.grant_id AND s.issuer = ?1 AND s.digest = p.successor
         WHERE p.issuer = ?1 AND p.digest = ?2 AND p.client_id = ?3 AND p.spent_at >= ?5
           AND s.spent_at IS NULL AND s.expires > ?4 AND f.expires > ?4 AND NOT ",
        taken_back!("f"),
    );
    #[cfg(feature = "danger-faults")]
    let sql = crate::planted::bent(sql);
    let Refresh { client_id, presented, access_token, .. } = refresh;
    let found = db.prepare_cached(sql)?.query_row(
        params![issuer, presented.as_bytes(), client_id.as_str(), now.unix(), retry_since.unix()],
        |row| {
            let (spent, replaced, generation) = (row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get(2)?);
            Ok((spent, replaced, generation, row.get::<_, [u8; 32]>(3)?, row.get(4)?))
        },
    );
    let Some((spent, replaced, generation, given, grant_id)) = found.optional()? else { return Ok(false) };
    let generation: i64 = generation;
    db.prepare_cached("UPDATE refresh_token SET spent_at = ?2 WHERE id = ?1")?
        .execute(params![replaced, now.unix()])?;
    // When it was spent stays as it is: the grace does not begin anew.
    db.prepare_cached("UPDATE refresh_token SET successor = ?2 WHERE id = ?1")?
        .execute(params![spent, successor.digest.as_bytes()])?;
    // It has ended by every clock, also one that is behind the one that it was issued by, and is kept: whoever revokes it revokes the grant.
    db.prepare_cached("UPDATE access_token SET expires = 0 WHERE issuer = ?1 AND digest = ?2")?
        .execute(params![issuer, given])?;
    Family { issuer, grant_id, client_id }.keep(db, generation + 1, successor, access_token)?;
    keep(db, (issuer, grant_id), access_token, true)?;
    audit::write_of_grant(db, now, Event::RefreshRetried, grant_id)?;
    Ok(true)
}

/// Moves the token's end, if it can be used: never past its grant's. Back too, if a shorter lifetime is registered now.
fn reuse(
    db: &Connection,
    issuer: i64,
    refresh: &Refresh,
    expires: Timestamp,
    now: Timestamp,
) -> Result<bool, Broken> {
    let sql = concat!(
        "UPDATE refresh_token AS r
         SET expires = min(?5, (SELECT g.expires FROM login_grant g WHERE g.id = r.grant_id))
         WHERE r.issuer = ?1 AND r.digest = ?2 AND r.client_id = ?3 AND r.spent_at IS NULL AND r.expires > ?4
           AND EXISTS (SELECT 1 FROM login_grant f WHERE f.id = r.grant_id AND f.expires > ?4 AND NOT ",
        taken_back!("f"),
        ")
         RETURNING grant_id, generation"
    );
    #[cfg(feature = "danger-faults")]
    let sql = crate::planted::bent(sql);
    let Refresh { client_id, presented, access_token, .. } = refresh;
    let found = db.prepare_cached(sql)?.query_row(
        params![issuer, presented.as_bytes(), client_id.as_str(), now.unix(), expires.unix()],
        |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)),
    );
    let Some((grant_id, generation)) = found.optional()? else { return Ok(false) };
    // What was spent on a token that has been used now is no retry any more.
    if generation > 1 {
        db.prepare_cached(
            "UPDATE refresh_token SET successor = NULL WHERE grant_id = ?1 AND successor = ?2",
        )?
        .execute(params![grant_id, presented.as_bytes()])?;
    }
    keep(db, (issuer, grant_id), access_token, true)?;
    audit::write_of_grant(db, now, Event::Refreshed, grant_id)?;
    Ok(true)
}

/// A token that its own client had spent, or that was replaced, takes its grant with it (RFC 9700 §4.14.2). One that was never spent, or
/// is another client's, changes nothing.
fn replayed(db: &Connection, issuer: i64, refresh: &Refresh, now: Timestamp) -> Result<Redemption, Broken> {
    let mut select = db.prepare_cached(
        "SELECT grant_id FROM refresh_token WHERE issuer = ?1 AND digest = ?2 AND client_id = ?3 AND spent_at IS NOT NULL",
    )?;
    let key = params![issuer, refresh.presented.as_bytes(), refresh.client_id.as_str()];
    let found = select.query_row(key, |row| row.get::<_, i64>(0));
    let Some(grant_id) = found.optional()? else { return Ok(Redemption::Unknown) };
    let sql =
        "UPDATE login_grant AS family SET revoked_at = ?2 WHERE family.id = ?1 AND family.revoked_at IS NULL";
    #[cfg(feature = "danger-faults")]
    let sql = crate::planted::bent(sql);
    if db.prepare_cached(sql)?.execute(params![grant_id, now.unix()])? > 0 {
        audit::write_of_grant(db, now, Event::RefreshReplayed, grant_id)?;
    }
    Ok(Redemption::Replayed)
}
