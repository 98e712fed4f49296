-- Counts of failed deliveries, as a failure tracker keeps them: advice about messages, never the truth.
-- Lists travel as JSON arrays of arrays and texts as hexadecimal digits, which no character set of the
-- session can spoil; times as whole microseconds since 1970.

-- name: count_failure :exec
-- One more failure of a message; failure_count then tells how many that makes.
-- Differs: MySQL cannot return what it wrote, so this is the first of two statements.
-- Locks: the row of this message.
INSERT INTO outbox_failures (partition_id, seq, failure_count, last_error)
VALUES (:partition_id, :seq, 1, CONVERT(UNHEX(:error) USING utf8mb4))
ON DUPLICATE KEY UPDATE
failure_count = failure_count + 1,
last_failed_at = UTC_TIMESTAMP(6),
last_error = CONVERT(UNHEX(:error) USING utf8mb4);

-- name: failure_count :one
-- What count_failure has come to, in the same transaction, which holds the row.
-- Differs: the others return it at once.
-- Locks: none.
SELECT failure_count FROM outbox_failures WHERE partition_id = :partition_id AND seq = :seq;

-- name: forget_failure :exec
-- A delivered message has no failures.
-- Locks: the row that it deletes.
DELETE FROM outbox_failures WHERE partition_id = :partition_id AND seq = :seq;

-- name: exceeded_failures :many
-- Which messages are at or above the threshold: a look that costs an idle process no write. It reads the
-- whole table, which holds one row for each blocked partition and little more.
-- Locks: none.
SELECT partition_id, seq FROM outbox_failures WHERE failure_count >= :threshold;

-- name: drain_failures :many
-- Lock and return those of the given rows that are still at or above the threshold; delete_failures then
-- removes them. Of two drains at once each row goes to one: the other one passes over it.
-- Differs: MySQL cannot return what it deletes, so this is the first of two statements.
-- Locks: the rows that it returns, skipping locked ones.
SELECT
    f.partition_id,
    f.seq,
    f.failure_count,
    TIMESTAMPDIFF(MICROSECOND, '1970-01-01', f.first_failed_at) AS first_failed_at,
    TIMESTAMPDIFF(MICROSECOND, '1970-01-01', f.last_failed_at) AS last_failed_at,
    CAST(f.last_error AS BINARY) AS last_error
FROM (
    SELECT given.partition_id, given.seq
    FROM JSON_TABLE(
        :keys, '$[*]' COLUMNS (partition_id BIGINT PATH '$[0]', seq BIGINT PATH '$[1]')
    ) AS given
    LIMIT 1000000
) AS wanted
STRAIGHT_JOIN outbox_failures AS f FORCE INDEX (PRIMARY)
    ON f.partition_id = wanted.partition_id AND f.seq = wanted.seq
WHERE f.failure_count >= :threshold
FOR UPDATE SKIP LOCKED;

-- name: delete_failures :exec
-- Remove what drain_failures has returned, in the same transaction.
-- Differs: the others remove and return at once.
-- Locks: the rows that it deletes, held already.
DELETE f
FROM JSON_TABLE(
    :keys, '$[*]' COLUMNS (partition_id BIGINT PATH '$[0]', seq BIGINT PATH '$[1]')
) AS given
STRAIGHT_JOIN outbox_failures AS f FORCE INDEX (PRIMARY)
    ON f.partition_id = given.partition_id AND f.seq = given.seq;

-- name: restore_failures :exec
-- Put drained rows back. A message that failed again meanwhile has a newer row: the counts add up, and
-- the later error stays. A row that reaches from before to after the given one holds it already, put back
-- by a transaction whose answer got lost: a second time adds nothing.
-- (The assignments happen in their order, so the times come last.)
-- Locks: the rows that it writes, in the order given, which is that of the key.
INSERT INTO outbox_failures (
    partition_id, seq, failure_count, first_failed_at, last_failed_at, last_error
)
SELECT
    given.partition_id,
    given.seq,
    given.failure_count,
    CAST('1970-01-01' AS DATETIME(6)) + INTERVAL given.first_us MICROSECOND AS first_failed_at,
    CAST('1970-01-01' AS DATETIME(6)) + INTERVAL given.last_us MICROSECOND AS last_failed_at,
    CONVERT(UNHEX(given.error) USING utf8mb4) AS last_error
FROM JSON_TABLE(
    :entries,
    '$[*]' COLUMNS (
        partition_id BIGINT PATH '$[0]',
        seq BIGINT PATH '$[1]',
        failure_count INTEGER PATH '$[2]',
        first_us BIGINT PATH '$[3]',
        last_us BIGINT PATH '$[4]',
        error TEXT CHARACTER SET ascii PATH '$[5]'
    )
) AS given
ON DUPLICATE KEY UPDATE
failure_count = outbox_failures.failure_count + CASE
    WHEN
        outbox_failures.first_failed_at
        <= CAST('1970-01-01' AS DATETIME(6)) + INTERVAL given.first_us MICROSECOND
        AND outbox_failures.last_failed_at
        >= CAST('1970-01-01' AS DATETIME(6)) + INTERVAL given.last_us MICROSECOND
        THEN 0
    ELSE given.failure_count
END,
last_error = CASE
    WHEN
        outbox_failures.last_failed_at
        < CAST('1970-01-01' AS DATETIME(6)) + INTERVAL given.last_us MICROSECOND
        THEN CONVERT(UNHEX(given.error) USING utf8mb4)
    ELSE outbox_failures.last_error
END,
first_failed_at = LEAST(
    outbox_failures.first_failed_at, CAST('1970-01-01' AS DATETIME(6)) + INTERVAL given.first_us MICROSECOND
),
last_failed_at = GREATEST(
    outbox_failures.last_failed_at, CAST('1970-01-01' AS DATETIME(6)) + INTERVAL given.last_us MICROSECOND
);

-- name: cursors :many
-- How far the partitions of drained rows are: what lies behind is delivered, whatever a tracker says.
-- Locks: none.
SELECT c.partition_id, c.processed_seq
FROM JSON_TABLE(:partition_ids, '$[*]' COLUMNS (partition_id BIGINT PATH '$')) AS given
STRAIGHT_JOIN outbox_processor AS c FORCE INDEX (PRIMARY) ON c.partition_id = given.partition_id;
