-- name: create_migrations_table :exec
-- The table that tells which migrations ran; made by the runner before it looks into it.
CREATE TABLE IF NOT EXISTS outbox_migrations (
    name VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    applied_at DATETIME(6) NOT NULL DEFAULT (UTC_TIMESTAMP(6)),
    PRIMARY KEY (name)
) ENGINE = InnoDB;

-- name: drop_migrations_table :exec
-- The last step of a rollback that leaves nothing.
DROP TABLE IF EXISTS outbox_migrations;

-- name: applied_migrations :many
-- Oldest first.
SELECT name FROM outbox_migrations ORDER BY name;

-- name: record_migration :exec
-- Differs: IGNORE, because the script before it has committed by itself.
INSERT IGNORE INTO outbox_migrations (name) VALUES (:name);

-- name: forget_migration :exec
DELETE FROM outbox_migrations WHERE name = :name;

-- name: lock_migrations :one
-- One migrating process at a time; 1 when the lock is ours, 0 after :seconds of waiting.
-- Differs: a named lock of the whole server that outlives transactions (DDL commits by itself),
-- so its name tells the database, and unlock_migrations gives it back.
SELECT GET_LOCK(CONCAT('outbox.', LEFT(SHA2(CONCAT_WS('.', DATABASE(), :key), 256), 40)), :seconds);

-- name: unlock_migrations :one
-- Gives back the lock of lock_migrations.
-- Differs: the lock does not end with a transaction.
SELECT RELEASE_LOCK(CONCAT('outbox.', LEFT(SHA2(CONCAT_WS('.', DATABASE(), :key), 256), 40)));

-- name: lock_wait_limit :one
-- What limit_lock_waits is to be set back to.
-- Differs: the limit belongs to the session, not to the transaction.
SELECT @@SESSION.lock_wait_timeout AS seconds;

-- name: limit_lock_waits :exec
-- How long to wait for a table's metadata lock: a session that waits for one holds up all others.
-- Differs: the limit belongs to the session, see lock_wait_limit.
SET SESSION lock_wait_timeout = :seconds;

-- name: create_first_partition :exec
-- The transaction that inserts partition 0 creates the queue. A racing registration waits here on the unique
-- key until that transaction ends, then finds the row and compares counts: never a union of both.
-- Its id is the time, in microseconds since 1970: tables may be emptied or made anew under processes that
-- know the older ids, whose messages must not come to another queue's handler. It is a multiple of 64, and
-- the next 64 ids are the queue's; where two queues meet in one number, the later one tries again.
-- Differs: the affected rows tell who it was, 1 or 0.
-- Locks: the new row's keys until commit.
INSERT IGNORE INTO outbox_partitions (id, queue, `partition`)
SELECT
    64 * GREATEST(
        COALESCE(MAX(p.id), 0) DIV 64 + 1, TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6)) DIV 64
    ),
    :queue,
    0
FROM outbox_partitions AS p;

-- name: create_other_partitions :exec
-- Partitions 1 to n - 1, a JSON array, in the transaction that created partition 0.
INSERT INTO outbox_partitions (id, queue, `partition`)
SELECT p.id + other.n, p.queue, other.n
FROM outbox_partitions AS p
CROSS JOIN JSON_TABLE(:indexes, '$[*]' COLUMNS (n SMALLINT PATH '$')) AS other
WHERE p.queue = :queue AND p.`partition` = 0;

-- name: create_cursors :exec
-- A processor row for every partition of the queue. Of a partition that had one before nothing is guessed:
-- while it has numbered messages, none can tell which of them were delivered.
-- Differs: one table a statement, see create_vacuum_cursors.
INSERT IGNORE INTO outbox_processor (partition_id, processed_seq)
SELECT p.id, p.sequence
FROM outbox_partitions AS p
WHERE
    p.queue = :queue
    AND NOT EXISTS (SELECT 1 FROM outbox_outgoing AS o WHERE o.partition_id = p.id);

-- name: create_vacuum_cursors :exec
-- A vacuum row for every partition of the queue.
-- Differs: one table a statement, see create_cursors.
INSERT IGNORE INTO outbox_vacuum (partition_id, vacuumed_seq)
SELECT p.id, p.sequence
FROM outbox_partitions AS p
WHERE
    p.queue = :queue
    AND NOT EXISTS (SELECT 1 FROM outbox_outgoing AS o WHERE o.partition_id = p.id);

-- name: ground :many
-- Whose these partitions are, of those with their cursors: a process compares it with what it registered.
-- Locks: none.
SELECT p.id, p.queue
FROM JSON_TABLE(:partition_ids, '$[*]' COLUMNS (id BIGINT PATH '$')) AS g
STRAIGHT_JOIN outbox_partitions AS p FORCE INDEX (PRIMARY) ON p.id = g.id
STRAIGHT_JOIN outbox_processor AS c FORCE INDEX (PRIMARY) ON c.partition_id = p.id
STRAIGHT_JOIN outbox_vacuum AS v FORCE INDEX (PRIMARY) ON v.partition_id = p.id;

-- name: put_back_partitions :exec
-- The rows of a queue that is gone, with the ids that it had: producers go on writing to them. Its numbers go
-- on behind what is left of it.
-- Locks: the new rows' keys until commit.
INSERT IGNORE INTO outbox_partitions (id, queue, `partition`, sequence)
SELECT
    g.id,
    :queue,
    g.n - 1,
    GREATEST(
        COALESCE((SELECT MAX(o.seq) FROM outbox_outgoing AS o WHERE o.partition_id = g.id), 0),
        COALESCE((SELECT c.processed_seq FROM outbox_processor AS c WHERE c.partition_id = g.id), 0)
    )
FROM JSON_TABLE(:partition_ids, '$[*]' COLUMNS (n FOR ORDINALITY, id BIGINT PATH '$')) AS g;

-- name: move_incoming :exec
-- What was written to a partition that is gone goes to the one that has its place now.
-- Locks: the rows.
UPDATE outbox_incoming AS i
LEFT JOIN outbox_partitions AS p ON p.id = i.partition_id
SET i.partition_id = :present
WHERE i.partition_id = :gone AND p.id IS NULL;

-- name: move_delayed :exec
-- The same for what is not due yet.
-- Locks: the rows.
UPDATE outbox_delayed AS d
LEFT JOIN outbox_partitions AS p ON p.id = d.partition_id
SET d.partition_id = :present
WHERE d.partition_id = :gone AND p.id IS NULL;

-- name: queue_partitions :many
-- The partition ids of a queue in index order; an old name leads to the queue. Those that a
-- resize has retired are found by numbering.
SELECT id
FROM outbox_partitions
WHERE
    queue = COALESCE((SELECT n.renamed_to FROM outbox_queues AS n WHERE n.queue = :queue), :queue)
    AND retired_at IS NULL
ORDER BY `partition`;

-- name: find_queue :one
SELECT queue, MOD(`partition`, 64) AS `partition` FROM outbox_partitions WHERE id = :partition_id;

-- name: read_installation :one
-- Who this family of tables is; no row after the table was emptied.
-- Locks: none.
SELECT installation, epoch, history, revision FROM outbox_installation;

-- name: read_epochs :many
-- The last numbers that are older than each epoch; empty as long as the first one lasts.
-- Locks: none.
SELECT epoch, partition_id, last_number FROM outbox_epochs;

-- name: create_installation :exec
-- The row, when it is missing: emptied tables are another family.
-- Locks: the new row.
INSERT IGNORE INTO outbox_installation (id, installation)
VALUES (1, LEFT(SHA2(CONCAT_WS('.', UUID(), UUID_SHORT(), RAND(), CONNECTION_ID()), 256), 12));

-- name: lock_installation :one
-- The row for a change of epoch.
-- Locks: the row, until commit.
SELECT installation, epoch, history, revision FROM outbox_installation FOR UPDATE;

-- name: end_epoch :exec
-- Note what was given out until now: the numbers of each partition, and under 0 the ids of the messages.
-- Locks: the partition rows, so that no sequencer is under way.
INSERT INTO outbox_epochs (epoch, partition_id, last_number)
SELECT numbered.epoch, numbered.id, numbered.sequence
FROM (
    SELECT :epoch AS epoch, p.id, p.sequence FROM outbox_partitions AS p FORCE INDEX (PRIMARY)
    ORDER BY p.id
    LIMIT 1000000
    FOR UPDATE
) AS numbered
UNION ALL
SELECT
    :epoch,
    0,
    GREATEST(
        (SELECT COALESCE(MAX(b.id), 0) FROM outbox_body AS b),
        (SELECT COALESCE(MAX(d.message_id), 0) FROM outbox_dead_letters AS d),
        (SELECT COALESCE(MAX(k.message_id), 0) FROM outbox_parked AS k)
    );

-- name: begin_epoch :exec
-- Locks: the row, held already.
UPDATE outbox_installation
SET epoch = :epoch, history = :history, revision = revision + 1;

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
