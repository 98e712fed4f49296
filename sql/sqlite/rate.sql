-- name: bucket :many
-- How many deliveries a bucket holds by now, and what the time is: what came back since it was changed
-- is added, up to :most. A queue without a row, or whose bucket was never used, has a full one.
-- Locks: none of its own; runs under the write lock.
SELECT
    min(
        :most,
        coalesce(
            rate_tokens + max(
                CAST(round((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER) * 1000 - rate_at, 0
            ) / 1000000.0 * :per_second,
            :most
        )
    ) AS tokens,
    max(
        CAST(round((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER) * 1000, coalesce(rate_at, 0)
    ) AS at_us
FROM outbox_queues
WHERE queue = :queue;

-- name: make_bucket :exec
-- A row for a queue that has none: everything else in it has its default.
-- Locks: the database's write lock.
INSERT INTO outbox_queues (queue) VALUES (:queue) ON CONFLICT DO NOTHING;

-- name: fill_bucket :exec
-- What is left in the bucket, at the time that was read with it, and for people what rate it has.
-- Locks: the database's write lock.
UPDATE outbox_queues
SET
    rate_count = :rate_count,
    rate_per_us = :rate_per_us,
    rate_tokens = :tokens,
    rate_at = :at_us
WHERE queue = :queue;
