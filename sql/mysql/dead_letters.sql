-- Letters are looked for by status and id, without locks and without their payloads; what is to change
-- is then locked by id, checked again, and changed. So a lock is never held on a row that was only
-- looked at, not even in a caller's REPEATABLE READ. Times travel as whole microseconds since 1970: no
-- driver or session takes part in them. FORCE INDEX: on small or never analysed tables the optimizer
-- prefers a scan, and one that locks waits for rows that are none of its business.

-- name: count_dead_letters_by_status :many
-- What status() shows.
SELECT status, count(*) AS n FROM outbox_dead_letters GROUP BY status;

-- name: newest_dead_letters :many
-- A page of one status for people, newest first, from just below :before_id.
-- Locks: none.
SELECT id
FROM outbox_dead_letters FORCE INDEX (listed)
WHERE
    status = :status
    AND id < :before_id
    AND (:partition_id IS NULL OR partition_id = :partition_id)
    AND (
        :queue IS NULL
        OR partition_id IN (SELECT p.id FROM outbox_partitions AS p WHERE p.queue = :queue)
    )
    AND (:payload_type IS NULL OR payload_type = :payload_type)
    AND (:fingerprint IS NULL OR CAST(COALESCE(fingerprint, '') AS BINARY) = UNHEX(:fingerprint))
    AND (:message_key IS NULL OR CAST(message_key AS BINARY) = UNHEX(:message_key))
    AND (
        :failed_after IS NULL
        OR failed_at >= CAST('1970-01-01' AS DATETIME(6)) + INTERVAL :failed_after MICROSECOND
    )
    AND (
        :failed_before IS NULL
        OR failed_at < CAST('1970-01-01' AS DATETIME(6)) + INTERVAL :failed_before MICROSECOND
    )
ORDER BY id DESC
LIMIT :limit;

-- name: oldest_dead_letters :many
-- The next letters of one status to be worked on, oldest first, from just above :after_id. Those that
-- are being reprocessed count only when the deadline has passed.
-- Locks: none.
SELECT id
FROM outbox_dead_letters FORCE INDEX (listed)
WHERE
    status = :status
    AND id > :after_id
    AND (status <> 'reprocessing' OR deadline <= UTC_TIMESTAMP(6))
    AND (:partition_id IS NULL OR partition_id = :partition_id)
    AND (
        :queue IS NULL
        OR partition_id IN (SELECT p.id FROM outbox_partitions AS p WHERE p.queue = :queue)
    )
    AND (:payload_type IS NULL OR payload_type = :payload_type)
    AND (:fingerprint IS NULL OR CAST(COALESCE(fingerprint, '') AS BINARY) = UNHEX(:fingerprint))
    AND (:message_key IS NULL OR CAST(message_key AS BINARY) = UNHEX(:message_key))
    AND (
        :failed_after IS NULL
        OR failed_at >= CAST('1970-01-01' AS DATETIME(6)) + INTERVAL :failed_after MICROSECOND
    )
    AND (
        :failed_before IS NULL
        OR failed_at < CAST('1970-01-01' AS DATETIME(6)) + INTERVAL :failed_before MICROSECOND
    )
ORDER BY id
LIMIT :limit;

-- name: dead_letters_among :many
-- Which of the given letters match, with their status and whether a deadline has passed.
-- Locks: none.
SELECT
    d.id,
    d.status,
    CASE WHEN d.deadline <= UTC_TIMESTAMP(6) THEN 1 ELSE 0 END AS overdue
FROM JSON_TABLE(:ids, '$[*]' COLUMNS (id BIGINT PATH '$')) AS given
STRAIGHT_JOIN outbox_dead_letters AS d FORCE INDEX (PRIMARY) ON d.id = given.id
WHERE
    (:partition_id IS NULL OR d.partition_id = :partition_id)
    AND (
        :queue IS NULL
        OR d.partition_id IN (SELECT p.id FROM outbox_partitions AS p WHERE p.queue = :queue)
    )
    AND (:payload_type IS NULL OR d.payload_type = :payload_type)
    AND (:fingerprint IS NULL OR CAST(COALESCE(d.fingerprint, '') AS BINARY) = UNHEX(:fingerprint))
    AND (:message_key IS NULL OR CAST(d.message_key AS BINARY) = UNHEX(:message_key))
    AND (
        :failed_after IS NULL
        OR d.failed_at >= CAST('1970-01-01' AS DATETIME(6)) + INTERVAL :failed_after MICROSECOND
    )
    AND (
        :failed_before IS NULL
        OR d.failed_at < CAST('1970-01-01' AS DATETIME(6)) + INTERVAL :failed_before MICROSECOND
    );

-- name: count_dead_letters :one
-- How many letters of one status match.
-- Locks: none.
SELECT COUNT(*) AS n
FROM outbox_dead_letters FORCE INDEX (listed)
WHERE
    status = :status
    AND id < :before_id
    AND (:partition_id IS NULL OR partition_id = :partition_id)
    AND (
        :queue IS NULL
        OR partition_id IN (SELECT p.id FROM outbox_partitions AS p WHERE p.queue = :queue)
    )
    AND (:payload_type IS NULL OR payload_type = :payload_type)
    AND (:fingerprint IS NULL OR CAST(COALESCE(fingerprint, '') AS BINARY) = UNHEX(:fingerprint))
    AND (:message_key IS NULL OR CAST(message_key AS BINARY) = UNHEX(:message_key))
    AND (
        :failed_after IS NULL
        OR failed_at >= CAST('1970-01-01' AS DATETIME(6)) + INTERVAL :failed_after MICROSECOND
    )
    AND (
        :failed_before IS NULL
        OR failed_at < CAST('1970-01-01' AS DATETIME(6)) + INTERVAL :failed_before MICROSECOND
    );

-- name: read_dead_letters :many
-- The given letters with all that they have.
-- Locks: none.
SELECT
    d.id,
    d.message_id,
    COALESCE(p.queue, '') AS queue,
    COALESCE(MOD(p.`partition`, 64), -1) AS `partition`,
    d.partition_id,
    d.seq,
    d.payload,
    d.payload_type,
    CAST(d.headers AS BINARY) AS headers,
    TIMESTAMPDIFF(MICROSECOND, '1970-01-01', d.created_at) AS created_at,
    TIMESTAMPDIFF(MICROSECOND, '1970-01-01', d.failed_at) AS failed_at,
    CAST(d.last_error AS BINARY) AS last_error,
    d.attempts,
    d.status,
    TIMESTAMPDIFF(MICROSECOND, '1970-01-01', d.completed_at) AS completed_at,
    TIMESTAMPDIFF(MICROSECOND, '1970-01-01', d.deadline) AS deadline,
    d.claim,
    CAST(d.message_key AS BINARY) AS message_key,
    d.uid,
    d.origin,
    CAST(d.fingerprint AS BINARY) AS fingerprint,
    TIMESTAMPDIFF(MICROSECOND, '1970-01-01', COALESCE(d.first_failed_at, d.failed_at)) AS first_failed_at
FROM JSON_TABLE(:ids, '$[*]' COLUMNS (id BIGINT PATH '$')) AS given
STRAIGHT_JOIN outbox_dead_letters AS d FORCE INDEX (PRIMARY) ON d.id = given.id
LEFT JOIN outbox_partitions AS p FORCE INDEX (PRIMARY) ON p.id = d.partition_id;

-- name: lock_open_dead_letters :many
-- Of the given letters those that are not being worked on: pending, or claimed with a deadline that has
-- passed. With the size of their payloads, so that these can be read in bounded portions.
-- Locks: the letters it returns, skipping locked ones.
SELECT d.id, OCTET_LENGTH(d.payload) AS size
FROM (
    SELECT given.id
    FROM JSON_TABLE(:ids, '$[*]' COLUMNS (id BIGINT PATH '$')) AS given
    LIMIT 1000000
) AS wanted
STRAIGHT_JOIN outbox_dead_letters AS d FORCE INDEX (PRIMARY) ON d.id = wanted.id
WHERE d.status = 'pending' OR (d.status = 'reprocessing' AND d.deadline <= UTC_TIMESTAMP(6))
FOR UPDATE SKIP LOCKED;

-- name: lock_claimed_dead_letters :many
-- Of the given letters those that are still held by this claim.
-- Locks: the letters it returns; waits for a locked one, because its claim may be changing hands.
SELECT d.id
FROM (
    SELECT given.id
    FROM JSON_TABLE(:ids, '$[*]' COLUMNS (id BIGINT PATH '$')) AS given
    LIMIT 1000000
) AS wanted
STRAIGHT_JOIN outbox_dead_letters AS d FORCE INDEX (PRIMARY) ON d.id = wanted.id
WHERE d.status = 'reprocessing' AND d.claim = :claim
FOR UPDATE;

-- name: lock_completed_dead_letters :many
-- Of the given letters those that are done with.
-- Locks: the letters it returns, skipping locked ones.
SELECT d.id
FROM (
    SELECT given.id
    FROM JSON_TABLE(:ids, '$[*]' COLUMNS (id BIGINT PATH '$')) AS given
    LIMIT 1000000
) AS wanted
STRAIGHT_JOIN outbox_dead_letters AS d FORCE INDEX (PRIMARY) ON d.id = wanted.id
WHERE d.status IN ('resolved', 'discarded')
FOR UPDATE SKIP LOCKED;

-- name: claim_dead_letters :exec
-- pending, or an overdue claim -> reprocessing, until the deadline.
-- Locks: the letters, held already.
UPDATE
    JSON_TABLE(:ids, '$[*]' COLUMNS (id BIGINT PATH '$')) AS given
STRAIGHT_JOIN outbox_dead_letters AS d FORCE INDEX (PRIMARY) ON d.id = given.id
SET
    d.status = 'reprocessing',
    d.claim = :claim,
    d.deadline = UTC_TIMESTAMP(6) + INTERVAL :timeout_us MICROSECOND;

-- name: complete_dead_letters :exec
-- -> resolved or discarded, from whatever claim.
-- Locks: the letters, held already.
UPDATE
    JSON_TABLE(:ids, '$[*]' COLUMNS (id BIGINT PATH '$')) AS given
STRAIGHT_JOIN outbox_dead_letters AS d FORCE INDEX (PRIMARY) ON d.id = given.id
SET
    d.status = :status,
    d.completed_at = UTC_TIMESTAMP(6),
    d.deadline = NULL,
    d.claim = NULL;

-- name: reject_dead_letters :exec
-- reprocessing -> pending: one more failed attempt, when and why (in hexadecimal digits, which no character
-- set of the session can spoil).
-- Locks: the letters, held already.
UPDATE
    JSON_TABLE(:ids, '$[*]' COLUMNS (id BIGINT PATH '$')) AS given
STRAIGHT_JOIN outbox_dead_letters AS d FORCE INDEX (PRIMARY) ON d.id = given.id
SET
    d.status = 'pending',
    d.attempts = d.attempts + 1,
    d.first_failed_at = COALESCE(d.first_failed_at, d.failed_at),
    d.failed_at = UTC_TIMESTAMP(6),
    d.fingerprint = CONVERT(UNHEX(:fingerprint) USING utf8mb4),
    d.last_error = CONVERT(UNHEX(:reason) USING utf8mb4),
    d.deadline = NULL,
    d.claim = NULL;

-- name: delete_dead_letters :exec
-- Letters that are done with.
-- Locks: the letters, held already.
DELETE d
FROM JSON_TABLE(:ids, '$[*]' COLUMNS (id BIGINT PATH '$')) AS given
STRAIGHT_JOIN outbox_dead_letters AS d FORCE INDEX (PRIMARY) ON d.id = given.id;

-- name: group_dead_letters :many
-- The letters of one status by what they failed of, for people: how many, since when, and the latest of each.
-- Locks: none.
SELECT
    CAST(COALESCE(fingerprint, '') AS BINARY) AS fingerprint,
    COUNT(*) AS letters,
    TIMESTAMPDIFF(MICROSECOND, '1970-01-01', MIN(COALESCE(first_failed_at, failed_at))) AS first_failed_at,
    TIMESTAMPDIFF(MICROSECOND, '1970-01-01', MAX(failed_at)) AS last_failed_at,
    MAX(id) AS example
FROM outbox_dead_letters FORCE INDEX (listed)
WHERE
    status = :status
    AND (:partition_id IS NULL OR partition_id = :partition_id)
    AND (
        :queue IS NULL
        OR partition_id IN (SELECT p.id FROM outbox_partitions AS p WHERE p.queue = :queue)
    )
    AND (:payload_type IS NULL OR payload_type = :payload_type)
    AND (:fingerprint IS NULL OR CAST(COALESCE(fingerprint, '') AS BINARY) = UNHEX(:fingerprint))
    AND (:message_key IS NULL OR CAST(message_key AS BINARY) = UNHEX(:message_key))
    AND (
        :failed_after IS NULL
        OR failed_at >= CAST('1970-01-01' AS DATETIME(6)) + INTERVAL :failed_after MICROSECOND
    )
    AND (
        :failed_before IS NULL
        OR failed_at < CAST('1970-01-01' AS DATETIME(6)) + INTERVAL :failed_before MICROSECOND
    )
GROUP BY CAST(COALESCE(fingerprint, '') AS BINARY)
ORDER BY letters DESC, example DESC;
