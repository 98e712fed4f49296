-- The receiving end: up to which number each partition of each source has been accepted. One row for each of
-- them, so neither time nor traffic makes the table grow.

-- name: create_inbox :exec
-- The table, apart from the outbox's own: a receiver often has no outbox. `previous` is what `seq` was
-- before the last accept, so that one statement can change the row and another one tell what it meant.
-- Locks: the table's metadata.
CREATE TABLE IF NOT EXISTS outbox_inbox (
    source VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    partition_id BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    previous BIGINT NOT NULL,
    PRIMARY KEY (source, partition_id)
) ENGINE = InnoDB;

-- name: drop_inbox :exec
-- The table with all it holds.
-- Locks: the table's metadata.
DROP TABLE IF EXISTS outbox_inbox;

-- name: accept :exec
-- Move the watermark up to a number, never down. Two receivers of one partition wait here for each other's
-- commit, so a number is new to one of them only. (Assignments happen in their order, so `seq` comes last.)
-- Differs: what it returns elsewhere is read by `accepted`, in the same transaction.
-- Locks: the partition's row.
INSERT INTO outbox_inbox (source, partition_id, seq, previous)
VALUES (CONVERT(UNHEX(:source) USING ascii), :partition_id, :seq, 0)
ON DUPLICATE KEY UPDATE
previous = outbox_inbox.seq,
seq = GREATEST(outbox_inbox.seq, :seq);

-- name: accepted :one
-- Where the watermark stood before this transaction's last `accept` of the partition: 0 for the first.
-- Differs: one statement elsewhere, where a change can return what it wrote.
-- Locks: none; the row is this transaction's already.
SELECT previous
FROM outbox_inbox
WHERE source = CONVERT(UNHEX(:source) USING ascii) AND partition_id = :partition_id;
