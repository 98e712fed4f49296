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
-- The partition ids of a queue in index order; an old name leads to the queue. Those that a
-- resize has retired are found by numbering.
SELECT id
FROM outbox_partitions
WHERE
    queue = coalesce((SELECT n.renamed_to FROM outbox_queues AS n WHERE n.queue = :queue), :queue)
    AND retired_at IS NULL
ORDER BY partition;

-- name: find_queue :one
-- The queue of a partition, and the partition's index in it.
SELECT queue, partition & 63 AS partition FROM outbox_partitions WHERE id = :partition_id;

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

-- name: reset_cursors :exec
-- For tests: all that has a number is done, and nothing has failed.
-- Locks: every processor row, until commit.
UPDATE outbox_processor
SET
    processed_seq = (
        SELECT p.sequence FROM outbox_partitions AS p WHERE p.id = outbox_processor.partition_id
    ),
    attempts = 0, last_error = NULL, locked_by = NULL, locked_until = NULL, failing_since = NULL,
    parking = NULL
WHERE partition_id > 0;

-- name: reset_vacuum :exec
-- For tests: nothing is left to delete.
-- Locks: every vacuum row, until commit.
UPDATE outbox_vacuum
SET
    vacuumed_seq = (SELECT p.sequence FROM outbox_partitions AS p WHERE p.id = outbox_vacuum.partition_id),
    rests_until = NULL
WHERE partition_id > 0;

-- name: reset_incoming :exec
-- For tests; the condition is for sessions that refuse to delete without one.
-- Locks: the rows.
DELETE FROM outbox_incoming
WHERE partition_id > 0;

-- name: reset_delayed :exec
-- For tests; the condition is for sessions that refuse to delete without one.
-- Locks: the rows.
DELETE FROM outbox_delayed
WHERE partition_id > 0;

-- name: reset_outgoing :exec
-- For tests; the condition is for sessions that refuse to delete without one.
-- Locks: the rows.
DELETE FROM outbox_outgoing
WHERE partition_id > 0;

-- name: reset_body :exec
-- For tests; the condition is for sessions that refuse to delete without one.
-- Locks: the rows.
DELETE FROM outbox_body
WHERE id > 0;

-- name: reset_dead_letters :exec
-- For tests; the condition is for sessions that refuse to delete without one.
-- Locks: the rows.
DELETE FROM outbox_dead_letters
WHERE id > 0;

-- name: reset_failures :exec
-- For tests; the condition is for sessions that refuse to delete without one.
-- Locks: the rows.
DELETE FROM outbox_failures
WHERE partition_id > 0;

-- name: reset_parked :exec
-- For tests; the condition is for sessions that refuse to delete without one.
-- Locks: the rows.
DELETE FROM outbox_parked
WHERE partition_id > 0;

-- name: reset_parked_keys :exec
-- For tests; the condition is for sessions that refuse to delete without one.
-- Locks: the rows.
DELETE FROM outbox_parked_keys
WHERE partition_id > 0;

-- name: reset_history :exec
-- For tests; the condition is for sessions that refuse to delete without one.
-- Locks: the rows.
DELETE FROM outbox_history
WHERE partition_id > 0;

-- name: reset_dedup :exec
-- For tests; the condition is for sessions that refuse to delete without one.
-- Locks: the rows.
DELETE FROM outbox_dedup
WHERE body_id > 0;

-- name: reset_pauses :exec
-- For tests; the condition is for sessions that refuse to delete without one.
-- Locks: the rows.
DELETE FROM outbox_pauses
WHERE id > 0;

-- name: reset_revision :exec
-- For tests: other processes read the pauses again.
-- Locks: the row.
UPDATE outbox_installation
SET revision = revision + 1
WHERE id = 1;
