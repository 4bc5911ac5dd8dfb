//! What must hold, as statements that find what breaks it. They are written once, for both kinds of store: what differs, how a code and a
//! token name their grant, is a view in front of them.

use portvakt_protocol::time::Timestamp;

/// Something that must hold.
#[derive(Clone, Copy, Debug)]
pub(super) struct Invariant {
    /// `I1` to `I7`.
    pub(super) invariant: &'static str,
    /// What should hold.
    pub(super) rule: &'static str,
    /// Where it does not, if a row is found.
    pub(super) table: &'static str,
    /// What to do then.
    pub(super) remedy: &'static str,
    /// Finds the keys of what breaks it. `codes`, `tokens` and `refreshes` are rows that name their grant; `:now` is the present.
    find: &'static str,
}

/// How rows name their grant in a folder: by a number of their own store's.
pub(super) const IN_FOLDER: &str = "WITH codes AS (
    SELECT c.issuer, c.digest, c.client_id, c.spent_at, g.name AS login_grant
    FROM code c LEFT JOIN login_grant g ON g.id = c.grant_id
), tokens AS (
    SELECT t.issuer, t.digest, g.name AS login_grant FROM access_token t LEFT JOIN login_grant g ON g.id = t.grant_id
), refreshes AS (
    SELECT r.issuer, r.digest, r.client_id, r.generation, r.issued, r.spent_at, r.successor, g.name AS login_grant
    FROM refresh_token r LEFT JOIN login_grant g ON g.id = r.grant_id
)";

/// And in a database.
pub(super) const IN_DATABASE: &str = "WITH codes AS (
    SELECT issuer, digest, client_id, spent_at, login_grant FROM code
), tokens AS (
    SELECT issuer, digest, login_grant FROM access_token
), refreshes AS (
    SELECT issuer, digest, client_id, generation, issued, spent_at, successor, login_grant FROM refresh_token
)";

impl Invariant {
    /// The whole statement: it finds at most one more than are told.
    pub(super) fn statement(&self, views: &str, now: Timestamp) -> String {
        let find = self.find.replace(":now", &now.unix().to_string());
        format!("{views}\nSELECT * FROM ({find}) AS found LIMIT {}", super::TOLD + 1)
    }
}

/// How many logins were recorded as ended at an issuer at an instant: one record each, but logout's, which counts them.
macro_rules! ends {
    () => {
        "SELECT issuer, at, sum(CASE WHEN event = 'logins_ended'
                     THEN CAST(substr(detail, 11, length(detail) - 11) AS BIGINT) ELSE 1 END) AS ends
               FROM audit WHERE event IN ('code_issued', 'login_refused', 'logins_ended') GROUP BY issuer, at"
    };
}

/// How many logins ended then.
macro_rules! finished {
    () => {
        "SELECT issuer, finished_at AS at, count(*) AS logins FROM login
               WHERE finished_at IS NOT NULL GROUP BY issuer, finished_at"
    };
}

/// A use that succeeded twice.
const TWICE: &str = "something was used twice: revoke the grant's tokens by rotating keys if they are self-contained, and report it; \
                     if the database failed over, look whether its standby was synchronous";
/// A row whose other half is missing.
const HALF: &str = "a commit was torn or rows were changed by hand: restore a backup, or remove the row once it was understood";
/// An effect without its record, or the other way.
const UNRECORDED: &str = "an acknowledged write was lost, or rows were changed by hand: look what happened at that time, and report it";

/// Everything that must hold and can be told without keys.
pub(super) const INVARIANTS: &[Invariant] = &[
    Invariant {
        invariant: "I1",
        rule: "a grant has one code",
        table: "code",
        remedy: TWICE,
        find: "SELECT login_grant FROM codes WHERE login_grant IS NOT NULL GROUP BY login_grant HAVING count(*) > 1",
    },
    // What refresh tokens give besides is a family's to say.
    Invariant {
        invariant: "I1",
        rule: "a spent code gave one access token, and an unspent one none",
        table: "access_token",
        remedy: TWICE,
        find: "SELECT t.login_grant
               FROM (SELECT login_grant, count(*) AS given FROM tokens GROUP BY login_grant) t
               LEFT JOIN (SELECT login_grant, count(*) AS spent FROM codes WHERE spent_at IS NOT NULL GROUP BY login_grant) c
                 ON c.login_grant = t.login_grant
               LEFT JOIN (SELECT DISTINCT login_grant FROM refreshes) r ON r.login_grant = t.login_grant
               WHERE t.given > coalesce(c.spent, 0) AND (c.spent IS NULL OR r.login_grant IS NULL)",
    },
    Invariant {
        invariant: "I1",
        rule: "a refresh gave one access token",
        table: "access_token",
        remedy: TWICE,
        find: "SELECT t.login_grant
               FROM (SELECT login_grant, count(*) AS given FROM tokens GROUP BY login_grant) t
               JOIN (SELECT DISTINCT login_grant FROM refreshes) r ON r.login_grant = t.login_grant
               JOIN login_grant g ON g.name = t.login_grant AND g.issued > (SELECT min(at) FROM audit)
               LEFT JOIN (
                   SELECT login_grant, count(*) AS recorded FROM audit
                   WHERE event IN ('refreshed', 'refresh_retried') GROUP BY login_grant
               ) a ON a.login_grant = t.login_grant WHERE t.given > 1 + coalesce(a.recorded, 0)",
    },
    Invariant {
        invariant: "I1",
        rule: "a code is redeemed once",
        table: "audit",
        remedy: TWICE,
        find: "SELECT login_grant FROM audit WHERE event = 'code_redeemed' GROUP BY login_grant HAVING count(*) > 1",
    },
    Invariant {
        invariant: "I1",
        rule: "a grant is issued once",
        table: "audit",
        remedy: TWICE,
        find: "SELECT login_grant FROM audit WHERE event = 'code_issued' GROUP BY login_grant HAVING count(*) > 1",
    },
    // A finished login stays for an hour at least, so there are no more records of ends than logins that ended then.
    Invariant {
        invariant: "I1",
        rule: "a login is finished once",
        table: "login",
        remedy: TWICE,
        find: concat!(
            "SELECT r.issuer, r.at FROM (",
            ends!(),
            ") r LEFT JOIN (",
            finished!(),
            ") l ON l.issuer = r.issuer AND l.at = r.at
               WHERE r.ends > coalesce(l.logins, 0) AND r.at > :now - 3600"
        ),
    },
    Invariant {
        invariant: "I2",
        rule: "a code has its grant",
        table: "code",
        remedy: HALF,
        find: "SELECT c.issuer, c.digest FROM codes c LEFT JOIN login_grant g ON g.name = c.login_grant WHERE g.name IS NULL",
    },
    Invariant {
        invariant: "I2",
        rule: "an access token has its grant",
        table: "access_token",
        remedy: HALF,
        find: "SELECT t.issuer, t.digest FROM tokens t LEFT JOIN login_grant g ON g.name = t.login_grant WHERE g.name IS NULL",
    },
    Invariant {
        invariant: "I2",
        rule: "a refresh token has its grant",
        table: "refresh_token",
        remedy: HALF,
        find: "SELECT r.issuer, r.digest FROM refreshes r LEFT JOIN login_grant g ON g.name = r.login_grant WHERE g.name IS NULL",
    },
    Invariant {
        invariant: "I2",
        rule: "a refresh token is its grant's client's, at its issuer",
        table: "refresh_token",
        remedy: HALF,
        find: "SELECT r.issuer, r.digest FROM refreshes r JOIN login_grant g ON g.name = r.login_grant
               WHERE g.issuer <> r.issuer OR g.client_id <> r.client_id",
    },
    Invariant {
        invariant: "I2",
        rule: "a refresh token's successor is a later one of its family",
        table: "refresh_token",
        remedy: HALF,
        find: "SELECT p.issuer, p.digest FROM refreshes p
               LEFT JOIN refreshes s ON s.issuer = p.issuer AND s.digest = p.successor AND s.login_grant = p.login_grant
               WHERE p.successor IS NOT NULL AND (s.digest IS NULL OR s.generation <= p.generation)",
    },
    Invariant {
        invariant: "I3",
        rule: "a family has one refresh token that can be used",
        table: "refresh_token",
        remedy: TWICE,
        find: "SELECT login_grant FROM refreshes WHERE spent_at IS NULL GROUP BY login_grant HAVING count(*) > 1",
    },
    Invariant {
        invariant: "I3",
        rule: "a family's refresh tokens are numbered from 1 without gaps",
        table: "refresh_token",
        remedy: HALF,
        find: "SELECT login_grant FROM refreshes GROUP BY login_grant
               HAVING min(generation) <> 1 OR max(generation) <> count(*) OR count(DISTINCT generation) <> count(*)",
    },
    Invariant {
        invariant: "I2",
        rule: "a grant has its code",
        table: "login_grant",
        remedy: HALF,
        find: "SELECT name AS login_grant FROM login_grant EXCEPT SELECT login_grant FROM codes",
    },
    Invariant {
        invariant: "I2",
        rule: "a code is its grant's client's, at its issuer",
        table: "code",
        remedy: HALF,
        find: "SELECT c.issuer, c.digest FROM codes c JOIN login_grant g ON g.name = c.login_grant
               WHERE g.issuer <> c.issuer OR g.client_id <> c.client_id",
    },
    Invariant {
        invariant: "I2",
        rule: "an access token is of its grant's issuer",
        table: "access_token",
        remedy: HALF,
        find: "SELECT t.issuer, t.digest FROM tokens t JOIN login_grant g ON g.name = t.login_grant WHERE g.issuer <> t.issuer",
    },
    Invariant {
        invariant: "I2",
        rule: "a login is of a client that the issuer has",
        table: "login",
        remedy: HALF,
        find: "SELECT issuer, client_id FROM login EXCEPT SELECT issuer, client_id FROM client",
    },
    Invariant {
        invariant: "I2",
        rule: "a grant is of a client that the issuer has",
        table: "login_grant",
        remedy: HALF,
        find: "SELECT issuer, client_id FROM login_grant EXCEPT SELECT issuer, client_id FROM client",
    },
    Invariant {
        invariant: "I2",
        rule: "a client has its organisation",
        table: "client",
        remedy: HALF,
        find: "SELECT c.issuer, c.client_id FROM client c
               LEFT JOIN organisation o ON o.issuer = c.issuer AND o.orgno = c.orgno WHERE o.orgno IS NULL",
    },
    Invariant {
        invariant: "I2",
        rule: "a secret has its client",
        table: "client_secret",
        remedy: HALF,
        find: "SELECT issuer, client_id FROM client_secret EXCEPT SELECT issuer, client_id FROM client",
    },
    Invariant {
        invariant: "I2",
        rule: "every row is of an issuer that is known",
        table: "issuer",
        remedy: HALF,
        find: "SELECT issuer FROM (
                   SELECT issuer FROM organisation UNION SELECT issuer FROM scope UNION SELECT issuer FROM client
                   UNION SELECT issuer FROM signing_key UNION SELECT issuer FROM login UNION SELECT issuer FROM login_grant
                   UNION SELECT issuer FROM not_before UNION SELECT issuer FROM scope_access
                   UNION SELECT issuer FROM owner_warning
               ) AS used EXCEPT SELECT id FROM issuer",
    },
    Invariant {
        invariant: "I2",
        rule: "the registry's generation is one row",
        table: "state",
        remedy: HALF,
        find: "SELECT count(*) AS found FROM state HAVING count(*) <> 1",
    },
    // Clocks of several nodes may differ by less than a minute.
    Invariant {
        invariant: "I4",
        rule: "no code is spent once its grant is revoked",
        table: "code",
        remedy: "a token was given for a revoked grant: it is refused, for its grant is; report it, and look at the nodes' clocks",
        find: "SELECT c.issuer, c.digest FROM codes c JOIN login_grant g ON g.name = c.login_grant
               WHERE c.spent_at > g.revoked_at + 60",
    },
    Invariant {
        invariant: "I4",
        rule: "no refresh token is spent once its grant is revoked",
        table: "refresh_token",
        remedy: "a token was given for a revoked grant: it is refused, for its grant is; report it, and look at the nodes' clocks",
        find: "SELECT r.issuer, r.digest FROM refreshes r JOIN login_grant g ON g.name = r.login_grant
               WHERE r.spent_at > g.revoked_at + 60",
    },
    Invariant {
        invariant: "I5",
        rule: "an issuer with signing keys has one that has no successor",
        table: "signing_key",
        remedy: "rotate: `portvakt key rotate --issuer URL`",
        find: "SELECT issuer FROM signing_key GROUP BY issuer
               HAVING sum(CASE WHEN signs_until IS NULL THEN 1 ELSE 0 END) <> 1",
    },
    // Of effects older than the oldest record nothing is known any more.
    Invariant {
        invariant: "I7",
        rule: "a spent code has its record",
        table: "code",
        remedy: UNRECORDED,
        find: "SELECT login_grant FROM codes
               WHERE spent_at > (SELECT min(at) FROM audit) AND spent_at NOT IN (SELECT at FROM audit WHERE event = 'restored')
               EXCEPT SELECT login_grant FROM audit WHERE event = 'code_redeemed'",
    },
    Invariant {
        invariant: "I7",
        rule: "a revoked grant has its record",
        table: "login_grant",
        remedy: UNRECORDED,
        find: "SELECT name AS login_grant FROM login_grant
               WHERE revoked_at > (SELECT min(at) FROM audit) AND revoked_at NOT IN (SELECT at FROM audit WHERE event = 'restored')
               EXCEPT SELECT login_grant FROM audit WHERE event IN ('code_replayed', 'refresh_replayed', 'grant_revoked')",
    },
    // A token that stays is used without a new one, so there may be more records than tokens.
    Invariant {
        invariant: "I7",
        rule: "a refresh token that was given for another has its record",
        table: "refresh_token",
        remedy: UNRECORDED,
        find: "SELECT r.login_grant FROM (
                   SELECT login_grant, count(*) AS given FROM refreshes
                   WHERE generation > 1 AND issued > (SELECT min(at) FROM audit) GROUP BY login_grant
               ) r LEFT JOIN (
                   SELECT login_grant, count(*) AS recorded FROM audit
                   WHERE event IN ('refreshed', 'refresh_retried') GROUP BY login_grant
               ) a ON a.login_grant = r.login_grant WHERE r.given > coalesce(a.recorded, 0)",
    },
    Invariant {
        invariant: "I7",
        rule: "a grant has its record",
        table: "login_grant",
        remedy: UNRECORDED,
        find: "SELECT name AS login_grant FROM login_grant WHERE auth_time > (SELECT min(at) FROM audit)
               EXCEPT SELECT login_grant FROM audit WHERE event = 'code_issued'",
    },
    Invariant {
        invariant: "I7",
        rule: "a finished login has its record",
        table: "login",
        remedy: UNRECORDED,
        find: concat!(
            "SELECT l.issuer, l.at AS finished_at FROM (",
            finished!(),
            ") l LEFT JOIN (",
            ends!(),
            ") r ON r.issuer = l.issuer AND r.at = l.at
               WHERE l.logins > coalesce(r.ends, 0) AND l.at > (SELECT min(at) FROM audit)
                 AND l.at NOT IN (SELECT at FROM audit WHERE event = 'restored')"
        ),
    },
    Invariant {
        invariant: "I7",
        rule: "a client has its record",
        table: "client",
        remedy: UNRECORDED,
        find: "SELECT issuer, client_id FROM client WHERE created > (SELECT min(at) FROM audit)
               EXCEPT SELECT issuer, client_id FROM audit WHERE event = 'client_registered'",
    },
    Invariant {
        invariant: "I7",
        rule: "what was recorded as redeemed is spent",
        table: "audit",
        remedy: UNRECORDED,
        find: "SELECT a.login_grant FROM audit a JOIN login_grant g ON g.name = a.login_grant WHERE a.event = 'code_redeemed'
               EXCEPT SELECT login_grant FROM codes WHERE spent_at IS NOT NULL",
    },
    Invariant {
        invariant: "I7",
        rule: "what was recorded as replayed or taken back is revoked",
        table: "audit",
        remedy: UNRECORDED,
        find: "SELECT a.login_grant FROM audit a JOIN login_grant g ON g.name = a.login_grant
               WHERE a.event IN ('code_replayed', 'refresh_replayed', 'grant_revoked') AND g.revoked_at IS NULL",
    },
    // A code lives for a minute, and its grant is not swept before it.
    Invariant {
        invariant: "I7",
        rule: "what was recorded as issued in the last half minute is there",
        table: "audit",
        remedy: UNRECORDED,
        find: "SELECT login_grant FROM audit WHERE event = 'code_issued' AND at > :now - 30
               EXCEPT SELECT name FROM login_grant",
    },
    Invariant {
        invariant: "I7",
        rule: "a client that was recorded is there",
        table: "audit",
        remedy: UNRECORDED,
        find: "SELECT issuer, client_id FROM audit WHERE event IN ('client_registered', 'client_changed')
               EXCEPT SELECT issuer, client_id FROM client",
    },
];
