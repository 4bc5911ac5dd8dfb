-- How far a copy of an embedded store has come: a row to each table while it is under way, none before and none after. While there is one,
-- no server starts. `last_row` is the number of the last row, in the store that is copied, that arrived with everything before it.
CREATE TABLE copying (
    of_table TEXT PRIMARY KEY,
    source BYTEA NOT NULL,
    last_row BIGINT NOT NULL,
    copied BIGINT NOT NULL
);
