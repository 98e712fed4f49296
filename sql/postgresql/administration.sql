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
