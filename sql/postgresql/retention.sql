-- name: kept_for :many
-- For how long a queue keeps what was delivered, in microseconds.
-- Locks: none.
SELECT keep_us
FROM outbox_queues
WHERE queue = :queue;

-- name: keep :exec
-- Let a queue keep what is delivered; NULL ends it.
-- Locks: the queue's row.
INSERT INTO outbox_queues AS q (queue, keep_us)
VALUES (:queue, CAST(:keep_us AS bigint))
ON CONFLICT (queue) DO UPDATE SET keep_us = excluded.keep_us;

-- name: wake_vacuum :exec
-- The vacuum of a queue rests no longer: what it keeps has changed.
-- Locks: the queue's vacuum rows.
UPDATE outbox_vacuum
SET rests_until = NULL
WHERE partition_id IN (SELECT p.id FROM outbox_partitions AS p WHERE p.queue = :queue);

-- name: forget_notes :exec
-- When a queue delivered what, which only one that keeps it needs to know.
-- Locks: the rows that it deletes.
DELETE FROM outbox_history
WHERE partition_id IN (SELECT p.id FROM outbox_partitions AS p WHERE p.queue = :queue);

-- name: kept_partitions :many
-- Locks: none.
SELECT id, partition
FROM outbox_partitions
WHERE queue = :queue
ORDER BY partition;

-- name: delivered :many
-- The latest delivered messages of a partition that are still there, newest first, above :after and up to
-- :upto. What was given up is in its dead letter, and no part of it.
-- Locks: none.
SELECT
    o.seq,
    b.id AS message_id,
    b.payload,
    b.payload_type,
    b.headers,
    CAST(extract(EPOCH FROM b.created_at) * 1000000 AS bigint) AS created_at,
    b.message_key,
    b.uid,
    b.origin
FROM outbox_outgoing AS o INNER JOIN outbox_body AS b ON b.id = o.body_id
WHERE
    o.partition_id = :partition_id
    AND o.seq > :after
    AND o.seq <= least(
        CAST(:upto AS bigint),
        (SELECT c.processed_seq FROM outbox_processor AS c WHERE c.partition_id = :partition_id)
    )
    AND (CAST(:message_key AS text) IS NULL OR b.message_key = CAST(:message_key AS text))
    AND b.created_at >= to_timestamp(0) + CAST(:since AS bigint) * interval '1 microsecond'
    AND b.id NOT IN (SELECT d.message_id FROM outbox_dead_letters AS d WHERE d.partition_id = :partition_id)
    AND b.id NOT IN (SELECT k.message_id FROM outbox_parked AS k WHERE k.partition_id = :partition_id)
ORDER BY o.seq DESC
LIMIT CAST(:limit AS integer);

-- name: hold_delivered :many
-- Keep the vacuum from a partition until the transaction ends, and tell what is there of it: from the first
-- number that is not deleted to the last that was delivered.
-- Locks: the partition's vacuum row FOR NO KEY UPDATE.
SELECT
    v.vacuumed_seq + 1 AS first_seq,
    c.processed_seq AS last_seq
FROM outbox_vacuum AS v INNER JOIN outbox_processor AS c ON c.partition_id = v.partition_id
WHERE v.partition_id = :partition_id
FOR NO KEY UPDATE OF v;
