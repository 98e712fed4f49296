-- What operators set while workers run. Each change raises the revision, which every process reads with its
-- look at what is pending, in the transaction of the change. Times travel as microseconds since 1970, texts
-- as hexadecimal digits.

-- name: raise_revision :exec
-- The first statement of each change: it makes changes wait for each other.
-- Locks: the row of the installation, until commit.
UPDATE outbox_installation SET revision = revision + 1;

-- name: read_revision :one
-- Locks: none.
SELECT revision FROM outbox_installation;

-- name: read_pauses :many
-- The pauses that have not ended, and for how many seconds they last, as the database's clock has it.
-- Locks: none.
SELECT
    queue,
    `partition`,
    CAST(message_key AS BINARY) AS message_key,
    CAST(reason AS BINARY) AS reason,
    TIMESTAMPDIFF(MICROSECOND, '1970-01-01', paused_at) AS paused_at,
    TIMESTAMPDIFF(MICROSECOND, '1970-01-01', ends_at) AS ends_at,
    TIMESTAMPDIFF(MICROSECOND, UTC_TIMESTAMP(6), ends_at) / 1000000 AS ends_in
FROM outbox_pauses
WHERE ends_at IS NULL OR ends_at > UTC_TIMESTAMP(6)
ORDER BY id;

-- name: find_pauses :many
-- The pauses of a queue as a whole, of one partition or of one key, or with :everything all of these; one row
-- for each that has not ended by itself.
-- Differs: the first half of delete_pauses, as no DELETE returns rows on MySQL.
-- Locks: the rows.
SELECT ends_at IS NULL OR ends_at > UTC_TIMESTAMP(6) AS held
FROM outbox_pauses
WHERE
    queue = :queue
    AND (
        :everything
        OR (`partition` <=> :partition AND CAST(message_key AS BINARY) <=> UNHEX(:message_key))
    )
FOR UPDATE;

-- name: delete_pauses :exec
-- The same, deleted.
-- Differs: the second half, see find_pauses.
-- Locks: the rows, held already.
DELETE FROM outbox_pauses
WHERE
    queue = :queue
    AND (
        :everything
        OR (`partition` <=> :partition AND CAST(message_key AS BINARY) <=> UNHEX(:message_key))
    );

-- name: insert_pause :exec
-- Locks: the new row.
INSERT INTO outbox_pauses (queue, `partition`, message_key, reason, ends_at)
VALUES (
    :queue,
    :partition,
    CONVERT(UNHEX(:message_key) USING utf8mb4),
    CONVERT(UNHEX(:reason) USING utf8mb4),
    TIMESTAMPADD(MICROSECOND, :ends_at, '1970-01-01')
);

-- name: waiting_ids :many
-- Messages of a partition without a number, up to one that was the newest when a purge began.
-- Locks: none; the partition is held already.
SELECT body_id
FROM outbox_incoming
WHERE partition_id = :partition_id AND body_id <= :last_id
ORDER BY body_id
LIMIT :limit;

-- name: delayed_ids :many
-- Delayed messages of a partition, likewise.
-- Locks: none; the partition is held already.
SELECT body_id
FROM outbox_delayed
WHERE partition_id = :partition_id AND body_id <= :last_id
ORDER BY due_at, body_id
LIMIT :limit;

-- name: newest_id :one
-- The newest message of all.
-- Locks: none.
SELECT COALESCE(MAX(id), 0) AS id FROM outbox_body;

-- name: delete_delayed :exec
-- Locks: the rows that it deletes.
DELETE d
FROM JSON_TABLE(:body_ids, '$[*]' COLUMNS (id BIGINT PATH '$')) AS given
STRAIGHT_JOIN outbox_delayed AS d ON d.partition_id = :partition_id AND d.body_id = given.id;

-- name: delete_messages :exec
-- Locks: the rows that it deletes.
DELETE b
FROM JSON_TABLE(:body_ids, '$[*]' COLUMNS (id BIGINT PATH '$')) AS given
STRAIGHT_JOIN outbox_body AS b FORCE INDEX (PRIMARY) ON b.id = given.id;

-- name: pass_over :exec
-- Nothing that has a number is delivered any more. It ends the lease: what its holder settles is lost, and so
-- nothing is read on.
-- Locks: the processor row, held already.
UPDATE outbox_processor
SET
    processed_seq = :sequence,
    attempts = 0,
    last_error = NULL,
    locked_by = NULL,
    locked_until = NULL,
    parking = parking + 1
WHERE partition_id = :partition_id;

-- name: delete_parked_of :exec
-- Locks: the rows that it deletes.
DELETE FROM outbox_parked WHERE partition_id = :partition_id;

-- name: delete_parked_keys_of :exec
-- Locks: the rows that it deletes.
DELETE FROM outbox_parked_keys WHERE partition_id = :partition_id;

-- name: rename_partitions :exec
-- Locks: the partitions' rows: no number is given out meanwhile.
UPDATE outbox_partitions SET queue = :new WHERE queue = :queue;

-- name: rename_settings :exec
-- Locks: the queue's row.
UPDATE outbox_queues SET queue = :new WHERE queue = :queue;

-- name: rename_pauses :exec
-- Locks: the rows.
UPDATE outbox_pauses SET queue = :new WHERE queue = :queue;

-- name: rename_dedup :exec
-- Locks: the rows.
UPDATE outbox_dedup SET queue = :new WHERE queue = :queue;

-- name: forget_dedup :exec
-- Locks: the rows that it deletes.
DELETE FROM outbox_dedup WHERE queue = :queue;

-- name: lead_on :exec
-- Older names of a queue lead to its new one.
-- Locks: the rows.
UPDATE outbox_queues SET renamed_to = :new WHERE renamed_to = :queue;

-- name: insert_old_name :exec
-- A process that still has the old name finds the queue by it.
-- Locks: the new row.
INSERT INTO outbox_queues (queue, renamed_to) VALUES (:queue, :new);

-- name: forget_settings :exec
-- A queue's row, and its older names.
-- Locks: the queue's row.
DELETE FROM outbox_queues WHERE queue = :queue OR renamed_to = :queue;

-- name: read_old_names :many
-- Locks: none.
SELECT queue, renamed_to FROM outbox_queues WHERE renamed_to IS NOT NULL;

-- name: numbering :many
-- A queue's partitions, and behind them those that resizes have retired, with numbers that are 64 higher
-- for each: whether all that has a number is delivered, and whether nothing is before others are.
-- Locks: none.
SELECT
    p.queue,
    p.id,
    p.`partition`,
    p.sequence,
    p.sequence <= c.processed_seq AS drained,
    COALESCE(c.locked_by = 'resize', FALSE) AS waits
FROM outbox_partitions AS p INNER JOIN outbox_processor AS c ON c.partition_id = p.id
WHERE p.queue = COALESCE((SELECT n.renamed_to FROM outbox_queues AS n WHERE n.queue = :queue), :queue)
ORDER BY p.`partition`;

-- name: retire_partitions :exec
-- From the commit on they get no number any more, and make room for others of the same indexes.
-- Locks: the rows: waits for a sequencer's pass.
UPDATE outbox_partitions
SET `partition` = `partition` + 64 * :resize, retired_at = UTC_TIMESTAMP(6)
WHERE queue = :queue AND retired_at IS NULL;

-- name: add_partitions :exec
-- Those that take their place.
-- Locks: the new rows.
INSERT INTO outbox_partitions (queue, `partition`)
SELECT :queue, given.n
FROM JSON_TABLE(:indexes, '$[*]' COLUMNS (n SMALLINT PATH '$')) AS given;

-- name: let_wait :exec
-- No worker takes them until what has a number in the retired ones is delivered: a lease for 27 years.
-- Locks: the rows.
UPDATE outbox_processor
SET locked_by = 'resize', locked_until = UTC_TIMESTAMP(6) + INTERVAL 10000 DAY
WHERE
    partition_id IN (SELECT p.id FROM outbox_partitions AS p WHERE p.queue = :queue AND p.retired_at IS NULL);

-- name: end_wait :exec
-- Locks: the row.
UPDATE outbox_processor
SET locked_by = NULL, locked_until = NULL
WHERE partition_id = :partition_id AND locked_by = 'resize';

-- name: parked_keys_of :many
-- The keys that wait in a partition.
-- Locks: none; the partition is retired and drained.
SELECT CAST(message_key AS BINARY) AS message_key FROM outbox_parked_keys
WHERE partition_id = :partition_id AND state = 'parked';

-- name: move_parked :exec
-- A key's messages to the partition that has the key now, before those that are put apart there: with numbers
-- below zero.
-- Locks: the rows.
UPDATE outbox_parked
SET partition_id = :target, seq = seq - :sequence - 1
WHERE partition_id = :partition_id AND message_key = UNHEX(:message_key);

-- name: drop_parked_key :exec
-- Locks: the row.
DELETE FROM outbox_parked_keys
WHERE partition_id = :partition_id AND message_key = UNHEX(:message_key);
