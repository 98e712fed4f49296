-- name: count_dead_letters_by_status :many
-- For the status report.
SELECT status, count(*) AS n FROM outbox_dead_letters GROUP BY status;
