//! Bugs that a test plants, to see whether it would find them. For tests alone.

use std::sync::atomic::{AtomicU8, Ordering};

/// What is wrong with every store of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Bug {
    /// A code is spent without a look at whether it was spent before.
    SpendsAgain = 1,
    /// The embedded store answers before it commits.
    AnswersFirst,
    /// A replay is told apart, and revokes nothing.
    RevokesNothing,
    /// A client that was read once is never read again.
    KeepsCopies,
    /// A redemption leaves no audit record.
    LeavesNoRecord,
    /// A refresh token that was spent gives another successor, in the place of whatever token its family has.
    RotatesTwice,
    /// A replay of a refresh token is told apart, and revokes nothing.
    KeepsFamily,
    /// A revocation takes back everything but the refresh tokens.
    RevokesNotRefresh,
    /// A retry leaves the refresh token that it replaces unspent.
    KeepsReplacedToken,
    /// A spent refresh token is never a retry.
    NoGrace,
    /// A refresh token may be used after its grant's end.
    OutlivesGrant,
    /// No refresh token is ever used: the store says that it failed.
    FailsAlways,
}

static PLANTED: AtomicU8 = AtomicU8::new(0);

/// Plants a bug in every store of this process, or takes out the one that is there.
pub fn danger_plant(bug: Option<Bug>) {
    PLANTED.store(bug.map_or(0, |bug| bug as u8), Ordering::SeqCst);
}

/// Whether this bug is planted.
pub(crate) fn is(bug: Bug) -> bool {
    PLANTED.load(Ordering::SeqCst) == bug as u8
}

/// A statement with the planted bug in it, if it is about that. Bent statements are never let go of: a test has few.
pub(crate) fn bent(sql: &'static str) -> &'static str {
    let bends: &[(Bug, &str, &str)] = &[
        (Bug::SpendsAgain, "AND spent_at IS NULL", ""),
        (Bug::SpendsAgain, "AND code.spent_at IS NULL", ""),
        (Bug::RevokesNothing, "AND revoked_at IS NULL", "AND revoked_at IS NOT NULL"),
        (Bug::LeavesNoRecord, "WHERE id = ?3", "WHERE id = ?3 AND ?2 <> 'code_redeemed'"),
        (
            Bug::LeavesNoRecord,
            "$7, client_id, person, name FROM spent",
            "$7, client_id, person, name FROM spent WHERE FALSE",
        ),
        (Bug::RotatesTwice, " AND s.digest = p.successor", ""),
        (Bug::KeepsFamily, "AND family.revoked_at IS NULL", "AND family.revoked_at IS NOT NULL"),
        (Bug::RevokesNotRefresh, "f.revoked_at IS NOT NULL", "FALSE"),
        // What is spent is the token presented, once more.
        (Bug::KeepsReplacedToken, "SELECT p.id, s.id, s.generation", "SELECT p.id, p.id, s.generation"),
        (Bug::KeepsReplacedToken, "AS s SET spent_at = $4", "AS s SET spent_at = NULL"),
        (Bug::NoGrace, "p.spent_at >= ?5", "p.spent_at > ?5 + 1000"),
        (Bug::NoGrace, "p.spent_at >= $13", "p.spent_at > $13 + 1000"),
        (Bug::NoGrace, "p.spent_at >= $6", "p.spent_at > $4 AND $6 IS NOT NULL"),
        (Bug::FailsAlways, "UPDATE refresh_token AS r SET", "UPDATE refresh_token_lost AS r SET"),
        (Bug::OutlivesGrant, "f.expires > ?4", "f.expires > 0"),
        (Bug::OutlivesGrant, "f.expires > $4", "f.expires > 0"),
    ];
    let bend = bends.iter().find(|(bug, from, _)| is(*bug) && sql.contains(from));
    bend.map_or(sql, |(_, from, to)| sql.replace(from, to).leak())
}
