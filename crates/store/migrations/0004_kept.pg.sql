-- What was said when a grant was given stays said, and what was issued can be found for as long as it can be taken back.

-- A `pid` that was withheld when the grant was given stays withheld, whatever becomes of the scope that withheld it.
ALTER TABLE login_grant ADD COLUMN pseudonymous BOOLEAN NOT NULL DEFAULT FALSE;

-- Whoever revokes an access token revokes its grant, also when the token itself has ended: one that came with a refresh token is kept until
-- its grant's end. NULL: until its own.
ALTER TABLE access_token ADD COLUMN kept_until BIGINT;
DROP INDEX access_token_expires;
CREATE INDEX access_token_kept ON access_token (coalesce(kept_until, expires));
