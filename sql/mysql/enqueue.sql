-- name: insert_body :values
-- Bodies of one or more messages, on the producer's own connection. One statement's rows get ids
-- in row order, LAST_INSERT_ID() being the first, in steps of auto_increment_increment.
-- Differs: two statements, this one and insert_incoming, because there is no writable CTE.
-- Locks: the new rows.
INSERT INTO outbox_body (payload, payload_type, headers) VALUES (:payload, :payload_type, :headers);

-- name: insert_incoming :exec
-- The incoming rows of the bodies just inserted: :partition_ids is a JSON array in their order,
-- :first_id the first body's id. The step is read here, in the session that gave out the ids.
-- Differs: the body ids are computed, not returned.
-- Locks: the new rows; touches no shared row.
INSERT INTO outbox_incoming (partition_id, body_id)
SELECT given.partition_id, :first_id + (given.n - 1) * @@SESSION.auto_increment_increment
FROM JSON_TABLE(
    CONVERT(:partition_ids USING utf8mb4), '$[*]' COLUMNS (n FOR ORDINALITY, partition_id BIGINT PATH '$')
) AS given;

-- name: id_step :one
-- How far apart the ids of one multi-row insert are: not 1 on a cluster. A batch asks for it to
-- know the ids that it returns; a single message has no need to.
SELECT @@SESSION.auto_increment_increment;
