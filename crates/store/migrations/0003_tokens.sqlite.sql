-- Refresh tokens, scopes as objects, what is taken back, and whom owners were told of.

-- A grant from before has no instant of its own: its login's is the safe one.
ALTER TABLE login_grant ADD COLUMN issued INTEGER NOT NULL DEFAULT 0;
UPDATE login_grant SET issued = auth_time;
ALTER TABLE login_grant ADD COLUMN onbehalfof TEXT;

-- A token ends with its grant at the latest, so it is gone by its own end before its grant goes: no reference, and no index to find it by
-- its grant. Every token that is issued would write one more page for it. `narrowed`: the scopes of a token that a refresh asked fewer for;
-- NULL: the grant's.
CREATE TABLE access_token_anew (
    id INTEGER PRIMARY KEY,
    issuer INTEGER NOT NULL,
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    grant_id INTEGER NOT NULL,
    issued INTEGER NOT NULL DEFAULT 0,
    expires INTEGER NOT NULL,
    narrowed TEXT,
    UNIQUE (issuer, digest)
) STRICT;
INSERT INTO access_token_anew (id, issuer, digest, grant_id, issued, expires)
SELECT t.id, t.issuer, t.digest, t.grant_id, 0, min(t.expires, g.expires) FROM access_token t JOIN login_grant g ON g.id = t.grant_id;
DROP TABLE access_token;
ALTER TABLE access_token_anew RENAME TO access_token;
CREATE INDEX access_token_expires ON access_token (expires);

-- A family is a grant. `generation` counts its tokens from 1. A spent token names its successor; a successor that was replaced by the
-- retry of a lost answer is spent without one. `access_token` is what was issued with it, and goes when it is replaced: NULL once it is
-- spent on a successor, whose digest takes its place, so that the row stays as long as it was and its page is not split.
CREATE TABLE refresh_token (
    id INTEGER PRIMARY KEY,
    issuer INTEGER NOT NULL,
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    grant_id INTEGER NOT NULL REFERENCES login_grant (id) ON DELETE CASCADE,
    client_id TEXT NOT NULL,
    generation INTEGER NOT NULL CHECK (generation > 0),
    access_token BLOB CHECK (length(access_token) = 32),
    issued INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    spent_at INTEGER,
    successor BLOB CHECK (length(successor) = 32),
    UNIQUE (issuer, digest),
    -- One branch lives: nobody races the one writer, and a family that forked would give a number twice.
    UNIQUE (grant_id, generation),
    CHECK (successor IS NULL OR spent_at IS NOT NULL)
) STRICT;

-- What the first schema has no column for: the scope as a whole, in JSON; NULL: only the columns say.
ALTER TABLE scope ADD COLUMN record TEXT;

CREATE TABLE scope_access (
    issuer INTEGER NOT NULL,
    scope TEXT NOT NULL,
    consumer_orgno TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('REQUESTED', 'APPROVED', 'DENIED', 'WITHDRAWN')),
    created INTEGER NOT NULL,
    last_updated INTEGER NOT NULL,
    PRIMARY KEY (issuer, scope, consumer_orgno)
) STRICT;
CREATE INDEX scope_access_consumer ON scope_access (issuer, consumer_orgno);

-- What was granted before `at` is nothing. `subject`: empty for the issuer, a client_id, an orgno, or a person's handle.
CREATE TABLE not_before (
    issuer INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('issuer', 'client', 'organisation', 'person')),
    subject BLOB NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (issuer, kind, subject)
) STRICT;

-- Of what owners were warned: once a day each (`day`: days since 1970). Kept for 90 days.
CREATE TABLE owner_warning (
    issuer INTEGER NOT NULL,
    client_id TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('secret_ends', 'refused_often')),
    reason TEXT NOT NULL,
    day INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (issuer, client_id, kind, reason, day)
) STRICT;
CREATE INDEX owner_warning_at ON owner_warning (at);
