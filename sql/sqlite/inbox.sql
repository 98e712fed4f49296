-- The receiving end: up to which number each partition of each source has been accepted. One row for each of
-- them, so neither time nor traffic makes the table grow.

-- name: create_inbox :exec
-- The table, apart from the outbox's own: a receiver often has no outbox. `previous` is what `seq` was
-- before the last accept, so that one statement can change the row and tell what it meant.
-- Locks: the database's write lock.
CREATE TABLE IF NOT EXISTS outbox_inbox (
    source TEXT NOT NULL,
    partition_id INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    previous INTEGER NOT NULL,
    PRIMARY KEY (source, partition_id)
) WITHOUT ROWID;

-- name: drop_inbox :exec
-- The table with all it holds.
-- Locks: the database's write lock.
DROP TABLE IF EXISTS outbox_inbox;

-- name: accept :one
-- Move the watermark up to a number, never down, and return where it stood: 0 for the first of a partition.
-- Two receivers of one partition wait here for each other's commit, so a number is new to one of them only.
-- Locks: the database's write lock.
INSERT INTO outbox_inbox (source, partition_id, seq, previous)
VALUES (:source, :partition_id, :seq, 0)
ON CONFLICT (source, partition_id) DO UPDATE
    SET
        previous = seq,
        seq = max(seq, excluded.seq)
RETURNING previous;
