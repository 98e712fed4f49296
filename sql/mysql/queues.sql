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
-- Differs: the affected rows tell who it was, 1 or 0.
-- Locks: the new row's key until commit.
INSERT IGNORE INTO outbox_partitions (queue, `partition`) VALUES (:queue, 0);

-- name: create_other_partitions :exec
-- Partitions 1 to n - 1, a JSON array, in the transaction that created partition 0.
INSERT INTO outbox_partitions (queue, `partition`)
SELECT :queue, other.n
FROM JSON_TABLE(:indexes, '$[*]' COLUMNS (n SMALLINT PATH '$')) AS other;

-- name: create_cursors :exec
-- A processor row for every partition of the queue.
-- Differs: one table a statement, see create_vacuum_cursors.
INSERT IGNORE INTO outbox_processor (partition_id)
SELECT id FROM outbox_partitions WHERE queue = :queue;

-- name: create_vacuum_cursors :exec
-- A vacuum row for every partition of the queue.
-- Differs: one table a statement, see create_cursors.
INSERT IGNORE INTO outbox_vacuum (partition_id)
SELECT id FROM outbox_partitions WHERE queue = :queue;

-- name: queue_partitions :many
-- The partition ids of a queue in index order.
SELECT id FROM outbox_partitions WHERE queue = :queue ORDER BY `partition`;

-- name: find_queue :one
SELECT queue, `partition` FROM outbox_partitions WHERE id = :partition_id;

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
