-- Keys that wait apart. A partition's set of them has a version, processor.parking, which is NULL as long as
-- it never had any: a lease reads it along, and its worker looks here only when it is another than before.

-- name: park_keys :exec
-- The keys of messages that are given up. :parked is a JSON array of
-- [partition id, seq, reason, fingerprint, attempts, whether the key is to be parked].
-- Differs: a statement of its own, although settling is one here: it is run only when something is parked.
-- Locks: the new rows; the processor rows are held already.
INSERT INTO outbox_parked_keys (partition_id, message_key)
SELECT o.partition_id, b.message_key
FROM json_array_elements(CAST(:parked AS json)) AS g (v)
INNER JOIN outbox_processor AS c ON c.partition_id = CAST(g.v ->> 0 AS bigint)
INNER JOIN outbox_outgoing AS o
    ON o.partition_id = c.partition_id AND o.seq = CAST(g.v ->> 1 AS bigint) AND o.seq > c.processed_seq
INNER JOIN outbox_body AS b ON b.id = o.body_id
WHERE g.v ->> 5 = '1'
ON CONFLICT (partition_id, message_key) DO UPDATE SET state = 'parked';

-- name: raise_parking :exec
-- Another version of the partitions' sets of keys. The first is a time, so that none comes again although the
-- tables were emptied: a process would take what it remembers for the new set.
-- Locks: the processor rows, held already.
UPDATE outbox_processor
SET parking = coalesce(parking, CAST(extract(EPOCH FROM clock_timestamp()) * 1000000 AS bigint)) + 1
WHERE partition_id = ANY(CAST(:partition_ids AS bigint[]));

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
    b.message_key,
    o.seq,
    o.body_id,
    b.uid,
    b.origin,
    b.payload,
    b.payload_type,
    b.headers,
    b.created_at,
    g.v ->> 2,
    g.v ->> 3,
    CAST(g.v ->> 4 AS integer)
FROM json_array_elements(CAST(:parked AS json)) AS g (v)
INNER JOIN outbox_processor AS c ON c.partition_id = CAST(g.v ->> 0 AS bigint)
INNER JOIN outbox_outgoing AS o
    ON o.partition_id = c.partition_id AND o.seq = CAST(g.v ->> 1 AS bigint) AND o.seq > c.processed_seq
INNER JOIN outbox_body AS b ON b.id = o.body_id
INNER JOIN outbox_parked_keys AS k ON k.partition_id = o.partition_id AND k.message_key = b.message_key
WHERE k.state = 'parked' AND o.seq > coalesce(k.until_seq, 0)
ON CONFLICT (partition_id, message_key, seq) DO NOTHING;

-- name: read_parked_keys :many
-- What is to be passed over or put apart in a partition.
-- Locks: none.
SELECT
    k.message_key,
    k.state = 'parked' AS parked,
    coalesce(k.until_seq, 0) AS until_seq,
    (
        SELECT count(*) FROM outbox_parked AS m
        WHERE m.partition_id = k.partition_id AND m.message_key = k.message_key
    ) AS messages
FROM outbox_parked_keys AS k INNER JOIN outbox_processor AS c ON c.partition_id = k.partition_id
WHERE k.partition_id = :partition_id AND (k.state = 'parked' OR k.until_seq > c.processed_seq);

-- name: lock_partition :one
-- For a release: no number is given out and no cursor moves until commit.
-- Locks: the partition's row and its processor row, until commit.
SELECT p.sequence, c.processed_seq, p.retired_at IS NOT NULL AS retired
FROM outbox_partitions AS p INNER JOIN outbox_processor AS c ON c.partition_id = p.id
WHERE p.id = :partition_id
FOR NO KEY UPDATE;

-- name: read_parked_key :one
-- Locks: none; the partition is held already.
SELECT state, coalesce(until_seq, 0) AS until_seq
FROM outbox_parked_keys
WHERE partition_id = :partition_id AND message_key = CAST(:message_key AS text);

-- name: read_parked :many
-- A key's messages in order, from just above :after_seq.
-- Locks: none; the partition is held already.
SELECT
    seq,
    message_id,
    payload,
    payload_type,
    headers,
    CAST(extract(EPOCH FROM created_at) * 1000000 AS bigint) AS created_at,
    message_key,
    uid,
    origin
FROM outbox_parked
WHERE partition_id = :partition_id AND message_key = CAST(:message_key AS text) AND seq > :after_seq
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
    b.headers,
    CAST(extract(EPOCH FROM b.created_at) * 1000000 AS bigint) AS created_at,
    b.message_key,
    b.uid,
    b.origin
FROM outbox_outgoing AS o INNER JOIN outbox_body AS b ON b.id = o.body_id
WHERE
    o.partition_id = :partition_id
    AND o.seq > :after_seq
    AND o.seq <= :last_seq
    AND b.message_key = CAST(:message_key AS text)
ORDER BY o.seq
LIMIT :limit;

-- name: number_messages :exec
-- Messages that were just written, with the numbers that they get: a JSON array of [seq, body id].
-- Locks: the new rows.
INSERT INTO outbox_outgoing (partition_id, seq, body_id)
SELECT CAST(:partition_id AS bigint), CAST(g.v ->> 0 AS bigint), CAST(g.v ->> 1 AS bigint)
FROM json_array_elements(CAST(:numbered AS json)) AS g (v);

-- name: take_from_incoming :exec
-- The same messages need no number any more.
-- Locks: the rows, which are this transaction's own.
DELETE FROM outbox_incoming
WHERE partition_id = :partition_id AND body_id = ANY(CAST(:body_ids AS bigint[]));

-- name: set_sequence :exec
-- Locks: the partition's row, held already.
UPDATE outbox_partitions SET sequence = :sequence WHERE id = :partition_id;

-- name: put_parked_key :exec
-- A key by itself: parked by an operator, or released.
-- Locks: the key's row.
INSERT INTO outbox_parked_keys (partition_id, message_key, state, until_seq)
VALUES (:partition_id, CAST(:message_key AS text), CAST(:state AS varchar), CAST(:until_seq AS bigint))
ON CONFLICT (partition_id, message_key) DO UPDATE SET state = excluded.state, until_seq = excluded.until_seq;

-- name: forget_released :exec
-- Released keys whose old places are all behind the cursor.
-- Locks: the rows that it deletes.
DELETE FROM outbox_parked_keys AS k
USING outbox_processor AS c
WHERE
    k.partition_id = :partition_id
    AND c.partition_id = k.partition_id
    AND k.state = 'released'
    AND k.until_seq <= c.processed_seq;

-- name: delete_parked :exec
-- Locks: the rows that it deletes.
DELETE FROM outbox_parked WHERE partition_id = :partition_id AND message_key = CAST(:message_key AS text);

-- name: discard_parked :exec
-- A key's messages as discarded dead letters, so that they stay readable until cleanup.
-- Locks: the new rows.
INSERT INTO outbox_dead_letters (
    message_id, partition_id, seq, payload, payload_type, headers, created_at, last_error, attempts,
    message_key, uid, origin, fingerprint, status, completed_at
)
SELECT
    message_id, partition_id, seq, payload, payload_type, headers, created_at, last_error, attempts,
    message_key, uid, origin, fingerprint, 'discarded', clock_timestamp()
FROM outbox_parked
WHERE partition_id = :partition_id AND message_key = CAST(:message_key AS text)
ORDER BY seq;

-- name: list_parked :many
-- The keys that wait, for people.
-- Locks: none.
SELECT
    p.queue,
    p.partition & 63 AS partition,
    k.partition_id,
    k.message_key,
    CAST(extract(EPOCH FROM k.parked_at) * 1000000 AS bigint) AS parked_at,
    m.messages,
    m.payload_bytes,
    m.last_error
FROM outbox_parked_keys AS k
INNER JOIN outbox_partitions AS p ON p.id = k.partition_id
LEFT JOIN LATERAL (
    SELECT
        count(*) AS messages,
        CAST(coalesce(sum(octet_length(a.payload)), 0) AS bigint) AS payload_bytes,
        (array_agg(a.last_error ORDER BY a.seq))[1] AS last_error
    FROM outbox_parked AS a
    WHERE a.partition_id = k.partition_id AND a.message_key = k.message_key
) AS m ON TRUE
WHERE k.state = 'parked' AND (CAST(:queue AS varchar) IS NULL OR p.queue = CAST(:queue AS varchar))
ORDER BY k.parked_at, k.message_key
LIMIT :limit;

-- name: count_parked :one
-- Keys and messages that wait.
-- Locks: none.
SELECT
    count(*) AS parked_keys,
    CAST(coalesce(sum((
        SELECT count(*) FROM outbox_parked AS m
        WHERE m.partition_id = k.partition_id AND m.message_key = k.message_key
    )), 0) AS bigint) AS messages
FROM outbox_parked_keys AS k INNER JOIN outbox_partitions AS p ON p.id = k.partition_id
WHERE k.state = 'parked' AND (CAST(:queue AS varchar) IS NULL OR p.queue = CAST(:queue AS varchar));
