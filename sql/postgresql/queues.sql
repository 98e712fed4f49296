-- name: create_migrations_table :exec
-- The table that tells which migrations ran; made by the runner before it looks into it.
CREATE TABLE IF NOT EXISTS outbox_migrations (
    name varchar(128) COLLATE "C" PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- name: drop_migrations_table :exec
-- The last step of a rollback that leaves nothing.
DROP TABLE IF EXISTS outbox_migrations;

-- name: applied_migrations :many
-- Oldest first.
SELECT name FROM outbox_migrations ORDER BY name;

-- name: record_migration :exec
-- In the transaction that ran it.
INSERT INTO outbox_migrations (name) VALUES (:name);

-- name: forget_migration :exec
-- In the transaction that undid it.
DELETE FROM outbox_migrations WHERE name = :name;

-- name: lock_migrations :exec
-- One migrating process at a time; the lock ends with the transaction.
-- Differs: an advisory lock, because there may be no table to lock yet.
SELECT pg_advisory_xact_lock(hashtextextended(:key, 7301));

-- name: limit_lock_waits :exec
-- How long the rest of the transaction waits for each lock: whoever waits for a table's holds up all others.
-- Differs: ends with the transaction.
SELECT set_config('lock_timeout', :seconds, TRUE);

-- name: create_first_partition :one
-- The transaction that inserts partition 0 creates the queue. A racing registration waits here on the unique
-- key until that transaction ends, then finds the row and compares counts: never a union of both.
-- Locks: the new row's key until commit.
INSERT INTO outbox_partitions (queue, partition) VALUES (:queue, 0)
ON CONFLICT (queue, partition) DO NOTHING
RETURNING id;

-- name: create_other_partitions :exec
-- Partitions 1 to n - 1, in the transaction that created partition 0.
INSERT INTO outbox_partitions (queue, partition)
SELECT CAST(:queue AS varchar), n FROM generate_series(1, CAST(:last AS integer)) AS n;

-- name: create_cursors :exec
-- A processor and a vacuum row for every partition of the queue.
WITH made AS (
    INSERT INTO outbox_processor (partition_id)
    SELECT id FROM outbox_partitions WHERE queue = :queue
    ON CONFLICT (partition_id) DO NOTHING
)

INSERT INTO outbox_vacuum (partition_id)
SELECT id FROM outbox_partitions WHERE queue = :queue
ON CONFLICT (partition_id) DO NOTHING;

-- name: queue_partitions :many
-- The partition ids of a queue in index order.
SELECT id FROM outbox_partitions WHERE queue = :queue ORDER BY partition;

-- name: find_queue :one
-- The queue of a partition, and the partition's index in it.
SELECT queue, partition FROM outbox_partitions WHERE id = :partition_id;
