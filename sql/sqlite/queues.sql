-- name: create_migrations_table :exec
-- The table that tells which migrations ran; made by the runner before it looks into it.
CREATE TABLE IF NOT EXISTS outbox_migrations (
    name TEXT PRIMARY KEY,
    applied_at INTEGER NOT NULL
    DEFAULT (CAST(round((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER) * 1000)
);

-- name: drop_migrations_table :exec
-- The last step of a rollback that leaves nothing.
DROP TABLE IF EXISTS outbox_migrations;

-- name: has_migrations_table :one
-- Differs: "no such table" has no error number of its own in SQLite, so the runner asks first.
SELECT EXISTS (
    SELECT 1 FROM sqlite_master
    WHERE type = 'table' AND name = 'outbox_migrations' COLLATE NOCASE
) AS found;

-- name: applied_migrations :many
-- Oldest first.
SELECT name FROM outbox_migrations ORDER BY name;

-- name: record_migration :exec
INSERT INTO outbox_migrations (name) VALUES (:name);

-- name: forget_migration :exec
DELETE FROM outbox_migrations WHERE name = :name;

-- name: use_wal :one
-- Readers and the writer do not block each other in WAL mode, which stays set in the file.
-- Differs: a setting of the database file, made by the migration runner; returns the mode.
PRAGMA journal_mode = WAL;

-- name: begin_write :exec
-- Every write transaction takes the write lock at once: one that starts by reading and becomes a
-- writer later fails at once, whatever the timeout, when another one wrote in between. It is also
-- what makes migrations wait for each other.
-- Differs: SQLite has one lock for the whole database and none for rows.
BEGIN IMMEDIATE;

-- name: create_first_partition :one
-- The transaction that inserts partition 0 creates the queue; a racing registration waits for the write lock,
-- then finds the row and compares counts: never a union of both.
-- Its id is the time, in microseconds since 1970: tables may be emptied or made anew under processes that
-- know the older ids, whose messages must not come to another queue's handler. It is a multiple of 64, and
-- the next 64 ids are the queue's.
-- Locks: the database's write lock.
INSERT INTO outbox_partitions (id, queue, partition)
SELECT
    64 * max(
        coalesce((SELECT max(p.id) FROM outbox_partitions AS p), 0) / 64 + 1,
        CAST(round((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER) * 1000 / 64
    ),
    :queue,
    0
WHERE TRUE
ON CONFLICT (queue, partition) DO NOTHING
RETURNING id;

-- name: create_other_partitions :exec
-- Partitions 1 to n - 1, in the transaction that created partition 0.
WITH RECURSIVE numbers (n) AS (
    SELECT 1
    UNION ALL
    SELECT n + 1 FROM numbers WHERE n < :last
)

INSERT INTO outbox_partitions (id, queue, partition)
SELECT
    p.id + numbers.n,
    p.queue,
    numbers.n
FROM outbox_partitions AS p
CROSS JOIN numbers
WHERE p.queue = :queue AND p.partition = 0;

-- name: create_cursors :exec
-- A processor row for every partition of the queue. Of a partition that had one before nothing is guessed:
-- while it has numbered messages, none can tell which of them were delivered.
-- Differs: SQLite has no INSERT inside WITH, so the vacuum rows are create_vacuum_cursors.
INSERT INTO outbox_processor (partition_id, processed_seq)
SELECT
    p.id,
    p.sequence
FROM outbox_partitions AS p
WHERE
    p.queue = :queue
    AND NOT EXISTS (SELECT 1 FROM outbox_outgoing AS o WHERE o.partition_id = p.id)
ON CONFLICT (partition_id) DO NOTHING;

-- name: create_vacuum_cursors :exec
-- A vacuum row for every partition of the queue.
-- Differs: the second half of create_cursors.
INSERT INTO outbox_vacuum (partition_id, vacuumed_seq)
SELECT
    p.id,
    p.sequence
FROM outbox_partitions AS p
WHERE
    p.queue = :queue
    AND NOT EXISTS (SELECT 1 FROM outbox_outgoing AS o WHERE o.partition_id = p.id)
ON CONFLICT (partition_id) DO NOTHING;

-- name: ground :many
-- Whose these partitions are, of those with their cursors: a process compares it with what it registered.
-- Locks: none.
SELECT
    p.id,
    p.queue
FROM json_each(:partition_ids) AS g
CROSS JOIN outbox_partitions AS p ON p.id = g.value
CROSS JOIN outbox_processor AS c ON c.partition_id = p.id
CROSS JOIN outbox_vacuum AS v ON v.partition_id = p.id;

-- name: put_back_partitions :exec
-- The rows of a queue that is gone, with the ids that it had: producers go on writing to them. Its numbers go
-- on behind what is left of it.
-- Locks: the database's write lock.
INSERT INTO outbox_partitions (id, queue, partition, sequence)
SELECT
    g.value,
    :queue,
    g.key,
    max(
        coalesce((SELECT max(o.seq) FROM outbox_outgoing AS o WHERE o.partition_id = g.value), 0),
        coalesce((SELECT c.processed_seq FROM outbox_processor AS c WHERE c.partition_id = g.value), 0)
    )
FROM json_each(:partition_ids) AS g
WHERE TRUE
ON CONFLICT DO NOTHING;

-- name: move_incoming :exec
-- What was written to a partition that is gone goes to the one that has its place now.
-- Locks: the database's write lock.
UPDATE outbox_incoming
SET partition_id = :present
WHERE
    partition_id = :gone
    AND NOT EXISTS (SELECT 1 FROM outbox_partitions AS p WHERE p.id = :gone);

-- name: move_delayed :exec
-- The same for what is not due yet.
-- Locks: the database's write lock.
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
SELECT
    queue,
    partition & 63 AS partition
FROM outbox_partitions
WHERE id = :partition_id;

-- name: read_installation :one
-- Who this family of tables is; no row after the table was emptied.
-- Locks: none.
SELECT
    installation,
    epoch,
    history,
    revision
FROM outbox_installation;

-- name: read_epochs :many
-- The last numbers that are older than each epoch; empty as long as the first one lasts.
-- Locks: none.
SELECT
    epoch,
    partition_id,
    last_number
FROM outbox_epochs;

-- name: create_installation :exec
-- The row, when it is missing: emptied tables are another family.
-- Locks: the database's write lock.
INSERT INTO outbox_installation (id, installation) VALUES (1, lower(hex(randomblob(6))))
ON CONFLICT (id) DO NOTHING;

-- name: lock_installation :one
-- The row for a change of epoch.
-- Locks: none of its own; runs under the write lock.
SELECT
    installation,
    epoch,
    history,
    revision
FROM outbox_installation;

-- name: end_epoch :exec
-- Note what was given out until now: the numbers of each partition, and under 0 the ids of the messages.
-- Locks: the database's write lock, held already.
INSERT INTO outbox_epochs (epoch, partition_id, last_number)
SELECT
    :epoch,
    p.id,
    p.sequence
FROM outbox_partitions AS p
UNION ALL
SELECT
    :epoch,
    0,
    max(
        (SELECT coalesce(max(b.id), 0) FROM outbox_body AS b),
        (SELECT coalesce(max(d.message_id), 0) FROM outbox_dead_letters AS d),
        (SELECT coalesce(max(k.message_id), 0) FROM outbox_parked AS k)
    );

-- name: begin_epoch :exec
-- Locks: the database's write lock, held already.
UPDATE outbox_installation
SET
    epoch = :epoch,
    history = :history,
    revision = revision + 1;

-- name: reset_cursors :exec
-- For tests: all that has a number is done, and nothing has failed.
-- Locks: every processor row, until commit.
UPDATE outbox_processor
SET
    processed_seq = (SELECT p.sequence FROM outbox_partitions AS p WHERE p.id = outbox_processor.partition_id),
    attempts = 0, last_error = NULL, locked_by = NULL, locked_until = NULL, failing_since = NULL, parking = NULL
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
