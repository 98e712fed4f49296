-- name: forget_failure :exec
-- A delivered message has no failures.
DELETE FROM outbox_failures WHERE partition_id = :partition_id AND seq = :seq;
