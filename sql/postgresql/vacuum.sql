-- name: vacuum :one
-- Delete up to :limit processed messages of many partitions, outgoing rows and bodies, in one
-- round trip. Sequences are gapless, so what a partition has to give is a subtraction and the
-- budget is spread before anything is read. Rows are found by ctid and by id: no statistics can
-- turn the deletes into scans (but for a plan kept from an empty table, so it is planned at each run),
-- and outgoing rows are never updated. The commit does not wait for the disk: after a crash of the
-- server there may be something to delete once more.
-- Locks: vacuum rows FOR NO KEY UPDATE, skipping locked ones; the rows that it deletes.
WITH relaxed AS MATERIALIZED (
    SELECT set_config('synchronous_commit', 'off', TRUE)
),

dirty AS MATERIALIZED (
    SELECT v.partition_id, v.vacuumed_seq, c.processed_seq
    FROM relaxed CROSS JOIN outbox_vacuum AS v
    INNER JOIN outbox_processor AS c ON c.partition_id = v.partition_id
    WHERE
        v.partition_id = ANY(CAST(:partition_ids AS bigint[]))
        AND c.processed_seq > v.vacuumed_seq
    ORDER BY v.partition_id
    FOR NO KEY UPDATE OF v SKIP LOCKED
),

shared AS (
    SELECT
        partition_id,
        vacuumed_seq,
        processed_seq,
        CAST(:limit AS bigint)
        - (
            sum(processed_seq - vacuumed_seq) OVER (ORDER BY partition_id)
            - (processed_seq - vacuumed_seq)
        ) AS room
    FROM dirty
),

planned AS MATERIALIZED (
    SELECT partition_id, vacuumed_seq, CAST(least(processed_seq, vacuumed_seq + room) AS bigint) AS upto
    FROM shared
    WHERE room > 0
),

removed AS (
    DELETE FROM outbox_outgoing
    WHERE ctid = ANY(ARRAY(
        SELECT found.row_at
        FROM planned
        CROSS JOIN LATERAL (
            SELECT o.ctid AS row_at
            FROM outbox_outgoing AS o
            WHERE
                o.partition_id = planned.partition_id
                AND o.seq > planned.vacuumed_seq AND o.seq <= planned.upto
        ) AS found
    ))
    RETURNING body_id
),

bodies AS (
    DELETE FROM outbox_body WHERE id = ANY(ARRAY(SELECT body_id FROM removed))
),

advanced AS (
    UPDATE outbox_vacuum AS v SET vacuumed_seq = planned.upto
    FROM planned WHERE v.partition_id = planned.partition_id
    RETURNING 1
)

SELECT coalesce(sum(upto - vacuumed_seq), 0) AS n FROM planned;
