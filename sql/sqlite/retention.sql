-- name: kept_for :many
-- For how long a queue keeps what was delivered, in microseconds.
-- Locks: none.
SELECT keep_us
FROM outbox_queues
WHERE queue = :queue;

-- name: keep :exec
-- Let a queue keep what is delivered; NULL ends it.
-- Locks: the database's write lock.
INSERT INTO outbox_queues (queue, keep_us)
VALUES (:queue, :keep_us)
ON CONFLICT (queue) DO UPDATE SET keep_us = excluded.keep_us;

-- name: wake_vacuum :exec
-- The vacuum of a queue rests no longer: what it keeps has changed.
-- Locks: the database's write lock.
UPDATE outbox_vacuum
SET rests_until = NULL
WHERE partition_id IN (SELECT p.id FROM outbox_partitions AS p WHERE p.queue = :queue);

-- name: forget_notes :exec
-- When a queue delivered what, which only one that keeps it needs to know.
-- Locks: the database's write lock.
DELETE FROM outbox_history
WHERE partition_id IN (SELECT p.id FROM outbox_partitions AS p WHERE p.queue = :queue);

-- name: kept_partitions :many
-- Locks: none.
SELECT
    id,
    partition
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
    b.created_at,
    b.message_key,
    b.uid,
    b.origin
FROM outbox_outgoing AS o INNER JOIN outbox_body AS b ON b.id = o.body_id
WHERE
    o.partition_id = :partition_id
    AND o.seq > :after
    AND o.seq <= min(
        :upto,
        (SELECT c.processed_seq FROM outbox_processor AS c WHERE c.partition_id = :partition_id)
    )
    AND (:message_key IS NULL OR b.message_key = :message_key)
    AND b.created_at >= :since
    AND b.id NOT IN (SELECT d.message_id FROM outbox_dead_letters AS d WHERE d.partition_id = :partition_id)
    AND b.id NOT IN (SELECT k.message_id FROM outbox_parked AS k WHERE k.partition_id = :partition_id)
ORDER BY o.seq DESC
LIMIT :limit;

-- name: hold_delivered :many
-- Keep the vacuum from a partition until the transaction ends, and tell what is there of it: from the first
-- number that is not deleted to the last that was delivered.
-- Locks: none of its own; runs under the write lock.
SELECT
    v.vacuumed_seq + 1 AS first_seq,
    c.processed_seq AS last_seq
FROM outbox_vacuum AS v INNER JOIN outbox_processor AS c ON c.partition_id = v.partition_id
WHERE v.partition_id = :partition_id;
