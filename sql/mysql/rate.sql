-- name: bucket :many
-- How many deliveries a bucket holds by now, and what the time is: what came back since it was changed
-- is added, up to :most. A queue without a row, or whose bucket was never used, has a full one.
-- Locks: the queue's row, waiting for a process that takes at this moment.
SELECT
    LEAST(
        :most,
        COALESCE(
            rate_tokens
            + GREATEST(TIMESTAMPDIFF(MICROSECOND, rate_at, UTC_TIMESTAMP(6)), 0) / 1000000 * :per_second,
            :most
        )
    ) AS tokens,
    TIMESTAMPDIFF(
        MICROSECOND, '1970-01-01', GREATEST(UTC_TIMESTAMP(6), COALESCE(rate_at, UTC_TIMESTAMP(6)))
    ) AS at_us
FROM outbox_queues FORCE INDEX (PRIMARY)
WHERE queue = :queue
FOR UPDATE;

-- name: make_bucket :exec
-- A row for a queue that has none: everything else in it has its default.
-- Locks: the new row.
INSERT INTO outbox_queues (queue) VALUES (:queue) ON DUPLICATE KEY UPDATE queue = queue;

-- name: fill_bucket :exec
-- What is left in the bucket, at the time that was read with it, and for people what rate it has.
-- Locks: the queue's row, held already.
UPDATE outbox_queues
SET
    rate_count = :rate_count,
    rate_per_us = :rate_per_us,
    rate_tokens = :tokens,
    rate_at = TIMESTAMPADD(MICROSECOND, :at_us, '1970-01-01')
WHERE queue = :queue;
