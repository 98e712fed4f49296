-- name: sequence :many
-- One pass over many partitions in one round trip: lock the partitions that are free, take up to
-- :limit committed incoming rows of each (whatever is visible: no lower bound, so that a
-- transaction that commits late loses nothing), number them and move them to outgoing.
-- Numbers start from the sequence that UPDATE returns, which is the newest even when another
-- sequencer committed after this statement's snapshot; rows that one took are skipped by DELETE,
-- and others may wait behind them, hence raced.
-- Rows are found by ctid, so that no statistics can turn the delete into a scan; incoming rows are
-- never updated, hence a ctid stays good for the statement. A plan that was kept from when the table
-- had been vacuumed empty still can, so a run with a kept plan is to have a small :limit.
-- A retired partition gets no number any more. Of those in :behind, which a resize has retired, messages may
-- come still: what is above the first of these waits until it has been readdressed.
-- With a channel, the moved partitions are announced to other processes' processors.
-- Unless :durable the commit does not wait for the disk. The lease that comes before a message is
-- handed over waits, and what it waits for is everything logged before: no number that was handed
-- over is ever lost. A server that crashes earlier than that has the rows in incoming again.
-- Before a transactional handler there is no such commit, so the pass has to wait.
-- Locks: partition rows FOR NO KEY UPDATE (skips locked ones; does not block producers); the
-- incoming rows that it deletes.
WITH relaxed AS MATERIALIZED (
    SELECT
        CASE WHEN NOT CAST(:durable AS boolean) THEN set_config('synchronous_commit', 'off', TRUE) END
),

locked AS MATERIALIZED (
    SELECT p.id
    FROM relaxed CROSS JOIN outbox_partitions AS p
    WHERE p.id = ANY(CAST(:partition_ids AS bigint[])) AND p.retired_at IS NULL
    ORDER BY p.id
    FOR NO KEY UPDATE OF p SKIP LOCKED
),

readdressed AS MATERIALIZED (
    SELECT coalesce(min(late.body_id), 9223372036854775807) AS first_id
    FROM unnest(CAST(:behind AS bigint[])) AS retired (id)
    CROSS JOIN LATERAL (
        SELECT r.body_id FROM outbox_incoming AS r
        WHERE r.partition_id = retired.id
        ORDER BY r.body_id
        LIMIT 1
    ) AS late
),

picked AS MATERIALIZED (
    SELECT ARRAY(
        SELECT found.row_at
        FROM locked
        CROSS JOIN LATERAL (
            SELECT i.ctid AS row_at
            FROM outbox_incoming AS i
            WHERE i.partition_id = locked.id AND i.body_id < (SELECT first_id FROM readdressed)
            ORDER BY i.body_id
            LIMIT CAST(:limit AS integer)
        ) AS found
    ) AS row_ats
),

claimed AS (
    DELETE FROM outbox_incoming
    WHERE ctid = ANY(CAST((SELECT row_ats FROM picked) AS tid[]))
    RETURNING partition_id, body_id
),

counted AS (
    SELECT partition_id, count(*) AS n FROM claimed GROUP BY partition_id
),

advanced AS (
    UPDATE outbox_partitions AS p
    SET sequence = p.sequence + counted.n
    FROM counted
    WHERE p.id = counted.partition_id
    RETURNING p.id, p.sequence - counted.n AS base, counted.n
),

moved AS (
    INSERT INTO outbox_outgoing (partition_id, seq, body_id)
    SELECT
        claimed.partition_id,
        advanced.base + row_number() OVER (PARTITION BY claimed.partition_id ORDER BY claimed.body_id),
        claimed.body_id
    FROM claimed INNER JOIN advanced ON advanced.id = claimed.partition_id
)

SELECT
    locked.id AS partition_id,
    coalesce(advanced.base + 1, 0) AS first_seq,
    coalesce(advanced.n, 0) AS moved,
    (SELECT cardinality(row_ats) FROM picked) > (SELECT coalesce(sum(n), 0) FROM counted) AS raced,
    CASE
        WHEN CAST(:channel AS text) <> '' AND advanced.n > 0
            THEN pg_notify(:channel, CAST(:origin AS text) || '|s|' || locked.id)
    END
FROM locked LEFT JOIN advanced ON advanced.id = locked.id
ORDER BY locked.id;

-- name: sequence_due :many
-- The same for messages that have become due, numbered in the order in which they did. Run only where the
-- look at what is pending has seen one.
-- Locks: as sequence, the rows of delayed in place of incoming.
WITH relaxed AS MATERIALIZED (
    SELECT
        CASE WHEN NOT CAST(:durable AS boolean) THEN set_config('synchronous_commit', 'off', TRUE) END
),

locked AS MATERIALIZED (
    SELECT p.id
    FROM relaxed CROSS JOIN outbox_partitions AS p
    WHERE p.id = ANY(CAST(:partition_ids AS bigint[])) AND p.retired_at IS NULL
    ORDER BY p.id
    FOR NO KEY UPDATE OF p SKIP LOCKED
),

readdressed AS MATERIALIZED (
    SELECT coalesce(min(late.due_at), 'infinity') AS first_due
    FROM unnest(CAST(:behind AS bigint[])) AS retired (id)
    CROSS JOIN LATERAL (
        SELECT r.due_at FROM outbox_delayed AS r
        WHERE r.partition_id = retired.id
        ORDER BY r.due_at
        LIMIT 1
    ) AS late
),

picked AS MATERIALIZED (
    SELECT ARRAY(
        SELECT found.row_at
        FROM locked
        CROSS JOIN LATERAL (
            SELECT d.ctid AS row_at
            FROM outbox_delayed AS d
            WHERE
                d.partition_id = locked.id
                AND d.due_at <= clock_timestamp()
                AND d.due_at < (SELECT first_due FROM readdressed)
            ORDER BY d.due_at, d.body_id
            LIMIT CAST(:limit AS integer)
        ) AS found
    ) AS row_ats
),

claimed AS (
    DELETE FROM outbox_delayed
    WHERE ctid = ANY(CAST((SELECT row_ats FROM picked) AS tid[]))
    RETURNING partition_id, due_at, body_id
),

counted AS (
    SELECT partition_id, count(*) AS n FROM claimed GROUP BY partition_id
),

advanced AS (
    UPDATE outbox_partitions AS p
    SET sequence = p.sequence + counted.n
    FROM counted
    WHERE p.id = counted.partition_id
    RETURNING p.id, p.sequence - counted.n AS base, counted.n
),

moved AS (
    INSERT INTO outbox_outgoing (partition_id, seq, body_id)
    SELECT
        claimed.partition_id,
        advanced.base + row_number() OVER (
            PARTITION BY claimed.partition_id ORDER BY claimed.due_at, claimed.body_id
        ),
        claimed.body_id
    FROM claimed INNER JOIN advanced ON advanced.id = claimed.partition_id
)

SELECT
    locked.id AS partition_id,
    coalesce(advanced.base + 1, 0) AS first_seq,
    coalesce(advanced.n, 0) AS moved,
    (SELECT cardinality(row_ats) FROM picked) > (SELECT coalesce(sum(n), 0) FROM counted) AS raced
FROM locked LEFT JOIN advanced ON advanced.id = locked.id
ORDER BY locked.id;

-- name: lock_retired :many
-- The partitions that a resize has retired, for readdressing what has come to them since.
-- Locks: the partitions' rows, until commit: two processes readdress one after the other.
SELECT id FROM outbox_partitions
WHERE id = ANY(CAST(:partition_ids AS bigint[]))
ORDER BY id
FOR NO KEY UPDATE;

-- name: waiting_with_keys :many
-- The oldest messages of retired partitions that have no number, with their keys.
-- Locks: none; the partitions are held already.
SELECT i.partition_id, i.body_id, b.message_key
FROM outbox_incoming AS i LEFT JOIN outbox_body AS b ON b.id = i.body_id
WHERE i.partition_id = ANY(CAST(:partition_ids AS bigint[]))
ORDER BY i.body_id
LIMIT :limit;

-- name: readdress :exec
-- Messages of retired partitions to those that have their keys now. Written anew and not updated: a sequencer
-- that has seen the old row would follow it to the new one.
-- Locks: the rows.
WITH given AS MATERIALIZED (
    SELECT *
    FROM unnest(
        CAST(:partition_ids AS bigint[]), CAST(:body_ids AS bigint[]), CAST(:targets AS bigint[])
    ) AS g (partition_id, body_id, target)
),

taken AS (
    DELETE FROM outbox_incoming AS i
    USING given
    WHERE i.partition_id = given.partition_id AND i.body_id = given.body_id
    RETURNING given.target, i.body_id
)

INSERT INTO outbox_incoming (partition_id, body_id)
SELECT target, body_id FROM taken;

-- name: due_with_keys :many
-- The same for delayed messages that are due, those due first at the head.
-- Locks: none; the partitions are held already.
SELECT d.partition_id, d.body_id, b.message_key
FROM outbox_delayed AS d LEFT JOIN outbox_body AS b ON b.id = d.body_id
WHERE d.partition_id = ANY(CAST(:partition_ids AS bigint[])) AND d.due_at <= clock_timestamp()
ORDER BY d.due_at, d.body_id
LIMIT :limit;

-- name: readdress_due :exec
-- Locks: the rows.
WITH given AS MATERIALIZED (
    SELECT *
    FROM unnest(
        CAST(:partition_ids AS bigint[]), CAST(:body_ids AS bigint[]), CAST(:targets AS bigint[])
    ) AS g (partition_id, body_id, target)
),

taken AS (
    DELETE FROM outbox_delayed AS d
    USING given
    WHERE d.partition_id = given.partition_id AND d.body_id = given.body_id AND d.due_at <= clock_timestamp()
    RETURNING given.target, d.due_at, d.body_id
)

INSERT INTO outbox_delayed (partition_id, due_at, body_id)
SELECT target, due_at, body_id FROM taken;

-- name: pending :many
-- Everything an idle process wants to know, in one read-only statement. The row of partition 0, which does
-- not exist, is there whatever else is: revision tells of changed settings, dirty of deduplication keys whose
-- window has passed. Delayed messages are looked for
-- in a partition only where one is due at all, which one step in an index tells. Each probe is one step in
-- a primary key: LATERAL with LIMIT, and ORDER BY, without which statistics of a few full partitions
-- make a scan of it.
-- Locks: none.
SELECT
    p.id AS partition_id,
    waiting.found IS NOT NULL AS incoming,
    p.sequence > c.processed_seq
    AND (c.locked_until IS NULL OR c.locked_until <= clock_timestamp()) AS behind,
    c.processed_seq > v.vacuumed_seq
    AND (v.rests_until IS NULL OR v.rests_until <= clock_timestamp()) AS dirty,
    (SELECT n.revision FROM outbox_installation AS n) AS revision,
    due.found IS NOT NULL AS due
FROM outbox_partitions AS p
INNER JOIN outbox_processor AS c ON c.partition_id = p.id
INNER JOIN outbox_vacuum AS v ON v.partition_id = p.id
LEFT JOIN LATERAL (
    SELECT 1 AS found FROM outbox_incoming AS i WHERE i.partition_id = p.id ORDER BY i.body_id LIMIT 1
) AS waiting ON TRUE
LEFT JOIN LATERAL (
    SELECT 1 AS found FROM outbox_delayed AS d
    WHERE
        (SELECT min(e.due_at) FROM outbox_delayed AS e) <= clock_timestamp()
        AND d.partition_id = p.id AND d.due_at <= clock_timestamp()
    ORDER BY d.due_at
    LIMIT 1
) AS due ON TRUE
WHERE
    p.id = ANY(CAST(:partition_ids AS bigint[]))
    AND (
        waiting.found IS NOT NULL
        OR due.found IS NOT NULL
        OR p.sequence > c.processed_seq
        OR (
            c.processed_seq > v.vacuumed_seq
            AND (v.rests_until IS NULL OR v.rests_until <= clock_timestamp())
        )
    )
UNION ALL
SELECT
    0,
    FALSE,
    FALSE,
    coalesce((SELECT min(k.expires_at) FROM outbox_dedup AS k) <= clock_timestamp(), FALSE),
    n.revision,
    FALSE
FROM outbox_installation AS n;

-- name: listen :exec
-- Differs: PostgreSQL alone can push. The session that runs this hears what `notify` sends.
LISTEN outbox_wakeup;

-- name: notify :exec
-- Wakes the listeners of all processes on this family of tables. Never run inside a producer's
-- transaction: NOTIFY takes a global lock at commit.
-- Differs: PostgreSQL alone can push.
SELECT pg_notify(:channel, :payload);
