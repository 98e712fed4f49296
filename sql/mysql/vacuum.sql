-- FORCE INDEX (PRIMARY) in every join: on small or never analysed tables the optimizer prefers a scan, and
-- a scan that locks waits for rows that are none of its business.

-- name: vacuum :many
-- First of the three statements of a sweep: lock the partitions that have something to give.
-- Sequences are gapless, so how much that is is a subtraction, and the budget is spread by the
-- caller before anything is read. Of a queue that keeps what it delivered (keep_us) only that is given of
-- which a note says that it was delivered long enough ago; note_delivered, forget_delivered and rest_vacuum
-- follow.
-- Differs: a short transaction of three statements, because nothing deletes and returns.
-- Locks: vacuum rows, skipping locked ones.
SELECT
    dirty.partition_id,
    dirty.vacuumed_seq,
    CASE
        WHEN q.keep_us IS NULL THEN c.processed_seq
        ELSE GREATEST(dirty.vacuumed_seq, COALESCE((
            SELECT MAX(h.seq) FROM outbox_history AS h FORCE INDEX (PRIMARY)
            WHERE
                h.partition_id = dirty.partition_id
                AND h.delivered_by <= TIMESTAMPADD(MICROSECOND, -q.keep_us, UTC_TIMESTAMP(6))
        ), 0))
    END AS processed_seq,
    c.processed_seq AS delivered_seq,
    q.keep_us
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
        AND (v.rests_until IS NULL OR v.rests_until <= UTC_TIMESTAMP(6))
    LIMIT 1000000
    FOR UPDATE SKIP LOCKED
) AS dirty
STRAIGHT_JOIN outbox_processor AS c FORCE INDEX (PRIMARY) ON c.partition_id = dirty.partition_id
STRAIGHT_JOIN outbox_partitions AS p FORCE INDEX (PRIMARY) ON p.id = dirty.partition_id
LEFT JOIN outbox_queues AS q FORCE INDEX (PRIMARY) ON q.queue = p.queue
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

-- name: forget_keys :exec
-- Delete up to :limit names of messages whose windows have passed. Run only where the look at what is pending
-- has seen one; until then a passed name is free all the same.
-- Locks: the rows that it deletes, skipping locked ones.
DELETE d
FROM (
    SELECT e.queue, e.dedup_key
    FROM outbox_dedup AS e
    WHERE e.expires_at <= UTC_TIMESTAMP(6)
    ORDER BY e.expires_at
    LIMIT :limit
    FOR UPDATE SKIP LOCKED
) AS passed
STRAIGHT_JOIN outbox_dedup AS d FORCE INDEX (PRIMARY)
    ON d.queue = passed.queue AND d.dedup_key = passed.dedup_key;

-- name: note_delivered :exec
-- How far the cursors of partitions are by now that keep what was delivered. :notes is a JSON array of
-- [partition id, delivered, deleted, microseconds to keep].
-- Differs: a part of vacuum.
-- Locks: the new rows.
INSERT INTO outbox_history (partition_id, seq)
SELECT w.partition_id, w.seq
FROM JSON_TABLE(:notes, '$[*]' COLUMNS (partition_id BIGINT PATH '$[0]', seq BIGINT PATH '$[1]')) AS w
ON DUPLICATE KEY UPDATE seq = outbox_history.seq;

-- name: forget_delivered :exec
-- The notes of what is deleted.
-- Differs: a part of vacuum.
-- Locks: the rows that it deletes.
DELETE h
FROM JSON_TABLE(:notes, '$[*]' COLUMNS (partition_id BIGINT PATH '$[0]', seq BIGINT PATH '$[2]')) AS w
STRAIGHT_JOIN outbox_history AS h FORCE INDEX (PRIMARY) ON h.partition_id = w.partition_id AND h.seq <= w.seq;

-- name: rest_vacuum :exec
-- Let these partitions alone for a twentieth of the time, a second at least, an hour at most.
-- Differs: a part of vacuum.
-- Locks: the vacuum rows, held already.
UPDATE
    JSON_TABLE(:notes, '$[*]' COLUMNS (partition_id BIGINT PATH '$[0]', keep_us BIGINT PATH '$[3]')) AS w
STRAIGHT_JOIN outbox_vacuum AS v FORCE INDEX (PRIMARY) ON v.partition_id = w.partition_id
SET
    v.rests_until = TIMESTAMPADD(
        MICROSECOND, LEAST(GREATEST(w.keep_us DIV 20, 1000000), 3600000000), UTC_TIMESTAMP(6)
    );
