-- Letters are looked for by status and id, without locks and without their payloads; what is to change
-- is then locked by id, checked again, and changed. So a lock is never held on a row that was only
-- looked at. Times are whole microseconds since 1970, as they are stored.

-- name: count_dead_letters_by_status :many
-- What status() shows.
SELECT status, count(*) AS n FROM outbox_dead_letters GROUP BY status;

-- name: newest_dead_letters :many
-- A page of one status for people, newest first, from just below :before_id.
-- Locks: none.
SELECT id
FROM outbox_dead_letters
WHERE
    status = :status
    AND id < :before_id
    AND (:partition_id IS NULL OR partition_id = :partition_id)
    AND (
        :queue IS NULL
        OR partition_id IN (SELECT p.id FROM outbox_partitions AS p WHERE p.queue = :queue)
    )
    AND (:payload_type IS NULL OR payload_type = :payload_type)
    AND (:fingerprint IS NULL OR coalesce(fingerprint, '') = :fingerprint)
    AND (:message_key IS NULL OR message_key = :message_key)
    AND (:failed_after IS NULL OR failed_at >= :failed_after)
    AND (:failed_before IS NULL OR failed_at < :failed_before)
ORDER BY id DESC
LIMIT :limit;

-- name: oldest_dead_letters :many
-- The next letters of one status to be worked on, oldest first, from just above :after_id. Those that
-- are being reprocessed count only when the deadline has passed.
-- Locks: none.
SELECT id
FROM outbox_dead_letters
WHERE
    status = :status
    AND id > :after_id
    AND (
        status <> 'reprocessing'
        OR deadline <= CAST(round((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER) * 1000
    )
    AND (:partition_id IS NULL OR partition_id = :partition_id)
    AND (
        :queue IS NULL
        OR partition_id IN (SELECT p.id FROM outbox_partitions AS p WHERE p.queue = :queue)
    )
    AND (:payload_type IS NULL OR payload_type = :payload_type)
    AND (:fingerprint IS NULL OR coalesce(fingerprint, '') = :fingerprint)
    AND (:message_key IS NULL OR message_key = :message_key)
    AND (:failed_after IS NULL OR failed_at >= :failed_after)
    AND (:failed_before IS NULL OR failed_at < :failed_before)
ORDER BY id
LIMIT :limit;

-- name: dead_letters_among :many
-- Which of the given letters match, with their status and whether a deadline has passed.
-- Locks: none.
SELECT
    id,
    status,
    CASE
        WHEN deadline <= CAST(round((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER) * 1000 THEN 1
        ELSE 0
    END AS overdue
FROM outbox_dead_letters
WHERE
    id IN (SELECT given.value FROM json_each(:ids) AS given)
    AND (:partition_id IS NULL OR partition_id = :partition_id)
    AND (
        :queue IS NULL
        OR partition_id IN (SELECT p.id FROM outbox_partitions AS p WHERE p.queue = :queue)
    )
    AND (:payload_type IS NULL OR payload_type = :payload_type)
    AND (:fingerprint IS NULL OR coalesce(fingerprint, '') = :fingerprint)
    AND (:message_key IS NULL OR message_key = :message_key)
    AND (:failed_after IS NULL OR failed_at >= :failed_after)
    AND (:failed_before IS NULL OR failed_at < :failed_before)
ORDER BY id;

-- name: count_dead_letters :one
-- How many letters of one status match.
-- Locks: none.
SELECT count(*) AS n
FROM outbox_dead_letters
WHERE
    status = :status
    AND id < :before_id
    AND (:partition_id IS NULL OR partition_id = :partition_id)
    AND (
        :queue IS NULL
        OR partition_id IN (SELECT p.id FROM outbox_partitions AS p WHERE p.queue = :queue)
    )
    AND (:payload_type IS NULL OR payload_type = :payload_type)
    AND (:fingerprint IS NULL OR coalesce(fingerprint, '') = :fingerprint)
    AND (:message_key IS NULL OR message_key = :message_key)
    AND (:failed_after IS NULL OR failed_at >= :failed_after)
    AND (:failed_before IS NULL OR failed_at < :failed_before);

-- name: read_dead_letters :many
-- The given letters with all that they have.
-- Locks: none.
SELECT
    d.id,
    d.message_id,
    coalesce(p.queue, '') AS queue,
    coalesce(p.partition & 63, -1) AS partition,
    d.partition_id,
    d.seq,
    d.payload,
    d.payload_type,
    d.headers,
    d.created_at,
    d.failed_at,
    d.last_error,
    d.attempts,
    d.status,
    d.completed_at,
    d.deadline,
    d.claim,
    d.message_key,
    d.uid,
    d.origin,
    d.fingerprint,
    coalesce(d.first_failed_at, d.failed_at) AS first_failed_at
FROM outbox_dead_letters AS d
LEFT JOIN outbox_partitions AS p ON p.id = d.partition_id
WHERE d.id IN (SELECT given.value FROM json_each(:ids) AS given)
ORDER BY d.id;

-- name: lock_open_dead_letters :many
-- Of the given letters those that are not being worked on: pending, or claimed with a deadline that has
-- passed. With the size of their payloads, so that these can be read in bounded portions. The plus
-- signs keep SQLite from reading all of a status instead of the given ids.
-- Differs: an update that changes nothing, because that is what takes the write lock.
-- Locks: the database's write lock.
UPDATE outbox_dead_letters
SET deadline = deadline
WHERE
    id IN (SELECT given.value FROM json_each(:ids) AS given)
    AND (
        +status = 'pending'
        OR (
            +status = 'reprocessing'
            AND deadline <= CAST(round((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER) * 1000
        )
    )
RETURNING id, length(payload) AS size;

-- name: lock_claimed_dead_letters :many
-- Of the given letters those that are still held by this claim.
-- Differs: an update that changes nothing, because that is what takes the write lock.
-- Locks: the database's write lock.
UPDATE outbox_dead_letters
SET deadline = deadline
WHERE
    id IN (SELECT given.value FROM json_each(:ids) AS given)
    AND status = 'reprocessing'
    AND claim = :claim
RETURNING id;

-- name: lock_completed_dead_letters :many
-- Of the given letters those that are done with.
-- Differs: an update that changes nothing, because that is what takes the write lock.
-- Locks: the database's write lock.
UPDATE outbox_dead_letters
SET deadline = deadline
WHERE id IN (SELECT given.value FROM json_each(:ids) AS given) AND status IN ('resolved', 'discarded')
RETURNING id;

-- name: claim_dead_letters :exec
-- pending, or an overdue claim -> reprocessing, until the deadline.
-- Locks: the database's write lock, held already.
UPDATE outbox_dead_letters
SET
    status = 'reprocessing',
    claim = :claim,
    deadline = CAST(round((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER) * 1000 + :timeout_us
WHERE id IN (SELECT given.value FROM json_each(:ids) AS given);

-- name: complete_dead_letters :exec
-- -> resolved or discarded, from whatever claim.
-- Locks: the database's write lock, held already.
UPDATE outbox_dead_letters
SET
    status = :status,
    completed_at = CAST(round((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER) * 1000,
    deadline = NULL,
    claim = NULL
WHERE id IN (SELECT given.value FROM json_each(:ids) AS given);

-- name: reject_dead_letters :exec
-- reprocessing -> pending: one more failed attempt, when and why.
-- Locks: the database's write lock, held already.
UPDATE outbox_dead_letters
SET
    status = 'pending',
    attempts = attempts + 1,
    first_failed_at = coalesce(first_failed_at, failed_at),
    failed_at = CAST(round((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER) * 1000,
    fingerprint = :fingerprint,
    last_error = :reason,
    deadline = NULL,
    claim = NULL
WHERE id IN (SELECT given.value FROM json_each(:ids) AS given);

-- name: delete_dead_letters :exec
-- Letters that are done with.
-- Locks: the database's write lock, held already.
DELETE FROM outbox_dead_letters
WHERE id IN (SELECT given.value FROM json_each(:ids) AS given);

-- name: group_dead_letters :many
-- The letters of one status by what they failed of, for people: how many, since when, and the latest of each.
-- Locks: none.
SELECT
    coalesce(fingerprint, '') AS fingerprint,
    count(*) AS letters,
    min(coalesce(first_failed_at, failed_at)) AS first_failed_at,
    max(failed_at) AS last_failed_at,
    max(id) AS example
FROM outbox_dead_letters
WHERE
    status = :status
    AND (:partition_id IS NULL OR partition_id = :partition_id)
    AND (
        :queue IS NULL
        OR partition_id IN (SELECT p.id FROM outbox_partitions AS p WHERE p.queue = :queue)
    )
    AND (:payload_type IS NULL OR payload_type = :payload_type)
    AND (:fingerprint IS NULL OR coalesce(fingerprint, '') = :fingerprint)
    AND (:message_key IS NULL OR message_key = :message_key)
    AND (:failed_after IS NULL OR failed_at >= :failed_after)
    AND (:failed_before IS NULL OR failed_at < :failed_before)
GROUP BY coalesce(fingerprint, '')
ORDER BY letters DESC, example DESC;
