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
-- :first_id the first body's id; partition 0, which does not exist, is that of a message that waits until it
-- is due. LAST_INSERT_ID(:kept) is for its effect on the session, see last_insert_id.
-- Differs: the body ids are computed, not returned.
-- Locks: the new rows; touches no shared row.
INSERT INTO outbox_incoming (partition_id, body_id)
SELECT given.partition_id, :first_id + (given.n - 1) * :step + 0 * LAST_INSERT_ID(:kept)
FROM JSON_TABLE(
    CONVERT(:partition_ids USING utf8mb4), '$[*]' COLUMNS (n FOR ORDINALITY, partition_id BIGINT PATH '$')
) AS given
WHERE given.partition_id > 0;

-- name: insert_delayed :exec
-- Instead of the incoming row, for messages that wait until they are due: :waiting is a JSON array of
-- [place among the bodies, partition id, microseconds from now, microseconds since 1970 or -1].
-- Differs: a part of enqueue_later. LAST_INSERT_ID as in insert_incoming.
-- Locks: the new rows; touches no shared row.
INSERT INTO outbox_delayed (partition_id, due_at, body_id)
SELECT
    given.partition_id,
    IF(
        given.due_us >= 0,
        TIMESTAMPADD(MICROSECOND, given.due_us, '1970-01-01'),
        TIMESTAMPADD(MICROSECOND, given.delay_us, UTC_TIMESTAMP(6))
    ),
    :first_id + given.place * :step + 0 * LAST_INSERT_ID(:kept)
FROM JSON_TABLE(CONVERT(:waiting USING utf8mb4), '$[*]' COLUMNS (
    place BIGINT PATH '$[0]',
    partition_id BIGINT PATH '$[1]',
    delay_us BIGINT PATH '$[2]',
    due_us BIGINT PATH '$[3]'
)) AS given;

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

-- name: claim_keys :exec
-- Claim names of messages for a producer, the n-th for :windows[n] microseconds, where they are free; which
-- ones were, claimed_keys tells. A producer that claims one of them at this moment is waited for: if it
-- commits, the name is taken, if it rolls back, it is free. A claim without a message (body_id 0) is one that
-- was given up. The names are digits, as in insert_body. The assignments are made in their order.
-- Differs: an INSERT cannot tell what it has inserted.
-- Locks: the rows of the names, until the producer's transaction ends.
INSERT INTO outbox_dedup (queue, dedup_key, body_id, expires_at)
SELECT :queue, UNHEX(k.dedup_key), 0, TIMESTAMPADD(MICROSECOND, w.window_us, UTC_TIMESTAMP(6))
FROM JSON_TABLE(CONVERT(:dedup_keys USING utf8mb4), '$[*]' COLUMNS (
    n FOR ORDINALITY, dedup_key VARCHAR(2048) PATH '$'
)) AS k
STRAIGHT_JOIN JSON_TABLE(CONVERT(:windows USING utf8mb4), '$[*]' COLUMNS (
    n FOR ORDINALITY, window_us BIGINT PATH '$'
)) AS w ON w.n = k.n
ON DUPLICATE KEY UPDATE
body_id = IF(outbox_dedup.expires_at <= UTC_TIMESTAMP(6), 0, outbox_dedup.body_id),
expires_at = IF(
    outbox_dedup.body_id = 0,
    TIMESTAMPADD(MICROSECOND, w.window_us, UTC_TIMESTAMP(6)),
    outbox_dedup.expires_at
);

-- name: claimed_keys :many
-- The messages that have these names, with the places of the names; 0 for a name that is claimed now. It
-- reads what is there and not what the transaction's snapshot shows.
-- Locks: the rows of the names, held already.
SELECT k.n - 1 AS place, d.body_id
FROM (
    SELECT j.n, j.dedup_key
    FROM JSON_TABLE(CONVERT(:dedup_keys USING utf8mb4), '$[*]' COLUMNS (
        n FOR ORDINALITY, dedup_key VARCHAR(2048) PATH '$'
    )) AS j
    LIMIT 1000000
) AS k
STRAIGHT_JOIN outbox_dedup AS d FORCE INDEX (PRIMARY)
    ON d.queue = :queue AND d.dedup_key = UNHEX(k.dedup_key)
FOR UPDATE;

-- name: name_keys :exec
-- Which messages have the names that were claimed.
-- Locks: the rows of the names, held already.
UPDATE
    JSON_TABLE(CONVERT(:dedup_keys USING utf8mb4), '$[*]' COLUMNS (
        n FOR ORDINALITY, dedup_key VARCHAR(2048) PATH '$'
    )) AS k
STRAIGHT_JOIN JSON_TABLE(CONVERT(:body_ids USING utf8mb4), '$[*]' COLUMNS (
    n FOR ORDINALITY, body_id BIGINT PATH '$'
)) AS b ON b.n = k.n
STRAIGHT_JOIN outbox_dedup AS d FORCE INDEX (PRIMARY)
    ON d.queue = :queue AND d.dedup_key = UNHEX(k.dedup_key)
SET d.body_id = b.body_id;

-- name: reserve_keys :exec
-- Rows for names that have none, on a connection of the outbox's own that commits them before a producer claims
-- them. If it inserted them itself and rolled back, InnoDB would give those that wait for one of them a lock on
-- the gap each, in which none can insert: a deadlock, which aborts all their transactions but one. A row that
-- stays is waited for in a line. What is there is only read, and so never waited for.
-- Differs: elsewhere who waits for an INSERT that is rolled back goes on.
-- Locks: the new rows, for this statement alone.
INSERT INTO outbox_dedup (queue, dedup_key, body_id, expires_at)
SELECT :queue, UNHEX(k.dedup_key), 0, TIMESTAMPADD(MICROSECOND, w.window_us, UTC_TIMESTAMP(6))
FROM JSON_TABLE(CONVERT(:dedup_keys USING utf8mb4), '$[*]' COLUMNS (
    n FOR ORDINALITY, dedup_key VARCHAR(2048) PATH '$'
)) AS k
STRAIGHT_JOIN JSON_TABLE(CONVERT(:windows USING utf8mb4), '$[*]' COLUMNS (
    n FOR ORDINALITY, window_us BIGINT PATH '$'
)) AS w ON w.n = k.n
WHERE NOT EXISTS (
    SELECT 1 FROM outbox_dedup AS d FORCE INDEX (PRIMARY)
    WHERE d.queue = :queue AND d.dedup_key = UNHEX(k.dedup_key)
)
ON DUPLICATE KEY UPDATE body_id = outbox_dedup.body_id;
