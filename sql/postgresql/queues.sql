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
-- How long the rest of the transaction waits for each lock: a waiting session holds up all others.
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

-- name: read_installation :one
-- Who this family of tables is; no row after the table was emptied.
-- Locks: none.
SELECT installation, epoch, history, revision FROM outbox_installation;

-- name: read_epochs :many
-- The last numbers that are older than each epoch; empty as long as the first one lasts.
-- Locks: none.
SELECT epoch, partition_id, last_number FROM outbox_epochs;

-- name: server_history :one
-- How the past of this server's data is called: a standby that is promoted goes on with another timeline, and
-- a copy in another cluster has another identifier. Some services do not answer.
-- Differs: the other servers have no word for it.
SELECT s.system_identifier || '/' || left(pg_walfile_name(pg_current_wal_lsn()), 8) AS history
FROM pg_control_system() AS s;

-- name: create_installation :exec
-- The row, when it is missing: emptied tables are another family.
-- Locks: the new row.
INSERT INTO outbox_installation (installation)
VALUES (left(replace(CAST(gen_random_uuid() AS text), '-', ''), 12))
ON CONFLICT (id) DO NOTHING;

-- name: lock_installation :one
-- The row for a change of epoch.
-- Locks: the row, until commit.
SELECT installation, epoch, history, revision FROM outbox_installation FOR UPDATE;

-- name: end_epoch :exec
-- Note what was given out until now: the numbers of each partition, and under 0 the ids of the messages.
-- Locks: the partition rows, so that no sequencer is under way.
WITH numbered AS MATERIALIZED (
    SELECT id, sequence FROM outbox_partitions ORDER BY id FOR NO KEY UPDATE
)

INSERT INTO outbox_epochs (epoch, partition_id, last_number)
SELECT CAST(:epoch AS integer), id, sequence FROM numbered
UNION ALL
SELECT
    CAST(:epoch AS integer),
    0,
    greatest(
        (SELECT coalesce(max(b.id), 0) FROM outbox_body AS b),
        (SELECT coalesce(max(d.message_id), 0) FROM outbox_dead_letters AS d),
        (SELECT coalesce(max(k.message_id), 0) FROM outbox_parked AS k)
    );

-- name: begin_epoch :exec
-- Or, with the epoch as it is, remember what the server's past is called.
-- Locks: the row, held already.
UPDATE outbox_installation
SET
    epoch = CAST(:epoch AS integer),
    history = CAST(:history AS varchar),
    revision = revision + 1;
