-- Refresh tokens, scopes as objects, what is taken back, and whom owners were told of.

-- A grant from before has no instant of its own: its login's is the safe one.
ALTER TABLE login_grant ADD COLUMN issued BIGINT NOT NULL DEFAULT 0;
UPDATE login_grant SET issued = auth_time;
ALTER TABLE login_grant ADD COLUMN onbehalfof TEXT;

-- A token ends with its grant at the latest, so it is gone by its own end before its grant goes, and nobody finds it by its grant: no index
-- for that, which every token that is issued would write to.
UPDATE access_token SET expires = g.expires FROM login_grant g WHERE g.name = access_token.login_grant AND access_token.expires > g.expires;
DROP INDEX access_token_grant;

-- `narrowed`: the scopes of a token that a refresh asked fewer for; NULL: the grant's.
ALTER TABLE access_token ADD COLUMN issued BIGINT NOT NULL DEFAULT 0;
ALTER TABLE access_token ADD COLUMN narrowed TEXT;

-- A family is a grant. `generation` counts its tokens from 1. A spent token names its successor; a successor that was replaced by the
-- retry of a lost answer is spent without one. `access_token` is what was issued with it, and goes when it is replaced: NULL once it is
-- spent on a successor, whose digest takes its place, so that the row stays as long as it was and its page is not split.
CREATE TABLE refresh_token (
    issuer BIGINT NOT NULL,
    digest BYTEA NOT NULL CHECK (length(digest) = 32),
    login_grant BYTEA NOT NULL,
    client_id TEXT NOT NULL,
    generation BIGINT NOT NULL CHECK (generation > 0),
    access_token BYTEA CHECK (length(access_token) = 32),
    issued BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    spent_at BIGINT,
    successor BYTEA CHECK (length(successor) = 32),
    PRIMARY KEY (issuer, digest),
    CHECK (successor IS NULL OR spent_at IS NOT NULL)
) WITH (fillfactor = 80);
CREATE INDEX refresh_token_grant ON refresh_token (login_grant);
-- One branch lives: of each family at most one token can be used. The engine holds it, whoever races.
CREATE UNIQUE INDEX refresh_token_leaf ON refresh_token (login_grant) WHERE spent_at IS NULL;

-- What the first schema has no column for: the scope as a whole, in JSON; NULL: only the columns say.
ALTER TABLE scope ADD COLUMN record TEXT;

CREATE TABLE scope_access (
    issuer BIGINT NOT NULL,
    scope TEXT NOT NULL,
    consumer_orgno TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('REQUESTED', 'APPROVED', 'DENIED', 'WITHDRAWN')),
    created BIGINT NOT NULL,
    last_updated BIGINT NOT NULL,
    PRIMARY KEY (issuer, scope, consumer_orgno)
);
CREATE INDEX scope_access_consumer ON scope_access (issuer, consumer_orgno);

-- What was granted before `at` is nothing. `subject`: empty for the issuer, a client_id, an orgno, or a person's handle.
CREATE TABLE not_before (
    issuer BIGINT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('issuer', 'client', 'organisation', 'person')),
    subject BYTEA NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (issuer, kind, subject)
);

-- Of what owners were warned: once a day each (`day`: days since 1970). Kept for 90 days.
CREATE TABLE owner_warning (
    issuer BIGINT NOT NULL,
    client_id TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('secret_ends', 'refused_often')),
    reason TEXT NOT NULL,
    day BIGINT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (issuer, client_id, kind, reason, day)
);
CREATE INDEX owner_warning_at ON owner_warning (at);
