-- What operators set while workers run. Each change raises the revision, which every process reads with its
-- look at what is pending, in the transaction of the change. Times travel as microseconds since 1970, texts as
-- hexadecimal digits.

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
