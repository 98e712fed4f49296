-- Keys that wait apart. A partition's set of them has a version, processor.parking, which is NULL as long as
-- it never had any: a lease reads it along, and its worker looks here only when it is another than before.
-- Keys are bytes here, and texts travel as hexadecimal digits.

-- name: park_keys :exec
-- The keys of messages that are given up. :parked is a JSON array of
-- [partition id, seq, reason, fingerprint, attempts, whether the key is to be parked].
-- Locks: the new rows; the processor rows are held already.
INSERT INTO outbox_parked_keys (partition_id, message_key)
SELECT o.partition_id, CAST(b.message_key AS BINARY) AS message_key
FROM
    JSON_TABLE(:parked, '$[*]' COLUMNS ( -- noqa: RF03
        partition_id BIGINT PATH '$[0]', -- noqa: RF03
        seq BIGINT PATH '$[1]',
        reason VARCHAR(16000) CHARACTER SET ascii PATH '$[2]',
        fingerprint VARCHAR(2040) CHARACTER SET ascii PATH '$[3]',
        attempts INTEGER PATH '$[4]',
        gives_up INTEGER PATH '$[5]'
    )) AS g
STRAIGHT_JOIN outbox_processor AS c FORCE INDEX (PRIMARY) ON c.partition_id = g.partition_id
STRAIGHT_JOIN outbox_outgoing AS o FORCE INDEX (PRIMARY)
    ON o.partition_id = g.partition_id AND o.seq = g.seq AND o.seq > c.processed_seq
STRAIGHT_JOIN outbox_body AS b FORCE INDEX (PRIMARY) ON b.id = o.body_id
WHERE g.gives_up = 1
ON DUPLICATE KEY UPDATE outbox_parked_keys.state = 'parked';

-- name: raise_parking :exec
-- Another version of the partitions' sets of keys. The first is a time, so that none comes again although the
-- tables were emptied: a process would take what it remembers for the new set.
-- Locks: the processor rows, held already.
UPDATE
    JSON_TABLE(:partition_ids, '$[*]' COLUMNS (partition_id BIGINT PATH '$')) AS given
STRAIGHT_JOIN outbox_processor AS c FORCE INDEX (PRIMARY) ON c.partition_id = given.partition_id
SET c.parking = COALESCE(c.parking, TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6))) + 1;

-- name: insert_parked :exec
-- Messages into the waiting sequence of their key, unless it was released meanwhile: then they have new
-- numbers. Those at or before the cursor are there already.
-- Locks: the new rows; the processor rows are held already.
INSERT INTO outbox_parked (
    partition_id, message_key, seq, message_id, uid, origin, payload, payload_type, headers, created_at,
    last_error, fingerprint, attempts
)
SELECT
    o.partition_id,
    k.message_key,
    o.seq,
    o.body_id,
    b.uid,
    b.origin,
    b.payload,
    b.payload_type,
    b.headers,
    b.created_at,
    CONVERT(UNHEX(g.reason) USING utf8mb4),
    CONVERT(UNHEX(g.fingerprint) USING utf8mb4),
    g.attempts
FROM
    JSON_TABLE(:parked, '$[*]' COLUMNS (
        partition_id BIGINT PATH '$[0]',
        seq BIGINT PATH '$[1]',
        reason VARCHAR(16000) CHARACTER SET ascii PATH '$[2]',
        fingerprint VARCHAR(2040) CHARACTER SET ascii PATH '$[3]',
        attempts INTEGER PATH '$[4]',
        gives_up INTEGER PATH '$[5]'
    )) AS g
STRAIGHT_JOIN outbox_processor AS c FORCE INDEX (PRIMARY) ON c.partition_id = g.partition_id
STRAIGHT_JOIN outbox_outgoing AS o FORCE INDEX (PRIMARY)
    ON o.partition_id = g.partition_id AND o.seq = g.seq AND o.seq > c.processed_seq
STRAIGHT_JOIN outbox_body AS b FORCE INDEX (PRIMARY) ON b.id = o.body_id
STRAIGHT_JOIN outbox_parked_keys AS k FORCE INDEX (PRIMARY)
    ON k.partition_id = o.partition_id AND k.message_key = CAST(b.message_key AS BINARY)
WHERE k.state = 'parked' AND o.seq > COALESCE(k.until_seq, 0)
ON DUPLICATE KEY UPDATE outbox_parked.attempts = outbox_parked.attempts;

-- name: read_parked_keys :many
-- What is to be passed over or put apart in a partition.
-- Locks: none.
SELECT
    k.message_key,
    k.state = 'parked' AS parked,
    COALESCE(k.until_seq, 0) AS until_seq,
    (
        SELECT COUNT(*) FROM outbox_parked AS m
        WHERE m.partition_id = k.partition_id AND m.message_key = k.message_key
    ) AS messages
FROM outbox_parked_keys AS k
INNER JOIN outbox_processor AS c ON c.partition_id = k.partition_id
WHERE k.partition_id = :partition_id AND (k.state = 'parked' OR k.until_seq > c.processed_seq);

-- name: lock_partition :one
-- For a release: no number is given out and no cursor moves until commit.
-- Locks: the partition's row and its processor row, until commit.
SELECT p.sequence, c.processed_seq, p.retired_at IS NOT NULL AS retired
FROM outbox_partitions AS p FORCE INDEX (PRIMARY)
STRAIGHT_JOIN outbox_processor AS c FORCE INDEX (PRIMARY) ON c.partition_id = p.id
WHERE p.id = :partition_id
FOR UPDATE;

-- name: read_parked_key :one
-- Locks: none; the partition is held already.
SELECT state, COALESCE(until_seq, 0) AS until_seq
FROM outbox_parked_keys
WHERE partition_id = :partition_id AND message_key = UNHEX(:message_key);

-- name: read_parked :many
-- A key's messages in order, from just above :after_seq.
-- Locks: none; the partition is held already.
SELECT
    seq,
    message_id,
    payload,
    payload_type,
    CAST(headers AS BINARY) AS headers,
    TIMESTAMPDIFF(MICROSECOND, '1970-01-01', created_at) AS created_at,
    message_key,
    uid,
    origin
FROM outbox_parked
WHERE partition_id = :partition_id AND message_key = UNHEX(:message_key) AND seq > :after_seq
ORDER BY seq
LIMIT :limit;

-- name: read_sequenced :many
-- The messages of a key that have a number and are not delivered, from just above :after_seq.
-- Locks: none; the partition is held already.
SELECT
    o.seq,
    o.body_id AS message_id,
    b.payload,
    b.payload_type,
    CAST(b.headers AS BINARY) AS headers,
    TIMESTAMPDIFF(MICROSECOND, '1970-01-01', b.created_at) AS created_at,
    CAST(b.message_key AS BINARY) AS message_key,
    b.uid,
    b.origin
FROM outbox_outgoing AS o FORCE INDEX (PRIMARY)
STRAIGHT_JOIN outbox_body AS b FORCE INDEX (PRIMARY) ON b.id = o.body_id
WHERE
    o.partition_id = :partition_id
    AND o.seq > :after_seq
    AND o.seq <= :last_seq
    AND CAST(b.message_key AS BINARY) = UNHEX(:message_key)
ORDER BY o.seq
LIMIT :limit;

-- name: number_messages :exec
-- Messages that were just written, with the numbers that they get: a JSON array of [seq, body id].
-- Locks: the new rows.
INSERT INTO outbox_outgoing (partition_id, seq, body_id)
SELECT :partition_id, g.seq, g.body_id
FROM JSON_TABLE(:numbered, '$[*]' COLUMNS (seq BIGINT PATH '$[0]', body_id BIGINT PATH '$[1]')) AS g;

-- name: take_from_incoming :exec
-- The same messages need no number any more.
-- Locks: the rows, which are this transaction's own.
DELETE i
FROM JSON_TABLE(:body_ids, '$[*]' COLUMNS (id BIGINT PATH '$')) AS given
STRAIGHT_JOIN outbox_incoming AS i FORCE INDEX (PRIMARY)
    ON i.partition_id = :partition_id AND i.body_id = given.id;

-- name: set_sequence :exec
-- Locks: the partition's row, held already.
UPDATE outbox_partitions SET sequence = :sequence WHERE id = :partition_id;

-- name: put_parked_key :exec
-- A key by itself: parked by an operator, or released.
-- Locks: the key's row.
INSERT INTO outbox_parked_keys (partition_id, message_key, state, until_seq)
VALUES (:partition_id, UNHEX(:message_key), :state, :until_seq)
ON DUPLICATE KEY UPDATE state = :state, until_seq = :until_seq;

-- name: forget_released :exec
-- Released keys whose old places are all behind the cursor.
-- Locks: the partition's keys.
DELETE k
FROM outbox_processor AS c FORCE INDEX (PRIMARY)
STRAIGHT_JOIN outbox_parked_keys AS k FORCE INDEX (PRIMARY) ON k.partition_id = c.partition_id
WHERE c.partition_id = :partition_id AND k.state = 'released' AND k.until_seq <= c.processed_seq;

-- name: delete_parked :exec
-- Locks: the rows that it deletes.
DELETE FROM outbox_parked WHERE partition_id = :partition_id AND message_key = UNHEX(:message_key);

-- name: discard_parked :exec
-- A key's messages as discarded dead letters, so that they stay readable until cleanup.
-- Locks: the new rows.
INSERT INTO outbox_dead_letters (
    message_id, partition_id, seq, payload, payload_type, headers, created_at, last_error, attempts,
    message_key, uid, origin, fingerprint, status, completed_at
)
SELECT
    message_id,
    partition_id,
    seq,
    payload,
    payload_type,
    headers,
    created_at,
    last_error,
    attempts,
    CONVERT(message_key USING utf8mb4),
    uid,
    origin,
    fingerprint,
    'discarded',
    UTC_TIMESTAMP(6)
FROM outbox_parked
WHERE partition_id = :partition_id AND message_key = UNHEX(:message_key)
ORDER BY seq;

-- name: list_parked :many
-- The keys that wait, for people.
-- Locks: none.
SELECT
    p.queue,
    MOD(p.`partition`, 64) AS `partition`,
    k.partition_id,
    k.message_key,
    TIMESTAMPDIFF(MICROSECOND, '1970-01-01', k.parked_at) AS parked_at,
    (
        SELECT COUNT(*) FROM outbox_parked AS m
        WHERE m.partition_id = k.partition_id AND m.message_key = k.message_key
    ) AS messages,
    (
        SELECT COALESCE(SUM(OCTET_LENGTH(s.payload)), 0) FROM outbox_parked AS s
        WHERE s.partition_id = k.partition_id AND s.message_key = k.message_key
    ) AS payload_bytes,
    (
        SELECT CAST(f.last_error AS BINARY) FROM outbox_parked AS f
        WHERE f.partition_id = k.partition_id AND f.message_key = k.message_key
        ORDER BY f.seq
        LIMIT 1
    ) AS last_error
FROM outbox_parked_keys AS k
INNER JOIN outbox_partitions AS p ON p.id = k.partition_id
WHERE k.state = 'parked' AND (:queue IS NULL OR p.queue = :queue)
ORDER BY k.parked_at, k.message_key
LIMIT :limit;

-- name: count_parked :one
-- Keys and messages that wait.
-- Locks: none.
SELECT
    COUNT(*) AS parked_keys,
    COALESCE(SUM((
        SELECT COUNT(*) FROM outbox_parked AS m
        WHERE m.partition_id = k.partition_id AND m.message_key = k.message_key
    )), 0) AS messages
FROM outbox_parked_keys AS k
INNER JOIN outbox_partitions AS p ON p.id = k.partition_id
WHERE k.state = 'parked' AND (:queue IS NULL OR p.queue = :queue);
