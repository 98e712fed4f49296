-- What operators set while workers run. Each change raises the revision, which every process reads with its
-- look at what is pending, in the transaction of the change. Times travel as microseconds since 1970.

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
    partition,
    message_key,
    reason,
    CAST(extract(EPOCH FROM paused_at) * 1000000 AS bigint) AS paused_at,
    CAST(extract(EPOCH FROM ends_at) * 1000000 AS bigint) AS ends_at,
    CAST(extract(EPOCH FROM ends_at - clock_timestamp()) AS double precision) AS ends_in
FROM outbox_pauses
WHERE ends_at IS NULL OR ends_at > clock_timestamp()
ORDER BY id;

-- name: delete_pauses :many
-- The pauses of a queue as a whole, of one partition or of one key, or with :everything all of these; one row
-- for each that had not ended by itself.
-- Locks: the rows that it deletes.
DELETE FROM outbox_pauses
WHERE
    queue = CAST(:queue AS varchar)
    AND (
        CAST(:everything AS boolean)
        OR (
            partition IS NOT DISTINCT FROM CAST(:partition AS smallint)
            AND message_key IS NOT DISTINCT FROM CAST(:message_key AS text)
        )
    )
RETURNING ends_at IS NULL OR ends_at > clock_timestamp() AS held;

-- name: insert_pause :exec
-- Locks: the new row.
INSERT INTO outbox_pauses (queue, partition, message_key, reason, ends_at)
VALUES (
    :queue,
    CAST(:partition AS smallint),
    CAST(:message_key AS text),
    CAST(:reason AS text),
    CAST('epoch' AS timestamptz) + CAST(:ends_at AS bigint) * interval '1 microsecond'
);

-- name: waiting_ids :many
-- Messages of a partition without a number, up to one that was the newest when a purge began.
-- Locks: none; the partition is held already.
SELECT body_id
FROM outbox_incoming
WHERE partition_id = :partition_id AND body_id <= :last_id
ORDER BY body_id
LIMIT CAST(:limit AS integer);

-- name: delayed_ids :many
-- Delayed messages of a partition, likewise.
-- Locks: none; the partition is held already.
SELECT body_id
FROM outbox_delayed
WHERE partition_id = :partition_id AND body_id <= :last_id
ORDER BY due_at, body_id
LIMIT CAST(:limit AS integer);

-- name: newest_id :one
-- The newest message of all.
-- Locks: none.
SELECT coalesce(max(id), 0) AS id FROM outbox_body;

-- name: delete_delayed :exec
-- Locks: the rows that it deletes.
DELETE FROM outbox_delayed
WHERE partition_id = :partition_id AND body_id = ANY(CAST(:body_ids AS bigint[]));

-- name: delete_messages :exec
-- Locks: the rows that it deletes.
DELETE FROM outbox_body WHERE id = ANY(CAST(:body_ids AS bigint[]));

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
    p.partition,
    p.sequence,
    p.sequence <= c.processed_seq AS drained,
    coalesce(c.locked_by = 'resize', FALSE) AS waits
FROM outbox_partitions AS p INNER JOIN outbox_processor AS c ON c.partition_id = p.id
WHERE p.queue = coalesce((SELECT n.renamed_to FROM outbox_queues AS n WHERE n.queue = :queue), :queue)
ORDER BY p.partition;

-- name: retire_partitions :exec
-- From the commit on they get no number any more, and make room for others of the same indexes.
-- Locks: the rows: waits for a sequencer's pass.
UPDATE outbox_partitions
SET partition = partition + 64 * :resize, retired_at = clock_timestamp()
WHERE queue = :queue AND retired_at IS NULL;

-- name: add_partitions :exec
-- Those that take their place, with ids as create_first_partition makes them.
-- Locks: the new rows.
INSERT INTO outbox_partitions (id, queue, partition)
OVERRIDING SYSTEM VALUE
SELECT base.id + n, CAST(:queue AS varchar), n
FROM (
    SELECT
        64 * greatest(
            coalesce(max(id), 0) / 64 + 1,
            CAST(extract(EPOCH FROM clock_timestamp()) * 1000000 AS bigint) / 64
        ) AS id
    FROM outbox_partitions
) AS base, unnest(CAST(:indexes AS integer[])) AS n;

-- name: let_wait :exec
-- No worker takes them until what has a number in the retired ones is delivered: a lease for 27 years.
-- Locks: the rows.
UPDATE outbox_processor
SET locked_by = 'resize', locked_until = clock_timestamp() + interval '10000 days'
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
SELECT message_key FROM outbox_parked_keys
WHERE partition_id = :partition_id AND state = 'parked';

-- name: move_parked :exec
-- A key's messages to the partition that has the key now, before those that are put apart there: with numbers
-- below zero.
-- Locks: the rows.
UPDATE outbox_parked
SET partition_id = :target, seq = seq - :sequence - 1
WHERE partition_id = :partition_id AND message_key = CAST(:message_key AS text);

-- name: drop_parked_key :exec
-- Locks: the row.
DELETE FROM outbox_parked_keys
WHERE partition_id = :partition_id AND message_key = CAST(:message_key AS text);
