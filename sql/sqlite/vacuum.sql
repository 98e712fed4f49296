-- name: vacuum :many
-- What each partition has to give, and its share of the budget: sequences are gapless, so both are
-- subtractions and nothing is read. Returns [partition id, after, up to] where something is to do.
-- Differs: SQLite deletes from one table a statement, so a sweep is this, delete_bodies,
-- delete_outgoing and advance_vacuum in one transaction.
-- Locks: none of its own; runs under the write lock.
WITH dirty AS (
    SELECT
        v.partition_id,
        v.vacuumed_seq,
        c.processed_seq,
        :limit
        - (
            sum(c.processed_seq - v.vacuumed_seq) OVER (ORDER BY v.partition_id)
            - (c.processed_seq - v.vacuumed_seq)
        )
            AS room
    FROM json_each(:partition_ids) AS w
    CROSS JOIN outbox_vacuum AS v
    CROSS JOIN outbox_processor AS c
    WHERE v.partition_id = w.value AND c.partition_id = v.partition_id AND c.processed_seq > v.vacuumed_seq
)

SELECT
    partition_id,
    vacuumed_seq,
    min(processed_seq, vacuumed_seq + room) AS upto
FROM dirty
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
