-- name: last_insert_id :one
-- What LAST_INSERT_ID() is in the producer's session, which insert_incoming puts back: the producer may
-- have inserted an order, and be about to insert its items. And the step from one id to the next, by which
-- the ids of a chunk are known.
-- Differs: elsewhere an INSERT of ours changes nothing that a session remembers, or the driver forgets it.
-- Locks: none.
SELECT
    LAST_INSERT_ID() AS kept,
    @@SESSION.auto_increment_increment AS step;

-- name: insert_body :values
-- Bodies of one or more messages, on the producer's own connection. One statement's rows get ids
-- in row order, LAST_INSERT_ID() being the first, in steps of auto_increment_increment.
-- Differs: two statements, this one and insert_incoming, because there is no writable CTE. The values
-- are hexadecimal text: digits arrive unharmed and without warnings through any driver, character
-- set and sql_mode, and tell the statement's size before it is sent.
-- Locks: the new rows.
INSERT INTO outbox_body (payload, payload_type, headers)
VALUES (unhex(:payload), unhex(:payload_type), unhex(:headers));

-- name: insert_keyed_body :values
-- The same for messages of which one has a key, so that those without send nothing more.
-- Differs: as insert_body.
-- Locks: as insert_body.
INSERT INTO outbox_body (payload, payload_type, headers, message_key)
VALUES (unhex(:payload), unhex(:payload_type), unhex(:headers), unhex(:message_key));

-- name: insert_named_body :values
-- The same for messages that keep the name which they had, or tell whom they repeat.
-- Differs: as insert_body.
-- Locks: as insert_body.
INSERT INTO outbox_body (payload, payload_type, headers, message_key, uid, origin)
VALUES (
    unhex(:payload), unhex(:payload_type), unhex(:headers), unhex(:message_key), unhex(:uid), unhex(:origin)
);

-- name: insert_incoming :exec
-- The incoming rows of the bodies just inserted: :partition_ids is a JSON array in their order,
-- :first_id the first body's id. LAST_INSERT_ID(:kept) is for its effect on the session, see last_insert_id.
-- Differs: the body ids are computed, not returned.
-- Locks: the new rows; touches no shared row.
INSERT INTO outbox_incoming (partition_id, body_id)
SELECT given.partition_id, :first_id + (given.n - 1) * :step + 0 * LAST_INSERT_ID(:kept)
FROM JSON_TABLE(
    CONVERT(:partition_ids USING utf8mb4), '$[*]' COLUMNS (n FOR ORDINALITY, partition_id BIGINT PATH '$')
) AS given;

-- name: largest_statement :one
-- How many bytes a statement may have; asked before one of more than a megabyte, for which the
-- server might drop the producer's connection.
-- Differs: elsewhere a statement may be of any size.
SELECT @@SESSION.max_allowed_packet;

-- name: place :one
-- Where a connection leads: asked once on each connection of a producer, compared with that of the outbox.
-- Differs: no start time of the server can be read without a right; MySQL and MariaDB both have these facts.
-- Locks: none, and no snapshot: it reads no table.
SELECT
    DATABASE() AS database_name,
    CONCAT_WS('|', @@hostname, @@port, @@server_id, @@datadir) AS server_identity;

-- name: place_of_tables :many
-- The database of the outbox's own connections: messages are written into the tables of that one, whatever
-- USE the producer's connection has seen.
-- Differs: a connection to SQLite reaches its file alone.
-- Locks: none.
SELECT DATABASE() AS qualifier;

-- name: birth :many
-- When the tables were made, to the microsecond: the nodes of a cluster have it in common, which are several
-- servers. Asked when the outbox opens, and where the servers differ.
-- Differs: PostgreSQL's tables have numbers, and SQLite has a file.
-- Locks: none.
SELECT CAST(MIN(applied_at) AS CHAR) AS born
FROM outbox_migrations;
