-- name: vacuum :many
-- What each partition has to give, and its share of the budget: sequences are gapless, so both are
-- subtractions and nothing is read. Returns [partition id, after, up to] where something is to do. Of a queue
-- that keeps what it delivered only that is given of which a note says that it was delivered long enough ago;
-- rests_for, the time that it keeps, then asks for note_delivered, forget_delivered and rest_vacuum.
-- Differs: SQLite deletes from one table a statement, so a sweep is this, delete_bodies,
-- delete_outgoing and advance_vacuum in one transaction.
-- Locks: none of its own; runs under the write lock.
WITH dirty AS (
    SELECT
        v.partition_id,
        v.vacuumed_seq,
        c.processed_seq AS delivered_seq,
        q.keep_us,
        CASE
            WHEN q.keep_us IS NULL THEN c.processed_seq
            ELSE max(v.vacuumed_seq, coalesce((
                SELECT max(h.seq) FROM outbox_history AS h
                WHERE
                    h.partition_id = v.partition_id
                    AND h.delivered_by
                    <= CAST(round((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER) * 1000 - q.keep_us
            ), 0))
        END AS processed_seq
    FROM json_each(:partition_ids) AS w
    CROSS JOIN outbox_vacuum AS v
    CROSS JOIN outbox_processor AS c
    CROSS JOIN outbox_partitions AS p
    LEFT JOIN outbox_queues AS q ON q.queue = p.queue
    WHERE
        v.partition_id = w.value
        AND c.partition_id = v.partition_id
        AND p.id = v.partition_id
        AND c.processed_seq > v.vacuumed_seq
        AND (
            v.rests_until IS NULL
            OR v.rests_until <= CAST(round((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER) * 1000
        )
),

shared AS (
    SELECT
        partition_id,
        vacuumed_seq,
        processed_seq,
        delivered_seq,
        keep_us,
        :limit
        - (
            sum(processed_seq - vacuumed_seq) OVER (ORDER BY partition_id)
            - (processed_seq - vacuumed_seq)
        )
            AS room
    FROM dirty
)

SELECT
    partition_id,
    vacuumed_seq,
    min(processed_seq, vacuumed_seq + room) AS upto,
    delivered_seq,
    CASE WHEN room >= processed_seq - vacuumed_seq THEN keep_us END AS rests_for
FROM shared
WHERE room > 0
ORDER BY partition_id;

-- name: delete_bodies :exec
-- The bodies of the planned ranges, found through outgoing, hence before outgoing. :plan is a JSON
-- array of [partition id, after, up to].
-- Differs: the second step of vacuum.
-- Locks: the database's write lock, held already.
DELETE FROM outbox_body
WHERE id IN (
    SELECT o.body_id
    FROM json_each(:plan) AS w CROSS JOIN outbox_outgoing AS o
    WHERE
        o.partition_id = json_extract(w.value, '$[0]')
        AND o.seq > json_extract(w.value, '$[1]')
        AND o.seq <= json_extract(w.value, '$[2]')
);

-- name: delete_outgoing :exec
-- Differs: the third step of vacuum.
-- Locks: the database's write lock, held already.
DELETE FROM outbox_outgoing
WHERE (partition_id, seq) IN (
    SELECT
        o.partition_id,
        o.seq
    FROM json_each(:plan) AS w CROSS JOIN outbox_outgoing AS o
    WHERE
        o.partition_id = json_extract(w.value, '$[0]')
        AND o.seq > json_extract(w.value, '$[1]')
        AND o.seq <= json_extract(w.value, '$[2]')
);

-- name: advance_vacuum :exec
-- Differs: the last step of vacuum.
-- Locks: the database's write lock, held already.
WITH plan AS MATERIALIZED (
    SELECT
        json_extract(value, '$[0]') AS partition_id,
        json_extract(value, '$[2]') AS upto
    FROM json_each(:plan)
)

UPDATE outbox_vacuum AS v
SET vacuumed_seq = plan.upto
FROM plan
WHERE v.partition_id = plan.partition_id;

-- name: forget_keys :many
-- Delete up to :limit names of messages whose windows have passed. Run only where the look at what is pending
-- has seen one; until then a passed name is free all the same.
-- Locks: the database's write lock.
DELETE FROM outbox_dedup
WHERE (queue, dedup_key) IN (
    SELECT
        d.queue,
        d.dedup_key
    FROM outbox_dedup AS d
    WHERE d.expires_at <= CAST(round((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER) * 1000
    ORDER BY d.expires_at
    LIMIT :limit
)
RETURNING 1 AS n;

-- name: note_delivered :exec
-- How far the cursors of partitions are by now that keep what was delivered. :notes is a JSON array of
-- [partition id, delivered, deleted, microseconds to keep].
-- Differs: a part of vacuum.
-- Locks: the database's write lock, held already.
INSERT INTO outbox_history (partition_id, seq)
SELECT
    json_extract(value, '$[0]'),
    json_extract(value, '$[1]')
FROM json_each(:notes)
WHERE TRUE
ON CONFLICT DO NOTHING;

-- name: forget_delivered :exec
-- The notes of what is deleted.
-- Differs: a part of vacuum.
-- Locks: the database's write lock, held already.
DELETE FROM outbox_history
WHERE EXISTS (
    SELECT 1 FROM json_each(:notes) AS w
    WHERE
        json_extract(w.value, '$[0]') = outbox_history.partition_id
        AND json_extract(w.value, '$[2]') >= outbox_history.seq
);

-- name: rest_vacuum :exec
-- Let these partitions alone for a twentieth of the time, a second at least, an hour at most.
-- Differs: a part of vacuum.
-- Locks: the database's write lock, held already.
WITH kept AS MATERIALIZED (
    SELECT
        json_extract(value, '$[0]') AS partition_id,
        json_extract(value, '$[3]') AS keep_us
    FROM json_each(:notes)
)

UPDATE outbox_vacuum AS v
SET
    rests_until = CAST(round((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER) * 1000
    + min(max(kept.keep_us / 20, 1000000), 3600000000)
FROM kept
WHERE v.partition_id = kept.partition_id;
