-- name: insert_body :values
-- Bodies of one or more messages, on the producer's own connection. One statement's rows get ids
-- in row order, LAST_INSERT_ID() being the first, in steps of auto_increment_increment.
-- Differs: two statements, this one and insert_incoming, because there is no writable CTE. The values
-- are hexadecimal text: digits arrive unharmed and without warnings through any driver, character
-- set and sql_mode, and tell the statement's size before it is sent.
-- Locks: the new rows.
INSERT INTO outbox_body (payload, payload_type, headers)
VALUES (unhex(:payload), unhex(:payload_type), unhex(:headers));

-- name: insert_incoming :exec
-- The incoming rows of the bodies just inserted: :partition_ids is a JSON array in their order,
-- :first_id the first body's id. The step is read here, in the session that gave out the ids, and
-- LAST_INSERT_ID(step) lets the server's answer carry it to the client, which knows all ids then.
-- Differs: the body ids are computed, not returned.
-- Locks: the new rows; touches no shared row.
INSERT INTO outbox_incoming (partition_id, body_id)
SELECT given.partition_id, :first_id + (given.n - 1) * LAST_INSERT_ID(@@SESSION.auto_increment_increment)
FROM JSON_TABLE(
    CONVERT(:partition_ids USING utf8mb4), '$[*]' COLUMNS (n FOR ORDINALITY, partition_id BIGINT PATH '$')
) AS given;

-- name: largest_statement :one
-- How many bytes a statement may have; asked before one of more than a megabyte, for which the
-- server might drop the producer's connection.
-- Differs: elsewhere a statement may be of any size.
SELECT @@SESSION.max_allowed_packet;
