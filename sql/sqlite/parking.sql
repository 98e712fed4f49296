-- Keys that wait apart. A partition's set of them has a version, processor.parking, which is NULL as long as
-- it never had any: a lease reads it along, and its worker looks here only when it is another than before.

-- name: park_keys :exec
-- The keys of messages that are given up. :parked is a JSON array of
-- [partition id, seq, reason, fingerprint, attempts, whether the key is to be parked].
-- Locks: the database's write lock, held already.
INSERT INTO outbox_parked_keys (partition_id, message_key)
SELECT
    o.partition_id,
    b.message_key
FROM json_each(:parked) AS g
CROSS JOIN outbox_processor AS c
CROSS JOIN outbox_outgoing AS o
CROSS JOIN outbox_body AS b
WHERE
    json_extract(g.value, '$[5]')
    AND c.partition_id = json_extract(g.value, '$[0]')
    AND o.partition_id = c.partition_id
    AND o.seq = json_extract(g.value, '$[1]')
    AND o.seq > c.processed_seq
    AND b.id = o.body_id
ON CONFLICT (partition_id, message_key) DO UPDATE SET state = 'parked';

-- name: raise_parking :exec
-- Another version of the partitions' sets of keys. The first is a time, so that none comes again although the
-- tables were emptied: a process would take what it remembers for the new set.
-- Locks: the database's write lock, held already.
UPDATE outbox_processor
SET
    parking = coalesce(
        parking, CAST(round((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER) * 1000
    ) + 1
WHERE partition_id IN (SELECT value FROM json_each(:partition_ids));

-- name: insert_parked :exec
-- Messages into the waiting sequence of their key, unless it was released meanwhile: then they have new
-- numbers. Those at or before the cursor are there already.
-- Locks: the database's write lock, held already.
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
    json_extract(g.value, '$[2]'),
    json_extract(g.value, '$[3]'),
    json_extract(g.value, '$[4]')
FROM json_each(:parked) AS g
CROSS JOIN outbox_processor AS c
CROSS JOIN outbox_outgoing AS o
CROSS JOIN outbox_body AS b
CROSS JOIN outbox_parked_keys AS k
WHERE
    c.partition_id = json_extract(g.value, '$[0]')
    AND o.partition_id = c.partition_id
    AND o.seq = json_extract(g.value, '$[1]')
    AND o.seq > c.processed_seq
    AND b.id = o.body_id
    AND k.partition_id = o.partition_id
    AND k.message_key = b.message_key
    AND k.state = 'parked'
    AND o.seq > coalesce(k.until_seq, 0)
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
-- Differs: there are no rows to lock.
-- Locks: none of its own; runs under the write lock.
SELECT
    p.sequence,
    c.processed_seq,
    p.retired_at IS NOT NULL AS retired
FROM outbox_partitions AS p INNER JOIN outbox_processor AS c ON c.partition_id = p.id
WHERE p.id = :partition_id;

-- name: read_parked_key :one
-- Locks: none of its own; runs under the write lock.
SELECT
    state,
    coalesce(until_seq, 0) AS until_seq
FROM outbox_parked_keys
WHERE partition_id = :partition_id AND message_key = :message_key;

-- name: read_parked :many
-- A key's messages in order, from just above :after_seq.
-- Locks: none of its own; runs under the write lock.
SELECT
    seq,
    message_id,
    payload,
    payload_type,
    headers,
    created_at,
    message_key,
    uid,
    origin
FROM outbox_parked
WHERE partition_id = :partition_id AND message_key = :message_key AND seq > :after_seq
ORDER BY seq
LIMIT :limit;

-- name: read_sequenced :many
-- The messages of a key that have a number and are not delivered, from just above :after_seq.
-- Locks: none of its own; runs under the write lock.
SELECT
    o.seq,
    o.body_id AS message_id,
    b.payload,
    b.payload_type,
    b.headers,
    b.created_at,
    b.message_key,
    b.uid,
    b.origin
FROM outbox_outgoing AS o INNER JOIN outbox_body AS b ON b.id = o.body_id
WHERE
    o.partition_id = :partition_id
    AND o.seq > :after_seq
    AND o.seq <= :last_seq
    AND b.message_key = :message_key
ORDER BY o.seq
LIMIT :limit;

-- name: number_messages :exec
-- Messages that were just written, with the numbers that they get: a JSON array of [seq, body id].
-- Locks: the database's write lock, held already.
INSERT INTO outbox_outgoing (partition_id, seq, body_id)
SELECT
    :partition_id,
    json_extract(g.value, '$[0]'),
    json_extract(g.value, '$[1]')
FROM json_each(:numbered) AS g;

-- name: take_from_incoming :exec
-- The same messages need no number any more.
-- Locks: the database's write lock, held already.
DELETE FROM outbox_incoming
WHERE partition_id = :partition_id AND body_id IN (SELECT value FROM json_each(:body_ids));

-- name: set_sequence :exec
-- Locks: the database's write lock, held already.
UPDATE outbox_partitions SET sequence = :sequence
WHERE id = :partition_id;

-- name: put_parked_key :exec
-- A key by itself: parked by an operator, or released.
-- Locks: the database's write lock, held already.
INSERT INTO outbox_parked_keys (partition_id, message_key, state, until_seq)
VALUES (:partition_id, :message_key, :state, :until_seq)
ON CONFLICT (partition_id, message_key) DO UPDATE SET state = excluded.state, until_seq = excluded.until_seq;

-- name: forget_released :exec
-- Released keys whose old places are all behind the cursor.
-- Locks: the database's write lock, held already.
DELETE FROM outbox_parked_keys
WHERE
    partition_id = :partition_id
    AND state = 'released'
    AND until_seq <= (
        SELECT c.processed_seq FROM outbox_processor AS c
        WHERE c.partition_id = outbox_parked_keys.partition_id
    );

-- name: delete_parked :exec
-- Locks: the database's write lock, held already.
DELETE FROM outbox_parked
WHERE partition_id = :partition_id AND message_key = :message_key;

-- name: discard_parked :exec
-- A key's messages as discarded dead letters, so that they stay readable until cleanup.
-- Locks: the database's write lock, held already.
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
    message_key,
    uid,
    origin,
    fingerprint,
    'discarded',
    CAST(round((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER) * 1000
FROM outbox_parked
WHERE partition_id = :partition_id AND message_key = :message_key
ORDER BY seq;

-- name: list_parked :many
-- The keys that wait, for people.
-- Locks: none.
SELECT
    p.queue,
    p.partition & 63 AS partition,
    k.partition_id,
    k.message_key,
    k.parked_at,
    count(m.seq) AS messages,
    coalesce(sum(length(m.payload)), 0) AS payload_bytes,
    (
        SELECT f.last_error FROM outbox_parked AS f
        WHERE f.partition_id = k.partition_id AND f.message_key = k.message_key
        ORDER BY f.seq
        LIMIT 1
    ) AS last_error
FROM outbox_parked_keys AS k
INNER JOIN outbox_partitions AS p ON p.id = k.partition_id
LEFT JOIN outbox_parked AS m ON m.partition_id = k.partition_id AND m.message_key = k.message_key
WHERE k.state = 'parked' AND (:queue IS NULL OR p.queue = :queue)
GROUP BY p.queue, p.partition, k.partition_id, k.message_key, k.parked_at
ORDER BY k.parked_at, k.message_key
LIMIT :limit;

-- name: count_parked :one
-- Keys and messages that wait.
-- Locks: none.
SELECT
    count(*) AS parked_keys,
    coalesce(sum((
        SELECT count(*) FROM outbox_parked AS m
        WHERE m.partition_id = k.partition_id AND m.message_key = k.message_key
    )), 0) AS messages
FROM outbox_parked_keys AS k INNER JOIN outbox_partitions AS p ON p.id = k.partition_id
WHERE k.state = 'parked' AND (:queue IS NULL OR p.queue = :queue);
