-- FORCE INDEX (PRIMARY) in every join: on small or never analysed tables the optimizer prefers a scan, and
-- a scan that locks waits for rows that are none of its business.

-- name: sequence :many
-- First of the four statements of a pass over many partitions: lock the partitions that are free
-- and read what waits in them, whatever is visible (no lower bound, so that a transaction that
-- commits late loses nothing). One row an incoming message; one row without body_id for a locked
-- partition with none, or with more than :limit of them (has_more): those are read one by one,
-- because a join cannot stop at a limit of its own for each partition and would walk through a
-- backlog of millions.
-- The locks come first: the derived tables are complete (LIMIT keeps them from being merged) before
-- the first row of incoming is read, and only that read opens the snapshot. A pass of another
-- sequencer is therefore either visible as a whole or holds the lock.
-- A retired partition gets no number any more.
-- Differs: a short transaction of four statements, because nothing returns rows and deletes them.
-- Locks: partition rows, skipping locked ones.
SELECT
    free.id,
    free.sequence,
    free.few_id IS NULL AS has_more,
    i.body_id
FROM (
    SELECT
        locked.id,
        locked.sequence,
        CASE
            WHEN (
                SELECT 1 FROM outbox_incoming AS f FORCE INDEX (PRIMARY)
                WHERE f.partition_id = locked.id
                LIMIT 1 OFFSET :limit
            ) IS NULL THEN locked.id
        END AS few_id
    FROM (
        SELECT p.id, p.sequence
        FROM (
            SELECT w.id
            FROM JSON_TABLE(:partition_ids, '$[*]' COLUMNS (id BIGINT PATH '$')) AS w
            LIMIT 1000000
        ) AS wanted
        STRAIGHT_JOIN outbox_partitions AS p FORCE INDEX (PRIMARY) ON p.id = wanted.id
        WHERE p.retired_at IS NULL
        LIMIT 1000000
        FOR UPDATE SKIP LOCKED
    ) AS locked
    LIMIT 1000000
) AS free
LEFT JOIN outbox_incoming AS i FORCE INDEX (PRIMARY) ON i.partition_id = free.few_id;

-- name: oldest_incoming :many
-- The incoming rows of one partition with a backlog, locked by sequence.
-- Differs: a read of its own, see sequence.
-- Locks: none.
SELECT body_id FROM outbox_incoming
WHERE partition_id = :partition_id
ORDER BY body_id
LIMIT :limit;

-- name: insert_outgoing :exec
-- The messages that a pass moves, numbered: a JSON array of [partition_id, seq, body_id].
-- Differs: the second statement of sequence.
-- Locks: the new rows.
INSERT INTO outbox_outgoing (partition_id, seq, body_id)
SELECT moved.partition_id, moved.seq, moved.body_id
FROM JSON_TABLE(:moved, '$[*]' COLUMNS (
    partition_id BIGINT PATH '$[0]', seq BIGINT PATH '$[1]', body_id BIGINT PATH '$[2]'
)) AS moved;

-- name: delete_incoming :exec
-- Exactly the rows that were moved, by their keys: a range would take messages that committed
-- since with it. Fewer rows than moved: another sequencer had them, and the pass must be undone.
-- Differs: the third statement of sequence.
-- Locks: the rows that it deletes.
DELETE i
FROM JSON_TABLE(:moved, '$[*]' COLUMNS (
    partition_id BIGINT PATH '$[0]', body_id BIGINT PATH '$[2]'
)) AS moved
STRAIGHT_JOIN outbox_incoming AS i FORCE INDEX (PRIMARY)
    ON i.partition_id = moved.partition_id AND i.body_id = moved.body_id;

-- name: advance_sequence :exec
-- The new sequences: a JSON array of [partition_id, sequence].
-- Differs: the last statement of sequence.
-- Locks: the partition rows, held already.
UPDATE
    JSON_TABLE(:sequences, '$[*]' COLUMNS (id BIGINT PATH '$[0]', sequence BIGINT PATH '$[1]')) AS given
STRAIGHT_JOIN outbox_partitions AS p FORCE INDEX (PRIMARY) ON p.id = given.id
SET p.sequence = given.sequence;

-- name: sequence_due :many
-- The same for messages that have become due: lock the partitions that are free. What is due in each is read
-- by oldest_due, and moved by insert_outgoing, delete_due and advance_sequence.
-- Differs: as sequence.
-- Locks: partition rows, skipping locked ones.
SELECT p.id, p.sequence
FROM (
    SELECT w.id
    FROM JSON_TABLE(:partition_ids, '$[*]' COLUMNS (id BIGINT PATH '$')) AS w
    LIMIT 1000000
) AS wanted
STRAIGHT_JOIN outbox_partitions AS p FORCE INDEX (PRIMARY) ON p.id = wanted.id
WHERE p.retired_at IS NULL
LIMIT 1000000
FOR UPDATE SKIP LOCKED;

-- name: oldest_due :many
-- What is due in one partition, locked by sequence_due, in the order in which it became so.
-- Differs: a read of its own, see sequence.
-- Locks: none.
SELECT
    body_id,
    TIMESTAMPDIFF(MICROSECOND, '1970-01-01', due_at) AS due_us
FROM outbox_delayed FORCE INDEX (PRIMARY)
WHERE partition_id = :partition_id AND due_at <= UTC_TIMESTAMP(6)
ORDER BY due_at, body_id
LIMIT :limit;

-- name: delete_due :exec
-- Exactly the rows that were moved, by their keys: a JSON array of [partition_id, seq, body_id, due_at].
-- Fewer rows than moved: another sequencer had them, and the pass must be undone.
-- Differs: the fourth statement of sequence_due.
-- Locks: the rows that it deletes.
DELETE d
FROM JSON_TABLE(:moved, '$[*]' COLUMNS (
    partition_id BIGINT PATH '$[0]', body_id BIGINT PATH '$[2]', due_us BIGINT PATH '$[3]'
)) AS moved
STRAIGHT_JOIN outbox_delayed AS d FORCE INDEX (PRIMARY)
    ON
        d.partition_id = moved.partition_id
        AND d.due_at = TIMESTAMPADD(MICROSECOND, moved.due_us, '1970-01-01')
        AND d.body_id = moved.body_id;

-- name: lock_retired :many
-- The partitions that a resize has retired, for readdressing what has come to them since, and while others
-- are numbered that what has come belongs to.
-- Locks: the partitions' rows, until commit: two processes readdress one after the other.
SELECT p.id
FROM (
    SELECT w.id
    FROM JSON_TABLE(:partition_ids, '$[*]' COLUMNS (id BIGINT PATH '$')) AS w
    LIMIT 1000000
) AS wanted
STRAIGHT_JOIN outbox_partitions AS p FORCE INDEX (PRIMARY) ON p.id = wanted.id
FOR UPDATE;

-- name: first_waiting :one
-- The oldest message of retired partitions: what is above it is not numbered before it has been readdressed.
-- Differs: a read of its own after sequence, which sees at least what that saw; the lock keeps it there.
-- Locks: none; the partitions are held already.
SELECT MIN(late.first_id) AS first_id
FROM (
    SELECT (
        SELECT i.body_id FROM outbox_incoming AS i FORCE INDEX (PRIMARY)
        WHERE i.partition_id = given.id
        ORDER BY i.partition_id, i.body_id
        LIMIT 1
    ) AS first_id
    FROM JSON_TABLE(:partition_ids, '$[*]' COLUMNS (id BIGINT PATH '$')) AS given
) AS late;

-- name: first_due :one
-- When the first delayed message of retired partitions is due, in microseconds since 1970.
-- Differs: as first_waiting.
-- Locks: none; the partitions are held already.
SELECT TIMESTAMPDIFF(MICROSECOND, '1970-01-01', MIN(late.due_at)) AS due_us
FROM (
    SELECT (
        SELECT d.due_at FROM outbox_delayed AS d FORCE INDEX (PRIMARY)
        WHERE d.partition_id = given.id
        ORDER BY d.partition_id, d.due_at
        LIMIT 1
    ) AS due_at
    FROM JSON_TABLE(:partition_ids, '$[*]' COLUMNS (id BIGINT PATH '$')) AS given
) AS late;

-- name: waiting_with_keys :many
-- The oldest messages of retired partitions that have no number, with their keys.
-- Locks: none; the partitions are held already.
SELECT i.partition_id, i.body_id, CAST(b.message_key AS BINARY) AS message_key
FROM JSON_TABLE(:partition_ids, '$[*]' COLUMNS (id BIGINT PATH '$')) AS given
STRAIGHT_JOIN outbox_incoming AS i FORCE INDEX (PRIMARY) ON i.partition_id = given.id
LEFT JOIN outbox_body AS b FORCE INDEX (PRIMARY) ON b.id = i.body_id
ORDER BY i.body_id
LIMIT :limit;

-- name: readdress :exec
-- Messages of retired partitions to those that have their keys now: lists of the same length.
-- Locks: the rows.
UPDATE
    JSON_TABLE(:partition_ids, '$[*]' COLUMNS (n FOR ORDINALITY, partition_id BIGINT PATH '$')) AS old
STRAIGHT_JOIN
    JSON_TABLE(:body_ids, '$[*]' COLUMNS (n FOR ORDINALITY, body_id BIGINT PATH '$')) AS given
        ON given.n = old.n
STRAIGHT_JOIN
    JSON_TABLE(:targets, '$[*]' COLUMNS (n FOR ORDINALITY, target BIGINT PATH '$')) AS new
        ON new.n = old.n
STRAIGHT_JOIN outbox_incoming AS i FORCE INDEX (PRIMARY)
    ON i.partition_id = old.partition_id AND i.body_id = given.body_id
SET i.partition_id = new.target;

-- name: due_with_keys :many
-- The same for delayed messages that are due, those due first at the head.
-- Locks: none; the partitions are held already.
SELECT d.partition_id, d.body_id, CAST(b.message_key AS BINARY) AS message_key
FROM JSON_TABLE(:partition_ids, '$[*]' COLUMNS (id BIGINT PATH '$')) AS given
STRAIGHT_JOIN outbox_delayed AS d FORCE INDEX (PRIMARY)
    ON d.partition_id = given.id AND d.due_at <= UTC_TIMESTAMP(6)
LEFT JOIN outbox_body AS b FORCE INDEX (PRIMARY) ON b.id = d.body_id
ORDER BY d.due_at, d.body_id
LIMIT :limit;

-- name: readdress_due :exec
-- Locks: the rows.
UPDATE
    JSON_TABLE(:partition_ids, '$[*]' COLUMNS (n FOR ORDINALITY, partition_id BIGINT PATH '$')) AS old
STRAIGHT_JOIN
    JSON_TABLE(:body_ids, '$[*]' COLUMNS (n FOR ORDINALITY, body_id BIGINT PATH '$')) AS given
        ON given.n = old.n
STRAIGHT_JOIN
    JSON_TABLE(:targets, '$[*]' COLUMNS (n FOR ORDINALITY, target BIGINT PATH '$')) AS new
        ON new.n = old.n
STRAIGHT_JOIN outbox_delayed AS d FORCE INDEX (PRIMARY)
    ON d.partition_id = old.partition_id AND d.due_at <= UTC_TIMESTAMP(6) AND d.body_id = given.body_id
SET d.partition_id = new.target;

-- name: pending :many
-- Everything an idle process wants to know, in one read-only statement. The row of partition 0, which does
-- not exist, is there whatever else is: revision tells of changed settings, dirty of deduplication keys whose
-- window has passed. Delayed messages are looked for
-- in a partition only where one is due at all, which one step in an index tells. Each probe is one step in
-- a primary key.
-- Locks: none.
SELECT
    found.partition_id,
    found.incoming,
    found.behind AND found.free AS behind,
    found.dirty,
    (SELECT n.revision FROM outbox_installation AS n) AS revision,
    found.due
FROM (
    SELECT
        p.id AS partition_id,
        EXISTS (
            SELECT 1 FROM outbox_incoming AS i FORCE INDEX (PRIMARY) WHERE i.partition_id = p.id
        ) AS incoming,
        p.sequence > c.processed_seq AS behind,
        c.locked_until IS NULL OR c.locked_until <= UTC_TIMESTAMP(6) AS free,
        c.processed_seq > v.vacuumed_seq
        AND (v.rests_until IS NULL OR v.rests_until <= UTC_TIMESTAMP(6)) AS dirty,
        COALESCE((SELECT MIN(e.due_at) FROM outbox_delayed AS e) <= UTC_TIMESTAMP(6), FALSE)
        AND EXISTS (
            SELECT 1 FROM outbox_delayed AS d FORCE INDEX (PRIMARY)
            WHERE d.partition_id = p.id AND d.due_at <= UTC_TIMESTAMP(6)
        ) AS due
    FROM JSON_TABLE(:partition_ids, '$[*]' COLUMNS (id BIGINT PATH '$')) AS wanted
    STRAIGHT_JOIN outbox_partitions AS p FORCE INDEX (PRIMARY) ON p.id = wanted.id
    STRAIGHT_JOIN outbox_processor AS c FORCE INDEX (PRIMARY) ON c.partition_id = p.id
    STRAIGHT_JOIN outbox_vacuum AS v FORCE INDEX (PRIMARY) ON v.partition_id = p.id
) AS found
WHERE found.incoming OR found.behind OR found.dirty OR found.due
UNION ALL
SELECT
    0,
    FALSE,
    FALSE,
    COALESCE((SELECT MIN(k.expires_at) FROM outbox_dedup AS k) <= UTC_TIMESTAMP(6), FALSE),
    n.revision,
    FALSE
FROM outbox_installation AS n;
