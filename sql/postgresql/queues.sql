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
-- Its id is the time, in microseconds since 1970: tables may be emptied or made anew under processes that
-- know the older ids, whose messages must not come to another queue's handler. It is a multiple of 64, and
-- the next 64 ids are the queue's; where two queues meet in one number, the later one tries again.
-- Locks: the new row's keys until commit.
INSERT INTO outbox_partitions (id, queue, partition)
OVERRIDING SYSTEM VALUE
SELECT
    64 * greatest(
        coalesce(max(id), 0) / 64 + 1, CAST(extract(EPOCH FROM clock_timestamp()) * 1000000 AS bigint) / 64
    ),
    :queue,
    0
FROM outbox_partitions
ON CONFLICT DO NOTHING
RETURNING id;

-- name: create_other_partitions :exec
-- Partitions 1 to n - 1, in the transaction that created partition 0.
INSERT INTO outbox_partitions (id, queue, partition)
OVERRIDING SYSTEM VALUE
SELECT p.id + n, p.queue, n
FROM outbox_partitions AS p, generate_series(1, CAST(:last AS integer)) AS n
WHERE p.queue = :queue AND p.partition = 0;

-- name: create_cursors :exec
-- A processor and a vacuum row for every partition of the queue. Of a partition that had one before nothing
-- is guessed: while it has numbered messages, none can tell which of them were delivered.
WITH bare AS MATERIALIZED (
    SELECT p.id, p.sequence
    FROM outbox_partitions AS p
    WHERE
        p.queue = :queue
        AND NOT EXISTS (SELECT 1 FROM outbox_outgoing AS o WHERE o.partition_id = p.id)
),

made AS (
    INSERT INTO outbox_processor (partition_id, processed_seq)
    SELECT id, sequence FROM bare
    ON CONFLICT (partition_id) DO NOTHING
)

INSERT INTO outbox_vacuum (partition_id, vacuumed_seq)
SELECT id, sequence FROM bare
ON CONFLICT (partition_id) DO NOTHING;

-- name: ground :many
-- Whose these partitions are, of those with their cursors: a process compares it with what it registered.
-- Locks: none.
SELECT p.id, p.queue
FROM outbox_partitions AS p
INNER JOIN outbox_processor AS c ON c.partition_id = p.id
INNER JOIN outbox_vacuum AS v ON v.partition_id = p.id
WHERE p.id = ANY(CAST(:partition_ids AS bigint[]));

-- name: put_back_partitions :exec
-- The rows of a queue that is gone, with the ids that it had: producers go on writing to them. Its numbers go
-- on behind what is left of it.
-- Locks: the new rows' keys until commit.
INSERT INTO outbox_partitions (id, queue, partition, sequence)
OVERRIDING SYSTEM VALUE
SELECT
    g.id,
    :queue,
    g.n - 1,
    greatest(
        (SELECT coalesce(max(o.seq), 0) FROM outbox_outgoing AS o WHERE o.partition_id = g.id),
        (SELECT coalesce(max(c.processed_seq), 0) FROM outbox_processor AS c WHERE c.partition_id = g.id)
    )
FROM unnest(CAST(:partition_ids AS bigint[])) WITH ORDINALITY AS g (id, n)
ON CONFLICT DO NOTHING;

-- name: move_incoming :exec
-- What was written to a partition that is gone goes to the one that has its place now.
-- Locks: the rows.
UPDATE outbox_incoming
SET partition_id = :present
WHERE
    partition_id = :gone
    AND NOT EXISTS (SELECT 1 FROM outbox_partitions AS p WHERE p.id = :gone);

-- name: move_delayed :exec
-- The same for what is not due yet.
-- Locks: the rows.
UPDATE outbox_delayed
SET partition_id = :present
WHERE
    partition_id = :gone
    AND NOT EXISTS (SELECT 1 FROM outbox_partitions AS p WHERE p.id = :gone);

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
