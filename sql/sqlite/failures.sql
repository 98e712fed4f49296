-- Counts of failed deliveries, as a failure tracker keeps them: advice about messages, never the truth.
-- Lists travel as JSON arrays of arrays, times as whole microseconds since 1970.

-- name: count_failure :one
-- One more failure of a message; returns how many that makes.
-- Differs: one statement, where MySQL cannot return what it wrote.
-- Locks: the database's write lock.
INSERT INTO outbox_failures (partition_id, seq, failure_count, last_error)
VALUES (:partition_id, :seq, 1, :error)
ON CONFLICT (partition_id, seq) DO UPDATE
    SET
        failure_count = failure_count + 1,
        last_failed_at = excluded.last_failed_at,
        last_error = excluded.last_error
RETURNING failure_count;

-- name: forget_failure :exec
-- A delivered message has no failures.
-- Locks: the database's write lock.
DELETE FROM outbox_failures WHERE partition_id = :partition_id AND seq = :seq;

-- name: exceeded_failures :many
-- Which messages are at or above the threshold: a look that costs an idle process no write. It reads the
-- whole table, which holds one row for each blocked partition and little more.
-- Locks: none.
SELECT partition_id, seq FROM outbox_failures WHERE failure_count >= :threshold;

-- name: drain_failures :many
-- Remove and return those of the given rows that are still at or above the threshold. Of two drains
-- at once each row goes to one: the second one finds it gone.
-- Differs: one statement, where MySQL cannot return what it deletes.
-- Locks: the database's write lock.
DELETE FROM outbox_failures
WHERE
    (partition_id, seq) IN (
        SELECT json_extract(given.value, '$[0]'), json_extract(given.value, '$[1]')
        FROM json_each(:keys) AS given
    )
    AND failure_count >= :threshold
RETURNING partition_id, seq, failure_count, first_failed_at, last_failed_at, last_error;

-- name: restore_failures :exec
-- Put drained rows back. A message that failed again meanwhile has a newer row: the counts add up, and
-- the later error stays. A row that reaches from before to after the given one holds it already, put back
-- by a transaction whose answer got lost: a second time adds nothing.
-- (WHERE TRUE: without it SQLite takes ON for the condition of a join.)
-- Locks: the database's write lock.
INSERT INTO outbox_failures (
    partition_id, seq, failure_count, first_failed_at, last_failed_at, last_error
)
SELECT
    json_extract(given.value, '$[0]') AS partition_id,
    json_extract(given.value, '$[1]') AS seq,
    json_extract(given.value, '$[2]') AS failure_count,
    json_extract(given.value, '$[3]') AS first_failed_at,
    json_extract(given.value, '$[4]') AS last_failed_at,
    json_extract(given.value, '$[5]') AS last_error
FROM json_each(:entries) AS given
WHERE TRUE
ON CONFLICT (partition_id, seq) DO UPDATE
    SET
        failure_count = failure_count + CASE
            WHEN
                first_failed_at <= excluded.first_failed_at
                AND last_failed_at >= excluded.last_failed_at
                THEN 0
            ELSE excluded.failure_count
        END,
        first_failed_at = min(first_failed_at, excluded.first_failed_at),
        last_failed_at = max(last_failed_at, excluded.last_failed_at),
        last_error = CASE
            WHEN last_failed_at < excluded.last_failed_at THEN excluded.last_error
            ELSE last_error
        END;

-- name: cursors :many
-- How far the partitions of drained rows are: what lies behind is delivered, whatever a tracker says.
-- Locks: none.
SELECT partition_id, processed_seq
FROM outbox_processor
WHERE partition_id IN (SELECT given.value FROM json_each(:partition_ids) AS given);
