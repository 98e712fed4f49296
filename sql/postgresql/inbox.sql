-- The receiving end: up to which number each partition of each source has been accepted. One row for each of
-- them, so neither time nor traffic makes the table grow.

-- name: create_inbox :exec
-- The table, apart from the outbox's own: a receiver often has no outbox. `previous` is what `seq` was
-- before the last accept, so that one statement can change the row and tell what it meant.
-- Locks: the schema's catalog.
CREATE TABLE IF NOT EXISTS outbox_inbox (
    source varchar(128) COLLATE "C" NOT NULL,
    partition_id bigint NOT NULL,
    seq bigint NOT NULL,
    previous bigint NOT NULL,
    PRIMARY KEY (source, partition_id)
);

-- name: drop_inbox :exec
-- The table with all it holds.
-- Locks: the table.
DROP TABLE IF EXISTS outbox_inbox;

-- name: accept :one
-- Move the watermark up to a number, never down, and return where it stood: 0 for the first of a partition.
-- Two receivers of one partition wait here for each other's commit, so a number is new to one of them only.
-- Locks: the partition's row.
INSERT INTO outbox_inbox (source, partition_id, seq, previous)
VALUES (:source, :partition_id, :seq, 0)
ON CONFLICT (source, partition_id) DO UPDATE
    SET
        previous = outbox_inbox.seq,
        seq = greatest(outbox_inbox.seq, excluded.seq)
RETURNING previous;
