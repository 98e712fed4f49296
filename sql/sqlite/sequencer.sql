-- name: sequence :many
-- Give out numbers to many partitions at once: each sequence grows by the number of its committed
-- incoming rows, up to :limit (whatever is visible: no lower bound, so that a transaction that
-- commits late loses nothing). A partition without incoming rows is not touched nor returned.
-- A retired partition gets no number any more; of those in its place only what is below :below, the first
-- message that is to be readdressed.
-- Differs: SQLite changes one table a statement, so a pass is this, insert_outgoing and
-- delete_incoming in one transaction. It holds the write lock: nothing commits in between.
-- Locks: the database's write lock.
UPDATE outbox_partitions
SET
    sequence = sequence + (
        SELECT count(*) FROM (
            SELECT 1 FROM outbox_incoming AS i
            WHERE i.partition_id = outbox_partitions.id AND i.body_id < :below LIMIT :limit
        )
    )
WHERE
    id IN (SELECT value FROM json_each(:partition_ids))
    AND retired_at IS NULL
    AND EXISTS (
        SELECT 1 FROM outbox_incoming AS i WHERE i.partition_id = outbox_partitions.id AND i.body_id < :below
    )
RETURNING
    id AS partition_id,
    sequence AS last_seq,
    (
        SELECT count(*) FROM (
            SELECT 1 FROM outbox_incoming AS i
            WHERE i.partition_id = outbox_partitions.id AND i.body_id < :below LIMIT :limit
        )
    ) AS moved,
    (
        SELECT max(found.body_id) FROM (
            SELECT i.body_id FROM outbox_incoming AS i
            WHERE i.partition_id = outbox_partitions.id AND i.body_id < :below
            ORDER BY i.body_id LIMIT :limit
        ) AS found
    ) AS last_body_id;

-- name: insert_outgoing :exec
-- The rows that were counted, in the order of their ids. :moves is a JSON array of
-- [partition id, number before the first, last body id].
-- Differs: the second step of sequence.
-- Locks: the database's write lock, held already.
WITH moves AS MATERIALIZED (
    SELECT
        json_extract(value, '$[0]') AS partition_id,
        json_extract(value, '$[1]') AS base,
        json_extract(value, '$[2]') AS last_body_id
    FROM json_each(:moves)
)

INSERT INTO outbox_outgoing (partition_id, seq, body_id)
SELECT
    i.partition_id,
    m.base + row_number() OVER (PARTITION BY i.partition_id ORDER BY i.body_id),
    i.body_id
FROM moves AS m CROSS JOIN outbox_incoming AS i
WHERE i.partition_id = m.partition_id AND i.body_id <= m.last_body_id;

-- name: delete_incoming :exec
-- The rows that were moved; a range is exact here, because no other writer was there since.
-- Differs: the third step of sequence.
-- Locks: the database's write lock, held already.
DELETE FROM outbox_incoming
WHERE (partition_id, body_id) IN (
    SELECT
        i.partition_id,
        i.body_id
    FROM json_each(:moves) AS m CROSS JOIN outbox_incoming AS i
    WHERE i.partition_id = json_extract(m.value, '$[0]') AND i.body_id <= json_extract(m.value, '$[2]')
);

-- name: sequence_due :many
-- The same for messages that have become due: the partitions' numbers. What is due in each is read by
-- oldest_due, and moved by insert_due, delete_due and advance_sequence.
-- Differs: five statements in one transaction; it holds the write lock, so nothing commits in between.
-- Locks: none of its own; runs under the write lock.
SELECT id, sequence
FROM outbox_partitions
WHERE id IN (SELECT value FROM json_each(:partition_ids)) AND retired_at IS NULL
ORDER BY id;

-- name: oldest_due :many
-- What is due in one partition, in the order in which it became so.
-- Differs: a read of its own, see sequence_due.
-- Locks: none of its own; runs under the write lock.
SELECT
    body_id,
    due_at AS due_us
FROM outbox_delayed
WHERE
    partition_id = :partition_id
    AND due_at <= CAST(round((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER) * 1000
ORDER BY due_at, body_id
LIMIT :limit;

-- name: insert_due :exec
-- The messages that a pass moves, numbered: a JSON array of [partition_id, seq, body_id, due_at].
-- Differs: the third step of sequence_due.
-- Locks: the database's write lock, held already.
INSERT INTO outbox_outgoing (partition_id, seq, body_id)
SELECT
    json_extract(value, '$[0]'),
    json_extract(value, '$[1]'),
    json_extract(value, '$[2]')
FROM json_each(:moved);

-- name: delete_due :exec
-- The rows that were moved, by their keys.
-- Differs: the fourth step of sequence_due.
-- Locks: the database's write lock, held already.
DELETE FROM outbox_delayed
WHERE (partition_id, due_at, body_id) IN (
    SELECT
        json_extract(value, '$[0]'),
        json_extract(value, '$[3]'),
        json_extract(value, '$[2]')
    FROM json_each(:moved)
);

-- name: advance_sequence :exec
-- The new sequences: a JSON array of [partition_id, sequence].
-- Differs: the last step of sequence_due.
-- Locks: the database's write lock, held already.
WITH given AS MATERIALIZED (
    SELECT
        json_extract(value, '$[0]') AS partition_id,
        json_extract(value, '$[1]') AS sequence
    FROM json_each(:sequences)
)

UPDATE outbox_partitions AS p
SET sequence = given.sequence
FROM given
WHERE p.id = given.partition_id;

-- name: lock_retired :many
-- The partitions that a resize has retired, for readdressing what has come to them since.
-- Differs: there are no rows to lock.
-- Locks: none of its own; runs under the write lock.
SELECT id FROM outbox_partitions
WHERE id IN (SELECT value FROM json_each(:partition_ids))
ORDER BY id;

-- name: first_waiting :one
-- The oldest message of retired partitions: what is above it is not numbered before it has been readdressed.
-- Differs: a read of its own, see sequence.
-- Locks: none of its own; runs under the write lock.
SELECT
    min((
        SELECT i.body_id FROM outbox_incoming AS i
        WHERE i.partition_id = given.value ORDER BY i.body_id LIMIT 1
    )) AS first_id
FROM json_each(:partition_ids) AS given;

-- name: first_due :one
-- When the first delayed message of retired partitions is due.
-- Differs: as first_waiting.
-- Locks: none of its own; runs under the write lock.
SELECT
    min((
        SELECT d.due_at FROM outbox_delayed AS d
        WHERE d.partition_id = given.value ORDER BY d.due_at LIMIT 1
    )) AS due_us
FROM json_each(:partition_ids) AS given;

-- name: waiting_with_keys :many
-- The oldest messages of retired partitions that have no number, with their keys.
-- Locks: none of its own; runs under the write lock.
SELECT
    i.partition_id,
    i.body_id,
    b.message_key
FROM outbox_incoming AS i LEFT JOIN outbox_body AS b ON b.id = i.body_id
WHERE i.partition_id IN (SELECT value FROM json_each(:partition_ids))
ORDER BY i.body_id
LIMIT :limit;

-- name: readdress :exec
-- Messages of retired partitions to those that have their keys now: lists of the same length.
-- Locks: the database's write lock, held already.
UPDATE outbox_incoming
SET partition_id = given.target
FROM (
    SELECT
        p.value AS partition_id,
        b.value AS body_id,
        t.value AS target
    FROM json_each(:partition_ids) AS p
    INNER JOIN json_each(:body_ids) AS b ON b.key = p.key
    INNER JOIN json_each(:targets) AS t ON t.key = p.key
) AS given
WHERE outbox_incoming.partition_id = given.partition_id AND outbox_incoming.body_id = given.body_id;

-- name: due_with_keys :many
-- The same for delayed messages that are due, those due first at the head.
-- Locks: none of its own; runs under the write lock.
SELECT
    d.partition_id,
    d.body_id,
    b.message_key
FROM outbox_delayed AS d LEFT JOIN outbox_body AS b ON b.id = d.body_id
WHERE
    d.partition_id IN (SELECT value FROM json_each(:partition_ids))
    AND d.due_at <= CAST(round((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER) * 1000
ORDER BY d.due_at, d.body_id
LIMIT :limit;

-- name: readdress_due :exec
-- Locks: the database's write lock, held already.
UPDATE outbox_delayed
SET partition_id = given.target
FROM (
    SELECT
        p.value AS partition_id,
        b.value AS body_id,
        t.value AS target
    FROM json_each(:partition_ids) AS p
    INNER JOIN json_each(:body_ids) AS b ON b.key = p.key
    INNER JOIN json_each(:targets) AS t ON t.key = p.key
) AS given
WHERE
    outbox_delayed.partition_id = given.partition_id
    AND outbox_delayed.body_id = given.body_id
    AND outbox_delayed.due_at <= CAST(round((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER) * 1000;

-- name: pending :many
-- Everything an idle process wants to know, in one read-only statement. The row of partition 0, which does
-- not exist, is there whatever else is: revision tells of changed settings, dirty of deduplication keys whose
-- window has passed. Delayed messages are looked for
-- in a partition only where one is due at all, which one step in an index tells. Each probe is one step in
-- a primary key; CROSS JOIN keeps SQLite from reordering the tables.
-- Locks: none.
SELECT
    p.id AS partition_id,
    EXISTS (SELECT 1 FROM outbox_incoming AS i WHERE i.partition_id = p.id) AS incoming,
    p.sequence > c.processed_seq AND (
        c.locked_until IS NULL
        OR c.locked_until <= CAST(round((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER) * 1000
    ) AS behind,
    c.processed_seq > v.vacuumed_seq AND (
        v.rests_until IS NULL
        OR v.rests_until <= CAST(round((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER) * 1000
    ) AS dirty,
    (SELECT n.revision FROM outbox_installation AS n) AS revision,
    (SELECT min(e.due_at) FROM outbox_delayed AS e)
    <= CAST(round((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER) * 1000
    AND EXISTS (
        SELECT 1 FROM outbox_delayed AS d
        WHERE
            d.partition_id = p.id
            AND d.due_at <= CAST(round((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER) * 1000
    ) AS due
FROM json_each(:partition_ids) AS w
CROSS JOIN outbox_partitions AS p
CROSS JOIN outbox_processor AS c
CROSS JOIN outbox_vacuum AS v
WHERE
    p.id = w.value
    AND c.partition_id = p.id
    AND v.partition_id = p.id
    AND (
        p.sequence > c.processed_seq
        OR dirty
        OR EXISTS (SELECT 1 FROM outbox_incoming AS i WHERE i.partition_id = p.id)
        OR due
    )
UNION ALL
SELECT
    0,
    FALSE,
    FALSE,
    (SELECT min(k.expires_at) FROM outbox_dedup AS k)
    <= CAST(round((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER) * 1000,
    n.revision,
    FALSE
FROM outbox_installation AS n;
