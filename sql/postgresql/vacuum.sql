-- name: vacuum :one
-- Delete up to :limit processed messages of many partitions, outgoing rows and bodies, in one
-- round trip. Sequences are gapless, so what a partition has to give is a subtraction and the
-- budget is spread before anything is read. Rows are found by ctid and by id: no statistics can
-- turn the deletes into scans (but for a plan kept from an empty table, so it is planned at each run),
-- and outgoing rows are never updated. Of a queue that keeps what it delivered only that is deleted of which
-- a note says that it was delivered long enough ago; then a note is made of how far the cursor is, and the
-- partition rests for a twentieth of the time (a second at least, an hour at most). The commit does not wait
-- for the disk: after a crash of the server there may be something to delete once more.
-- Locks: vacuum rows FOR NO KEY UPDATE, skipping locked ones; the rows that it deletes, the notes of those.
WITH relaxed AS MATERIALIZED (
    SELECT set_config('synchronous_commit', 'off', TRUE)
),

dirty AS MATERIALIZED (
    SELECT v.partition_id, v.vacuumed_seq, c.processed_seq AS delivered_seq, q.keep_us
    FROM relaxed CROSS JOIN outbox_vacuum AS v
    INNER JOIN outbox_processor AS c ON c.partition_id = v.partition_id
    INNER JOIN outbox_partitions AS p ON p.id = v.partition_id
    LEFT JOIN outbox_queues AS q ON q.queue = p.queue
    WHERE
        v.partition_id = ANY(CAST(:partition_ids AS bigint[]))
        AND c.processed_seq > v.vacuumed_seq
        AND (v.rests_until IS NULL OR v.rests_until <= clock_timestamp())
    ORDER BY v.partition_id
    FOR NO KEY UPDATE OF v SKIP LOCKED
),

due AS MATERIALIZED (
    SELECT
        partition_id,
        vacuumed_seq,
        keep_us,
        CASE
            WHEN keep_us IS NULL THEN delivered_seq
            ELSE greatest(vacuumed_seq, (
                SELECT max(h.seq) FROM outbox_history AS h
                WHERE
                    h.partition_id = dirty.partition_id
                    AND h.delivered_by <= clock_timestamp() - dirty.keep_us * interval '1 microsecond'
            ))
        END AS processed_seq
    FROM dirty
),

noted AS (
    INSERT INTO outbox_history (partition_id, seq)
    SELECT partition_id, delivered_seq FROM dirty WHERE keep_us IS NOT NULL
    ON CONFLICT DO NOTHING
),

forgotten AS (
    DELETE FROM outbox_history AS h
    USING dirty
    WHERE dirty.keep_us IS NOT NULL AND h.partition_id = dirty.partition_id AND h.seq <= dirty.vacuumed_seq
),

shared AS (
    SELECT
        partition_id,
        vacuumed_seq,
        processed_seq,
        keep_us,
        CAST(:limit AS bigint)
        - (
            sum(processed_seq - vacuumed_seq) OVER (ORDER BY partition_id)
            - (processed_seq - vacuumed_seq)
        ) AS room
    FROM due
),

planned AS MATERIALIZED (
    SELECT
        partition_id,
        vacuumed_seq,
        CAST(least(processed_seq, vacuumed_seq + room) AS bigint) AS upto,
        CASE WHEN room >= processed_seq - vacuumed_seq THEN keep_us END AS rests_for
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
    UPDATE outbox_vacuum AS v
    SET
        vacuumed_seq = planned.upto,
        rests_until = CASE
            WHEN planned.rests_for IS NOT NULL
                THEN
                    clock_timestamp()
                    + least(greatest(planned.rests_for / 20, 1000000), 3600000000) * interval '1 microsecond'
        END
    FROM planned WHERE v.partition_id = planned.partition_id
    RETURNING 1
)

SELECT coalesce(sum(upto - vacuumed_seq), 0) AS n FROM planned;

-- name: forget_keys :one
-- Delete up to :limit names of messages whose windows have passed. Run only where the look at what is pending
-- has seen one; until then a passed name is free all the same.
-- Locks: the rows that it deletes, skipping locked ones.
WITH removed AS (
    DELETE FROM outbox_dedup
    WHERE ctid = ANY(ARRAY(
        SELECT d.ctid
        FROM outbox_dedup AS d
        WHERE d.expires_at <= clock_timestamp()
        ORDER BY d.expires_at
        LIMIT CAST(:limit AS integer)
        FOR UPDATE SKIP LOCKED
    ))
    RETURNING 1
)

SELECT count(*) AS n FROM removed;
