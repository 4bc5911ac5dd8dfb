-- The first schema. Every table but `person` is keyed by issuer: a pool of test persons is the one thing that issuers
-- share on purpose. What is single-use is kept as a digest; a `pid`, a private key and what a request carried are sealed,
-- and bound to their row. Instants are seconds since 1970.

-- The keys under the master key, one row per purpose.
CREATE TABLE vault (
    purpose TEXT NOT NULL CHECK (purpose IN ('sealing', 'lookup', 'pairwise')),
    key_id INTEGER NOT NULL,
    sealed BLOB NOT NULL,
    PRIMARY KEY (purpose)
) STRICT;

-- One row: how often the registry has changed, and when this store was last asked to prove that it can write.
CREATE TABLE state (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    generation INTEGER NOT NULL,
    probed_at INTEGER NOT NULL
) STRICT;
INSERT INTO state (only, generation, probed_at) VALUES (1, 0, 0);

CREATE TABLE issuer (
    id INTEGER PRIMARY KEY,
    url TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE organisation (
    issuer INTEGER NOT NULL REFERENCES issuer (id),
    orgno TEXT NOT NULL,
    name TEXT NOT NULL,
    terms_version TEXT,
    terms_accepted_at INTEGER,
    terms_accepted_by TEXT,
    standing TEXT NOT NULL CHECK (standing IN ('active', 'withdrawn', 'deactivated')),
    PRIMARY KEY (issuer, orgno),
    CHECK ((terms_version IS NULL) = (terms_accepted_at IS NULL)),
    CHECK ((terms_version IS NULL) = (terms_accepted_by IS NULL))
) STRICT;

CREATE TABLE scope (
    issuer INTEGER NOT NULL REFERENCES issuer (id),
    scope TEXT NOT NULL,
    description TEXT NOT NULL,
    token_type TEXT CHECK (token_type IN ('OPAQUE', 'SELF_CONTAINED')),
    at_max_age INTEGER NOT NULL,
    active INTEGER NOT NULL CHECK (active IN (0, 1)),
    PRIMARY KEY (issuer, scope)
) STRICT;

-- A registration is kept in the words it was made in and parsed again by the rules at each use, so it is one text.
CREATE TABLE client (
    issuer INTEGER NOT NULL,
    client_id TEXT NOT NULL,
    orgno TEXT NOT NULL,
    registration TEXT NOT NULL,
    active INTEGER NOT NULL CHECK (active IN (0, 1)),
    created INTEGER NOT NULL,
    last_updated INTEGER NOT NULL,
    PRIMARY KEY (issuer, client_id),
    FOREIGN KEY (issuer, orgno) REFERENCES organisation (issuer, orgno)
) STRICT;

CREATE TABLE client_secret (
    id INTEGER PRIMARY KEY,
    issuer INTEGER NOT NULL,
    client_id TEXT NOT NULL,
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    expires INTEGER NOT NULL,
    UNIQUE (issuer, client_id, digest),
    FOREIGN KEY (issuer, client_id) REFERENCES client (issuer, client_id)
) STRICT;
CREATE INDEX client_secret_expires ON client_secret (expires);

CREATE TABLE person (
    pool TEXT NOT NULL,
    person BLOB NOT NULL CHECK (length(person) = 32),
    pid_sealed BLOB NOT NULL,
    active INTEGER NOT NULL CHECK (active IN (0, 1)),
    PRIMARY KEY (pool, person)
) STRICT;

CREATE TABLE login (
    id INTEGER PRIMARY KEY,
    issuer INTEGER NOT NULL,
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    browser BLOB NOT NULL CHECK (length(browser) = 32),
    client_id TEXT NOT NULL,
    request_sealed BLOB NOT NULL,
    started INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    evidence_sealed BLOB,
    finished_at INTEGER,
    UNIQUE (issuer, digest),
    FOREIGN KEY (issuer, client_id) REFERENCES client (issuer, client_id)
) STRICT;
CREATE INDEX login_browser ON login (issuer, browser);
CREATE INDEX login_expires ON login (expires);

-- `grant` is a reserved word of SQL's.
CREATE TABLE login_grant (
    id INTEGER PRIMARY KEY,
    name BLOB NOT NULL UNIQUE CHECK (length(name) = 16),
    issuer INTEGER NOT NULL,
    client_id TEXT NOT NULL,
    person BLOB NOT NULL CHECK (length(person) = 32),
    pid_sealed BLOB NOT NULL,
    scopes TEXT NOT NULL,
    method TEXT NOT NULL,
    assurance TEXT NOT NULL CHECK (assurance IN ('low', 'substantial', 'high')),
    auth_time INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    nonce TEXT,
    locale TEXT,
    revoked_at INTEGER,
    FOREIGN KEY (issuer, client_id) REFERENCES client (issuer, client_id)
) STRICT;
CREATE INDEX login_grant_expires ON login_grant (expires);

CREATE TABLE code (
    id INTEGER PRIMARY KEY,
    issuer INTEGER NOT NULL,
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    grant_id INTEGER NOT NULL REFERENCES login_grant (id) ON DELETE CASCADE,
    client_id TEXT NOT NULL,
    redirect_uri TEXT NOT NULL,
    challenge TEXT,
    expires INTEGER NOT NULL,
    spent_at INTEGER,
    UNIQUE (issuer, digest)
) STRICT;
CREATE INDEX code_grant ON code (grant_id);

CREATE TABLE access_token (
    id INTEGER PRIMARY KEY,
    issuer INTEGER NOT NULL,
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    grant_id INTEGER NOT NULL REFERENCES login_grant (id) ON DELETE CASCADE,
    expires INTEGER NOT NULL,
    UNIQUE (issuer, digest)
) STRICT;
CREATE INDEX access_token_grant ON access_token (grant_id);
CREATE INDEX access_token_expires ON access_token (expires);

CREATE TABLE signing_key (
    issuer INTEGER NOT NULL REFERENCES issuer (id),
    kid TEXT NOT NULL,
    private_sealed BLOB NOT NULL,
    chain BLOB NOT NULL,
    published INTEGER NOT NULL,
    signs_from INTEGER NOT NULL,
    signs_until INTEGER,
    removed INTEGER,
    PRIMARY KEY (issuer, kid)
) STRICT;

-- Written in the commit of what it records. What most records have is a column; the rest is `detail`.
CREATE TABLE audit (
    number INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    issuer INTEGER,
    event TEXT NOT NULL,
    client_id TEXT,
    person BLOB,
    login_grant BLOB,
    detail TEXT
) STRICT;
