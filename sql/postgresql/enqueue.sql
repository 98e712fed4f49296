-- name: enqueue_one :one
-- Body and incoming row in one round trip, on the producer's own connection. Touches no shared row.
-- Differs: one statement for both rows; without writable CTEs it takes insert_body and insert_incoming.
WITH stored AS (
    INSERT INTO outbox_body (payload, payload_type, headers)
    VALUES (:payload, :payload_type, :headers)
    RETURNING id
)

INSERT INTO outbox_incoming (partition_id, body_id)
SELECT :partition_id, id FROM stored
RETURNING body_id;

-- name: enqueue_one_keyed :one
-- The same for a message with a key, so that one without sends nothing more.
-- Differs: as enqueue_one.
WITH stored AS (
    INSERT INTO outbox_body (payload, payload_type, headers, message_key)
    VALUES (:payload, :payload_type, :headers, :message_key)
    RETURNING id
)

INSERT INTO outbox_incoming (partition_id, body_id)
SELECT :partition_id, id FROM stored
RETURNING body_id;

-- name: enqueue_many :many
-- A chunk of messages in one round trip. Identity values are drawn in the order of the sorted
-- select, so the n-th smallest id belongs to the n-th message; ids come back in that order.
-- Differs: one statement for both rows of each, as in enqueue_one.
WITH given AS (
    SELECT *
    FROM unnest(
        CAST(:partition_ids AS bigint[]),
        CAST(:payloads AS bytea[]),
        CAST(:payload_types AS varchar[]),
        CAST(:headers AS text[]),
        CAST(:message_keys AS text[]),
        CAST(:uids AS text[]),
        CAST(:origins AS text[])
    ) WITH ORDINALITY AS g (partition_id, payload, payload_type, headers, message_key, uid, origin, n)
),

stored AS (
    INSERT INTO outbox_body (payload, payload_type, headers, message_key, uid, origin)
    SELECT payload, payload_type, headers, message_key, uid, origin FROM given ORDER BY n
    RETURNING id
),

numbered AS (
    SELECT id, row_number() OVER (ORDER BY id) AS n FROM stored
),

queued AS (
    INSERT INTO outbox_incoming (partition_id, body_id)
    SELECT given.partition_id, numbered.id
    FROM numbered INNER JOIN given ON given.n = numbered.n
)

SELECT id FROM numbered ORDER BY n;

-- name: enqueue_later :many
-- A chunk of messages of which some wait until they are due, that is for :delays microseconds from now or
-- until :dues, in microseconds since 1970; those with neither go to incoming as in enqueue_many.
-- Differs: as enqueue_many; elsewhere insert_delayed follows the bodies.
WITH given AS (
    SELECT *
    FROM unnest(
        CAST(:partition_ids AS bigint[]),
        CAST(:payloads AS bytea[]),
        CAST(:payload_types AS varchar[]),
        CAST(:headers AS text[]),
        CAST(:message_keys AS text[]),
        CAST(:uids AS text[]),
        CAST(:origins AS text[]),
        CAST(:delays AS bigint[]),
        CAST(:dues AS bigint[])
    ) WITH ORDINALITY AS g (
        partition_id, payload, payload_type, headers, message_key, uid, origin, delay, due, n
    )
),

stored AS (
    INSERT INTO outbox_body (payload, payload_type, headers, message_key, uid, origin)
    SELECT payload, payload_type, headers, message_key, uid, origin FROM given ORDER BY n
    RETURNING id
),

numbered AS (
    SELECT id, row_number() OVER (ORDER BY id) AS n FROM stored
),

queued AS (
    INSERT INTO outbox_incoming (partition_id, body_id)
    SELECT given.partition_id, numbered.id
    FROM numbered INNER JOIN given ON given.n = numbered.n
    WHERE given.delay IS NULL AND given.due IS NULL
),

put_off AS (
    INSERT INTO outbox_delayed (partition_id, due_at, body_id)
    SELECT
        given.partition_id,
        coalesce(to_timestamp(0) + given.due * interval '1 microsecond', clock_timestamp()
        + given.delay * interval '1 microsecond'),
        numbered.id
    FROM numbered INNER JOIN given ON given.n = numbered.n
    WHERE given.delay IS NOT NULL OR given.due IS NOT NULL
)

SELECT id FROM numbered ORDER BY n;

-- name: place :one
-- Where a connection leads: asked once on each connection of a producer, compared with that of the outbox.
-- The moment at which the server started, in microseconds, is another one on every server, copies included.
-- Nothing here can fail, which would abort the producer's transaction.
-- Locks: none.
SELECT
    pg_catalog.current_database() AS database_name,
    CAST(extract(EPOCH FROM pg_catalog.pg_postmaster_start_time()) * 1000000 AS bigint) AS server_identity;

-- name: birth :many
-- What numbers the server gave to the database and its tables: a standby has them in common with its primary.
-- Asked when the outbox opens, and where the servers differ while the outbox's own is away. It cannot fail,
-- which would abort the producer's transaction.
-- Differs: MySQL's tables have a time and no number, and SQLite has a file.
-- Locks: none.
SELECT
    pg_catalog.concat_ws(
        '/', d.oid, CAST(pg_catalog.to_regclass('outbox_body') AS pg_catalog.oid)
    ) AS born
FROM pg_catalog.pg_database AS d
WHERE d.datname = pg_catalog.current_database();

-- name: place_of_tables :many
-- The schema that the search path leads to, on a connection of the outbox's own: messages are written into
-- the tables of that one, whatever the search path of the producer's connection says.
-- Differs: a connection to SQLite reaches its file alone.
-- Locks: none.
SELECT n.nspname AS qualifier
FROM pg_catalog.pg_class AS c
INNER JOIN pg_catalog.pg_namespace AS n ON c.relnamespace = n.oid
WHERE c.oid = pg_catalog.to_regclass('outbox_body');

-- name: claim_keys :many
-- Claim names of messages for a producer, the n-th for :windows[n] microseconds; returns the free ones.
-- A producer that claims one of them at this moment is waited for: if it commits, the name is taken, if it
-- rolls back, it is free. A claim without a message (body_id 0) is one that was given up.
-- Locks: the rows of the names, until the producer's transaction ends.
INSERT INTO outbox_dedup AS d (queue, dedup_key, body_id, expires_at)
SELECT :queue, given.dedup_key, 0, clock_timestamp() + given.window_us * interval '1 microsecond'
FROM unnest(CAST(:dedup_keys AS text[]), CAST(:windows AS bigint[])) AS given (dedup_key, window_us)
ON CONFLICT (queue, dedup_key) DO UPDATE
SET body_id = 0, expires_at = excluded.expires_at
WHERE d.expires_at <= clock_timestamp() OR d.body_id = 0
RETURNING dedup_key;

-- name: claimed_keys :many
-- The messages that have these names, with the places of the names: locked by claim_keys before.
-- Locks: none of its own.
SELECT given.n - 1 AS place, d.body_id
FROM unnest(CAST(:dedup_keys AS text[])) WITH ORDINALITY AS given (dedup_key, n)
INNER JOIN outbox_dedup AS d ON d.queue = :queue AND d.dedup_key = given.dedup_key;

-- name: name_keys :exec
-- Which messages have the names that were claimed.
-- Locks: the rows of the names, held already.
UPDATE outbox_dedup AS d
SET body_id = given.body_id
FROM unnest(CAST(:dedup_keys AS text[]), CAST(:body_ids AS bigint[])) AS given (dedup_key, body_id)
WHERE d.queue = :queue AND d.dedup_key = given.dedup_key;
