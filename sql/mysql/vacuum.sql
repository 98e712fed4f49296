-- FORCE INDEX (PRIMARY) in every join: on small or never analysed tables the optimizer prefers a scan, and
-- a scan that locks waits for rows that are none of its business.

-- name: vacuum :many
-- First of the three statements of a sweep: lock the partitions that have something to give.
-- Sequences are gapless, so how much that is is a subtraction, and the budget is spread by the
-- caller before anything is read.
-- Differs: a short transaction of three statements, because nothing deletes and returns.
-- Locks: vacuum rows, skipping locked ones.
SELECT dirty.partition_id, dirty.vacuumed_seq, c.processed_seq
FROM (
    SELECT v.partition_id, v.vacuumed_seq
    FROM (
        SELECT w.id
        FROM JSON_TABLE(:partition_ids, '$[*]' COLUMNS (id BIGINT PATH '$')) AS w
        LIMIT 1000000
    ) AS wanted
    STRAIGHT_JOIN outbox_vacuum AS v FORCE INDEX (PRIMARY) ON v.partition_id = wanted.id
    WHERE
        v.vacuumed_seq < (
            SELECT d.processed_seq FROM outbox_processor AS d FORCE INDEX (PRIMARY)
            WHERE d.partition_id = v.partition_id
        )
    LIMIT 1000000
    FOR UPDATE SKIP LOCKED
) AS dirty
STRAIGHT_JOIN outbox_processor AS c FORCE INDEX (PRIMARY) ON c.partition_id = dirty.partition_id
WHERE c.processed_seq > dirty.vacuumed_seq;

-- name: delete_processed :exec
-- Outgoing rows and bodies of ranges: a JSON array of [partition_id, last seq to keep, rows]. Each
-- row is one look-up by its key: the numbers are counted out (a JSON array as long as the range),
-- because a join cannot use a range of its own for each partition.
-- Differs: the second statement of vacuum.
-- Locks: the rows that it deletes.
DELETE o, b
FROM JSON_TABLE(:ranges, '$[*]' COLUMNS (
    partition_id BIGINT PATH '$[0]', base BIGINT PATH '$[1]', n BIGINT PATH '$[2]'
)) AS given
STRAIGHT_JOIN
    JSON_TABLE(CONCAT('[', REPEAT('0,', given.n - 1), '0]'), '$[*]' COLUMNS (k FOR ORDINALITY)) AS number
STRAIGHT_JOIN outbox_outgoing AS o FORCE INDEX (PRIMARY)
    ON o.partition_id = given.partition_id AND o.seq = given.base + number.k
LEFT JOIN outbox_body AS b FORCE INDEX (PRIMARY) ON b.id = o.body_id;

-- name: advance_vacuum :exec
-- Where the sweep ended: the same ranges.
-- Differs: the last statement of vacuum.
-- Locks: the vacuum rows, held already.
UPDATE
    JSON_TABLE(:ranges, '$[*]' COLUMNS (
        partition_id BIGINT PATH '$[0]', base BIGINT PATH '$[1]', n BIGINT PATH '$[2]'
    )) AS given
STRAIGHT_JOIN outbox_vacuum AS v FORCE INDEX (PRIMARY) ON v.partition_id = given.partition_id
SET v.vacuumed_seq = given.base + given.n;
