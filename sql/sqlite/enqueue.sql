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
-- The n-th partition id of the JSON array belongs to the body with id :first_id + n.
-- Differs: the second half of enqueue_one and enqueue_many.
-- Locks: the database's write lock, held already.
INSERT INTO outbox_incoming (partition_id, body_id)
SELECT
    given.value,
    :first_id + given.key
FROM json_each(:partition_ids) AS given;

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
