-- name: bucket :many
-- How many deliveries a bucket holds by now, and what the time is: what came back since it was changed
-- is added, up to :most. A queue without a row, or whose bucket was never used, has a full one.
-- Locks: the queue's row FOR NO KEY UPDATE, waiting for a process that takes at this moment.
SELECT
    least(
        CAST(:most AS double precision),
        coalesce(
            rate_tokens
            + CAST(greatest(extract(EPOCH FROM clock_timestamp() - rate_at), 0) AS double precision)
            * CAST(:per_second AS double precision),
            CAST(:most AS double precision)
        )
    ) AS tokens,
    CAST(extract(EPOCH FROM greatest(clock_timestamp(), rate_at)) * 1000000 AS bigint) AS at_us
FROM outbox_queues
WHERE queue = :queue
FOR NO KEY UPDATE;

-- name: make_bucket :exec
-- A row for a queue that has none: everything else in it has its default.
-- Locks: the new row.
INSERT INTO outbox_queues (queue) VALUES (:queue) ON CONFLICT DO NOTHING;

-- name: fill_bucket :exec
-- What is left in the bucket, at the time that was read with it, and for people what rate it has.
-- Locks: the queue's row, held already.
UPDATE outbox_queues
SET
    rate_count = :rate_count,
    rate_per_us = :rate_per_us,
    rate_tokens = CAST(:tokens AS double precision),
    rate_at = to_timestamp(0) + CAST(:at_us AS bigint) * interval '1 microsecond'
WHERE queue = :queue;
