-- name: partition_status :many
-- Backlog, lease and failure of each partition, for people.
-- Locks: none.
SELECT
    p.id AS partition_id,
    p.queue,
    p.partition,
    waiting.n AS incoming,
    p.sequence,
    c.processed_seq,
    v.vacuumed_seq,
    CAST(
        extract(EPOCH FROM clock_timestamp() - least(oldest_waiting.created_at, oldest_behind.created_at))
        AS double precision
    ) AS oldest_age,
    c.attempts,
    c.last_error,
    c.locked_by,
    CASE
        WHEN c.locked_until > clock_timestamp()
            THEN CAST(extract(EPOCH FROM c.locked_until - clock_timestamp()) AS double precision)
    END AS locked_for
FROM outbox_partitions AS p
INNER JOIN outbox_processor AS c ON c.partition_id = p.id
INNER JOIN outbox_vacuum AS v ON v.partition_id = p.id
LEFT JOIN LATERAL (
    SELECT count(*) AS n FROM outbox_incoming AS i WHERE i.partition_id = p.id
) AS waiting ON TRUE
LEFT JOIN LATERAL (
    SELECT b.created_at
    FROM outbox_incoming AS i INNER JOIN outbox_body AS b ON b.id = i.body_id
    WHERE i.partition_id = p.id
    ORDER BY i.body_id
    LIMIT 1
) AS oldest_waiting ON TRUE
LEFT JOIN LATERAL (
    SELECT b.created_at
    FROM outbox_outgoing AS o INNER JOIN outbox_body AS b ON b.id = o.body_id
    WHERE o.partition_id = p.id AND o.seq > c.processed_seq
    ORDER BY o.seq
    LIMIT 1
) AS oldest_behind ON TRUE
WHERE p.id = ANY(CAST(:partition_ids AS bigint[]))
ORDER BY p.queue, p.partition;

-- name: all_partitions :many
-- Every registered partition, whoever registered it.
SELECT id, queue, partition FROM outbox_partitions ORDER BY queue, partition;

-- name: server_version :one
-- The server's version number and whether it takes writes.
-- Differs: SQLite has no server to ask.
SELECT current_setting('server_version_num') AS version, pg_is_in_recovery() AS read_only;
