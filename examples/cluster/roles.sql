-- Once, as the superuser, on the primary: who may do what.
--
-- portvakt_owner owns the tables: `portvakt db migrate` works as it. portvakt is what the nodes are: it reads and writes rows, and
-- can neither change nor drop a table.

CREATE ROLE portvakt_owner LOGIN PASSWORD 'owner-password';
CREATE ROLE portvakt LOGIN PASSWORD 'run-password';
CREATE DATABASE portvakt OWNER portvakt_owner;
REVOKE CONNECT, TEMPORARY ON DATABASE portvakt FROM PUBLIC;
GRANT CONNECT ON DATABASE portvakt TO portvakt;

-- A node gives a statement up after 2 s. What it no longer waits for should not hold locks for much longer.
ALTER ROLE portvakt SET statement_timeout = '5s';
ALTER ROLE portvakt SET idle_in_transaction_session_timeout = '5s';
