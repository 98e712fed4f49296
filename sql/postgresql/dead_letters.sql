-- Letters are looked for by status and id, without locks and without their payloads; what is to change
-- is then locked by id, checked again, and changed. So a lock is never held on a row that was only
-- looked at. Times travel as whole microseconds since 1970: no driver or session takes part in them.

-- name: count_dead_letters_by_status :many
-- What status() shows.
SELECT status, count(*) AS n FROM outbox_dead_letters GROUP BY status;

-- name: newest_dead_letters :many
-- A page of one status for people, newest first, from just below :before_id.
-- Locks: none.
SELECT id
FROM outbox_dead_letters
WHERE
    status = CAST(:status AS varchar)
    AND id < CAST(:before_id AS bigint)
    AND (CAST(:partition_id AS bigint) IS NULL OR partition_id = CAST(:partition_id AS bigint))
    AND (
        CAST(:queue AS varchar) IS NULL
        OR partition_id IN (SELECT p.id FROM outbox_partitions AS p WHERE p.queue = CAST(:queue AS varchar))
    )
    AND (CAST(:payload_type AS varchar) IS NULL OR payload_type = CAST(:payload_type AS varchar))
    AND (CAST(:fingerprint AS varchar) IS NULL OR coalesce(fingerprint, '') = CAST(:fingerprint AS varchar))
    AND (CAST(:message_key AS text) IS NULL OR message_key = CAST(:message_key AS text))
    AND (
        CAST(:failed_after AS bigint) IS NULL
        OR failed_at
        >= CAST('epoch' AS timestamptz) + CAST(:failed_after AS bigint) * interval '1 microsecond'
    )
    AND (
        CAST(:failed_before AS bigint) IS NULL
        OR failed_at
        < CAST('epoch' AS timestamptz) + CAST(:failed_before AS bigint) * interval '1 microsecond'
    )
ORDER BY id DESC
LIMIT CAST(:limit AS bigint);

-- name: oldest_dead_letters :many
-- The next letters of one status to be worked on, oldest first, from just above :after_id. Those that
-- are being reprocessed count only when the deadline has passed.
-- Locks: none.
SELECT id
FROM outbox_dead_letters
WHERE
    status = CAST(:status AS varchar)
    AND id > CAST(:after_id AS bigint)
    AND (status <> 'reprocessing' OR deadline <= clock_timestamp())
    AND (CAST(:partition_id AS bigint) IS NULL OR partition_id = CAST(:partition_id AS bigint))
    AND (
        CAST(:queue AS varchar) IS NULL
        OR partition_id IN (SELECT p.id FROM outbox_partitions AS p WHERE p.queue = CAST(:queue AS varchar))
    )
    AND (CAST(:payload_type AS varchar) IS NULL OR payload_type = CAST(:payload_type AS varchar))
    AND (CAST(:fingerprint AS varchar) IS NULL OR coalesce(fingerprint, '') = CAST(:fingerprint AS varchar))
    AND (CAST(:message_key AS text) IS NULL OR message_key = CAST(:message_key AS text))
    AND (
        CAST(:failed_after AS bigint) IS NULL
        OR failed_at
        >= CAST('epoch' AS timestamptz) + CAST(:failed_after AS bigint) * interval '1 microsecond'
    )
    AND (
        CAST(:failed_before AS bigint) IS NULL
        OR failed_at
        < CAST('epoch' AS timestamptz) + CAST(:failed_before AS bigint) * interval '1 microsecond'
    )
ORDER BY id
LIMIT CAST(:limit AS bigint);

-- name: dead_letters_among :many
-- Which of the given letters match, with their status and whether a deadline has passed.
-- Locks: none.
SELECT
    id,
    status,
    CASE WHEN deadline <= clock_timestamp() THEN 1 ELSE 0 END AS overdue
FROM outbox_dead_letters
WHERE
    id = ANY(CAST(:ids AS bigint[]))
    AND (CAST(:partition_id AS bigint) IS NULL OR partition_id = CAST(:partition_id AS bigint))
    AND (
        CAST(:queue AS varchar) IS NULL
        OR partition_id IN (SELECT p.id FROM outbox_partitions AS p WHERE p.queue = CAST(:queue AS varchar))
    )
    AND (CAST(:payload_type AS varchar) IS NULL OR payload_type = CAST(:payload_type AS varchar))
    AND (CAST(:fingerprint AS varchar) IS NULL OR coalesce(fingerprint, '') = CAST(:fingerprint AS varchar))
    AND (CAST(:message_key AS text) IS NULL OR message_key = CAST(:message_key AS text))
    AND (
        CAST(:failed_after AS bigint) IS NULL
        OR failed_at
        >= CAST('epoch' AS timestamptz) + CAST(:failed_after AS bigint) * interval '1 microsecond'
    )
    AND (
        CAST(:failed_before AS bigint) IS NULL
        OR failed_at
        < CAST('epoch' AS timestamptz) + CAST(:failed_before AS bigint) * interval '1 microsecond'
    )
ORDER BY id;

-- name: count_dead_letters :one
-- How many letters of one status match.
-- Locks: none.
SELECT count(*) AS n
FROM outbox_dead_letters
WHERE
    status = CAST(:status AS varchar)
    AND id < CAST(:before_id AS bigint)
    AND (CAST(:partition_id AS bigint) IS NULL OR partition_id = CAST(:partition_id AS bigint))
    AND (
        CAST(:queue AS varchar) IS NULL
        OR partition_id IN (SELECT p.id FROM outbox_partitions AS p WHERE p.queue = CAST(:queue AS varchar))
    )
    AND (CAST(:payload_type AS varchar) IS NULL OR payload_type = CAST(:payload_type AS varchar))
    AND (CAST(:fingerprint AS varchar) IS NULL OR coalesce(fingerprint, '') = CAST(:fingerprint AS varchar))
    AND (CAST(:message_key AS text) IS NULL OR message_key = CAST(:message_key AS text))
    AND (
        CAST(:failed_after AS bigint) IS NULL
        OR failed_at
        >= CAST('epoch' AS timestamptz) + CAST(:failed_after AS bigint) * interval '1 microsecond'
    )
    AND (
        CAST(:failed_before AS bigint) IS NULL
        OR failed_at
        < CAST('epoch' AS timestamptz) + CAST(:failed_before AS bigint) * interval '1 microsecond'
    );

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
    CAST(extract(EPOCH FROM d.created_at) * 1000000 AS bigint) AS created_at,
    CAST(extract(EPOCH FROM d.failed_at) * 1000000 AS bigint) AS failed_at,
    d.last_error,
    d.attempts,
    d.status,
    CAST(extract(EPOCH FROM d.completed_at) * 1000000 AS bigint) AS completed_at,
    CAST(extract(EPOCH FROM d.deadline) * 1000000 AS bigint) AS deadline,
    d.claim,
    d.message_key,
    d.uid,
    d.origin,
    d.fingerprint,
    CAST(extract(EPOCH FROM coalesce(d.first_failed_at, d.failed_at)) * 1000000 AS bigint) AS first_failed_at
FROM outbox_dead_letters AS d
LEFT JOIN outbox_partitions AS p ON p.id = d.partition_id
WHERE d.id = ANY(CAST(:ids AS bigint[]))
ORDER BY d.id;

-- name: lock_open_dead_letters :many
-- Of the given letters those that are not being worked on: pending, or claimed with a deadline that has
-- passed. With the size of their payloads, so that these can be read in bounded portions.
-- Locks: the letters it returns, skipping locked ones.
SELECT id, octet_length(payload) AS size
FROM outbox_dead_letters
WHERE
    id = ANY(CAST(:ids AS bigint[]))
    AND (status = 'pending' OR (status = 'reprocessing' AND deadline <= clock_timestamp()))
ORDER BY id
FOR UPDATE SKIP LOCKED;

-- name: lock_claimed_dead_letters :many
-- Of the given letters those that are still held by this claim.
-- Locks: the letters it returns; waits for a locked one, because its claim may be changing hands.
SELECT id
FROM outbox_dead_letters
WHERE
    id = ANY(CAST(:ids AS bigint[]))
    AND status = 'reprocessing'
    AND claim = CAST(:claim AS varchar)
ORDER BY id
FOR UPDATE;

-- name: lock_completed_dead_letters :many
-- Of the given letters those that are done with.
-- Locks: the letters it returns, skipping locked ones.
SELECT id
FROM outbox_dead_letters
WHERE id = ANY(CAST(:ids AS bigint[])) AND status IN ('resolved', 'discarded')
ORDER BY id
FOR UPDATE SKIP LOCKED;

-- name: claim_dead_letters :exec
-- pending, or an overdue claim -> reprocessing, until the deadline.
-- Locks: the letters, held already.
UPDATE outbox_dead_letters
SET
    status = 'reprocessing',
    claim = CAST(:claim AS varchar),
    deadline = statement_timestamp() + CAST(:timeout_us AS bigint) * interval '1 microsecond'
WHERE id = ANY(CAST(:ids AS bigint[]));

-- name: complete_dead_letters :exec
-- -> resolved or discarded, from whatever claim.
-- Locks: the letters, held already.
UPDATE outbox_dead_letters
SET status = CAST(:status AS varchar), completed_at = clock_timestamp(), deadline = NULL, claim = NULL
WHERE id = ANY(CAST(:ids AS bigint[]));

-- name: reject_dead_letters :exec
-- reprocessing -> pending: one more failed attempt, when and why.
-- Locks: the letters, held already.
UPDATE outbox_dead_letters
SET
    status = 'pending',
    attempts = attempts + 1,
    first_failed_at = coalesce(first_failed_at, failed_at),
    failed_at = clock_timestamp(),
    fingerprint = CAST(:fingerprint AS varchar),
    last_error = CAST(:reason AS text),
    deadline = NULL,
    claim = NULL
WHERE id = ANY(CAST(:ids AS bigint[]));

-- name: delete_dead_letters :exec
-- Letters that are done with.
-- Locks: the letters, held already.
DELETE FROM outbox_dead_letters
WHERE id = ANY(CAST(:ids AS bigint[]));

-- name: group_dead_letters :many
-- The letters of one status by what they failed of, for people: how many, since when, and the latest of each.
-- Locks: none.
SELECT
    coalesce(fingerprint, '') AS fingerprint,
    count(*) AS letters,
    CAST(
        extract(EPOCH FROM min(coalesce(first_failed_at, failed_at))) * 1000000 AS bigint
    ) AS first_failed_at,
    CAST(extract(EPOCH FROM max(failed_at)) * 1000000 AS bigint) AS last_failed_at,
    max(id) AS example
FROM outbox_dead_letters
WHERE
    status = CAST(:status AS varchar)
    AND (CAST(:partition_id AS bigint) IS NULL OR partition_id = CAST(:partition_id AS bigint))
    AND (
        CAST(:queue AS varchar) IS NULL
        OR partition_id IN (SELECT p.id FROM outbox_partitions AS p WHERE p.queue = CAST(:queue AS varchar))
    )
    AND (CAST(:payload_type AS varchar) IS NULL OR payload_type = CAST(:payload_type AS varchar))
    AND (CAST(:fingerprint AS varchar) IS NULL OR coalesce(fingerprint, '') = CAST(:fingerprint AS varchar))
    AND (CAST(:message_key AS text) IS NULL OR message_key = CAST(:message_key AS text))
    AND (
        CAST(:failed_after AS bigint) IS NULL
        OR failed_at
        >= CAST('epoch' AS timestamptz) + CAST(:failed_after AS bigint) * interval '1 microsecond'
    )
    AND (
        CAST(:failed_before AS bigint) IS NULL
        OR failed_at
        < CAST('epoch' AS timestamptz) + CAST(:failed_before AS bigint) * interval '1 microsecond'
    )
GROUP BY coalesce(fingerprint, '')
ORDER BY letters DESC, example DESC;
