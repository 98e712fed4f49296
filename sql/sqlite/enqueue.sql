-- name: insert_body :values
-- The bodies of one message or a chunk, on the producer's own connection; repeat the row.
-- Differs: SQLite has no INSERT inside WITH, so body and incoming are two statements. There is one
-- writer at a time, hence the ids are consecutive and last_insert_rowid() is the last of them.
-- Locks: the database's write lock, until the producer's transaction ends.
INSERT INTO outbox_body (payload, payload_type, headers)
VALUES (:payload, :payload_type, :headers);

-- name: insert_keyed_body :values
-- The same for messages of which one has a key, so that those without send nothing more.
-- Differs: as insert_body.
-- Locks: as insert_body.
INSERT INTO outbox_body (payload, payload_type, headers, message_key)
VALUES (:payload, :payload_type, :headers, :message_key);

-- name: insert_named_body :values
-- The same for messages that keep the name which they had, or tell whom they repeat.
-- Differs: as insert_body.
-- Locks: as insert_body.
INSERT INTO outbox_body (payload, payload_type, headers, message_key, uid, origin)
VALUES (:payload, :payload_type, :headers, :message_key, :uid, :origin);

-- name: insert_incoming :exec
-- The n-th partition id of the JSON array belongs to the body with id :first_id + n; 0 is none, for a
-- message that waits until it is due.
-- Differs: the second half of enqueue_one and enqueue_many.
-- Locks: the database's write lock, held already.
INSERT INTO outbox_incoming (partition_id, body_id)
SELECT
    given.value,
    :first_id + given.key
FROM json_each(:partition_ids) AS given
WHERE given.value > 0;

-- name: insert_delayed :exec
-- Instead of the incoming row, for messages that wait until they are due: :waiting is a JSON array of
-- [place among the bodies, partition id, microseconds from now, microseconds since 1970 or -1].
-- Differs: a part of enqueue_later.
-- Locks: the database's write lock, held already.
INSERT INTO outbox_delayed (partition_id, due_at, body_id)
SELECT
    json_extract(w.value, '$[1]'),
    CASE
        WHEN json_extract(w.value, '$[3]') >= 0 THEN json_extract(w.value, '$[3]')
        ELSE
            CAST(round((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER) * 1000
            + json_extract(w.value, '$[2]')
    END,
    :first_id + json_extract(w.value, '$[0]')
FROM json_each(:waiting) AS w;

-- name: place :many
-- The files that a connection has, the first of them its main one: asked once on each connection of a
-- producer's. The caller compares the files themselves, by what the operating system calls them.
-- Differs: no server, hence files.
-- Locks: none.
SELECT
    name,
    file
FROM pragma_database_list
ORDER BY seq;

-- name: claim_keys :many
-- Claim names of messages for a producer, the n-th for :windows[n] microseconds; returns the free ones.
-- A claim without a message (body_id 0) is one that was given up.
-- Locks: the database's write lock, until the producer's transaction ends.
INSERT INTO outbox_dedup (queue, dedup_key, body_id, expires_at)
SELECT
    :queue,
    given.value,
    0,
    CAST(round((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER) * 1000 + w.value
FROM json_each(:dedup_keys) AS given INNER JOIN json_each(:windows) AS w ON w.key = given.key
WHERE TRUE
ON CONFLICT (queue, dedup_key) DO UPDATE
SET body_id = 0, expires_at = excluded.expires_at
WHERE
    outbox_dedup.expires_at <= CAST(round((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER) * 1000
    OR outbox_dedup.body_id = 0
RETURNING dedup_key;

-- name: claimed_keys :many
-- The messages that have these names, with the places of the names.
-- Locks: none of its own.
SELECT
    given.key AS place,
    d.body_id
FROM json_each(:dedup_keys) AS given CROSS JOIN outbox_dedup AS d
WHERE d.queue = :queue AND d.dedup_key = given.value;

-- name: name_keys :exec
-- Which messages have the names that were claimed.
-- Locks: the database's write lock, held already.
WITH named AS MATERIALIZED (
    SELECT
        given.value AS dedup_key,
        b.value AS body_id
    FROM json_each(:dedup_keys) AS given INNER JOIN json_each(:body_ids) AS b ON b.key = given.key
)

UPDATE outbox_dedup AS d
SET body_id = named.body_id
FROM named
WHERE d.queue = :queue AND d.dedup_key = named.dedup_key;
