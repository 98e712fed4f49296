-- What operators set while workers run. Each change raises the revision, which every process reads with its
-- look at what is pending, in the transaction of the change. Times travel as microseconds since 1970.

-- name: raise_revision :exec
-- The first statement of each change.
-- Locks: the database's write lock.
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
    paused_at,
    ends_at,
    (ends_at - CAST(round((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER) * 1000) / 1000000.0 AS ends_in
FROM outbox_pauses
WHERE
    ends_at IS NULL
    OR ends_at > CAST(round((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER) * 1000
ORDER BY id;

-- name: delete_pauses :many
-- The pauses of a queue as a whole, of one partition or of one key, or with :everything all of these; one row
-- for each that had not ended by itself.
-- Locks: the database's write lock.
DELETE FROM outbox_pauses
WHERE
    queue = :queue
    AND (
        :everything
        OR (partition IS :partition AND message_key IS :message_key)
    )
RETURNING
    ends_at IS NULL
    OR ends_at > CAST(round((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER) * 1000 AS held;

-- name: insert_pause :exec
-- Locks: the database's write lock.
INSERT INTO outbox_pauses (queue, partition, message_key, reason, ends_at)
VALUES (:queue, :partition, :message_key, :reason, :ends_at);
