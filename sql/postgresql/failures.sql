-- Counts of failed deliveries, as a failure tracker keeps them: advice about messages, never the truth.
-- Lists of rows travel as JSON arrays of arrays, times as whole microseconds since 1970.

-- name: count_failure :one
-- One more failure of a message; returns how many that makes.
-- Differs: one round trip, where MySQL cannot return what it wrote.
-- Locks: the row of this message.
INSERT INTO outbox_failures AS f (partition_id, seq, failure_count, last_error)
VALUES (CAST(:partition_id AS bigint), CAST(:seq AS bigint), 1, CAST(:error AS text))
ON CONFLICT (partition_id, seq) DO UPDATE
    SET
        failure_count = f.failure_count + 1,
        last_failed_at = excluded.last_failed_at,
        last_error = excluded.last_error
RETURNING failure_count;

-- name: forget_failure :exec
-- A delivered message has no failures.
-- Locks: the row that it deletes.
DELETE FROM outbox_failures
WHERE partition_id = CAST(:partition_id AS bigint) AND seq = CAST(:seq AS bigint);

-- name: exceeded_failures :many
-- Which messages are at or above the threshold: a look that costs an idle process no write. It reads the
-- whole table, which holds one row for each blocked partition and little more.
-- Locks: none.
SELECT partition_id, seq FROM outbox_failures WHERE failure_count >= CAST(:threshold AS bigint);

-- name: drain_failures :many
-- Remove and return those of the given rows that are still at or above the threshold. Of two drains
-- at once each row goes to one: the other one passes over it.
-- Differs: one statement, where MySQL cannot return what it deletes.
-- Locks: the rows that it deletes, skipping locked ones.
WITH exceeded AS MATERIALIZED (
    SELECT f.partition_id, f.seq
    FROM json_array_elements(CAST(:keys AS json)) AS given (item)
    INNER JOIN outbox_failures AS f
        ON
            f.partition_id = CAST(given.item ->> 0 AS bigint)
            AND f.seq = CAST(given.item ->> 1 AS bigint)
    WHERE f.failure_count >= CAST(:threshold AS bigint)
    ORDER BY f.partition_id, f.seq
    FOR UPDATE OF f SKIP LOCKED
)

DELETE FROM outbox_failures AS f
USING exceeded AS e
WHERE f.partition_id = e.partition_id AND f.seq = e.seq
RETURNING
    f.partition_id,
    f.seq,
    f.failure_count,
    CAST(round(extract(EPOCH FROM f.first_failed_at) * 1000000) AS bigint) AS first_failed_at,
    CAST(round(extract(EPOCH FROM f.last_failed_at) * 1000000) AS bigint) AS last_failed_at,
    f.last_error;

-- name: restore_failures :exec
-- Put drained rows back. A message that failed again meanwhile has a newer row: the counts add up, and
-- the later error stays. A row that reaches from before to after the given one holds it already, put back
-- by a transaction whose answer got lost: a second time adds nothing.
-- Locks: the rows that it writes, in the order given, which is that of the key.
INSERT INTO outbox_failures AS f (
    partition_id, seq, failure_count, first_failed_at, last_failed_at, last_error
)
SELECT
    CAST(given.item ->> 0 AS bigint) AS partition_id,
    CAST(given.item ->> 1 AS bigint) AS seq,
    CAST(given.item ->> 2 AS integer) AS failure_count,
    CAST('epoch' AS timestamptz)
    + CAST(given.item ->> 3 AS bigint) * interval '1 microsecond' AS first_failed_at,
    CAST('epoch' AS timestamptz)
    + CAST(given.item ->> 4 AS bigint) * interval '1 microsecond' AS last_failed_at,
    given.item ->> 5 AS last_error
FROM json_array_elements(CAST(:entries AS json)) AS given (item)
ON CONFLICT (partition_id, seq) DO UPDATE
    SET
        failure_count = f.failure_count + CASE
            WHEN
                f.first_failed_at <= excluded.first_failed_at
                AND f.last_failed_at >= excluded.last_failed_at
                THEN 0
            ELSE excluded.failure_count
        END,
        first_failed_at = least(f.first_failed_at, excluded.first_failed_at),
        last_failed_at = greatest(f.last_failed_at, excluded.last_failed_at),
        last_error = CASE
            WHEN f.last_failed_at < excluded.last_failed_at THEN excluded.last_error
            ELSE f.last_error
        END;

-- name: cursors :many
-- How far the partitions of drained rows are: what lies behind is delivered, whatever a tracker says.
-- Locks: none.
SELECT c.partition_id, c.processed_seq
FROM outbox_processor AS c
WHERE c.partition_id = ANY(CAST(:partition_ids AS bigint[]));
