-- name: examine :many
-- How the partitions that a turn wants stand: cursor, failed starts, whether the last start went
-- crashed, whether there is something to deliver, and for how many seconds they are held.
-- Differs: the first step of lease_and_read and of lock_and_read. RETURNING shows what an UPDATE
-- wrote, never what was there before; with the write lock held, looking first is as good.
-- Locks: none of its own; runs under the write lock.
SELECT
    c.partition_id,
    c.processed_seq,
    c.attempts,
    c.locked_by IS NOT NULL AS crashed,
    c.last_error,
    p.sequence > c.processed_seq AS behind,
    c.parking,
    c.locked_until / 1000000.0
    - CAST(round((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER) / 1000.0 AS held_for
FROM json_each(:partition_ids) AS w
CROSS JOIN outbox_processor AS c
CROSS JOIN outbox_partitions AS p
WHERE c.partition_id = w.value AND p.id = c.partition_id
ORDER BY c.partition_id;

-- name: lease :exec
-- Take the leases of partitions that were found free and count the starts.
-- Differs: the second step of lease_and_read, in the transaction of examine.
-- Locks: the database's write lock, held already.
UPDATE outbox_processor
SET
    attempts = attempts + 1,
    locked_by = :token,
    locked_until = CAST(round((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER) * 1000
    + CAST(round(:lease * 1000000.0) AS INTEGER)
WHERE partition_id IN (SELECT value FROM json_each(:partition_ids));

-- name: read_batch :many
-- A partition's next messages. Rows are computed as they are fetched: the reader stops at its byte
-- budget, and what lies beyond was never read.
-- Differs: one partition at a time, the last step of lease_and_read, settle_and_read and
-- lock_and_read; a query costs no round trip, and a window over the sizes would copy every payload.
-- Locks: none.
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
FROM outbox_outgoing AS o
LEFT JOIN outbox_body AS b ON b.id = o.body_id
WHERE o.partition_id = :partition_id AND o.seq > :cursor_seq AND o.seq <= :cursor_seq + :limit
ORDER BY o.seq;

-- name: check_fence :many
-- Which of a turn's partitions are still ours (our token, lease still live, nothing later settled) and where
-- their cursors stand. :settlements is a JSON array of [partition id, new cursor].
-- Differs: the first step of settle_and_read, for the same reason as examine.
-- Locks: none of its own; runs under the write lock.
SELECT
    c.partition_id,
    c.processed_seq,
    c.parking
FROM json_each(:settlements) AS w
CROSS JOIN outbox_processor AS c
WHERE
    c.partition_id = json_extract(w.value, '$[0]')
    AND c.processed_seq <= json_extract(w.value, '$[1]')
    AND c.locked_by = :token
    AND c.locked_until > CAST(round((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER) * 1000;

-- name: settle :exec
-- Settle the partitions that passed the fence, whatever became of them: the fence lets the cursor
-- only grow;
-- then keep the lease and count the new head's start, or release it, with the backoff as a time
-- until which no worker takes the partition. :settlements is a JSON array of
-- [partition id, cursor, attempts, error, delay, keeps].
-- Differs: the second step of settle_and_read, in the transaction of check_fence.
-- Locks: the database's write lock, held already.
WITH given AS MATERIALIZED (
    SELECT
        json_extract(value, '$[0]') AS partition_id,
        json_extract(value, '$[1]') AS cursor_seq,
        json_extract(value, '$[2]') AS attempts,
        json_extract(value, '$[3]') AS error,
        json_extract(value, '$[4]') AS delay,
        json_extract(value, '$[5]') AS keeps,
        CAST(round((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER) * 1000 AS at
    FROM json_each(:settlements)
)

UPDATE outbox_processor AS c
SET
    processed_seq = g.cursor_seq,
    attempts = CASE WHEN g.keeps THEN 1 ELSE g.attempts END,
    last_error = g.error,
    locked_by = CASE WHEN g.keeps THEN c.locked_by END,
    locked_until = CASE
        WHEN g.keeps THEN g.at + CAST(round(:lease * 1000000.0) AS INTEGER)
        WHEN g.delay > 0 THEN g.at + CAST(round(g.delay * 1000000.0) AS INTEGER)
    END
FROM given AS g
WHERE c.partition_id = g.partition_id;

-- name: renew :many
-- Extend the leases that are still ours and live; those that come back are.
-- Locks: the database's write lock.
UPDATE outbox_processor
SET
    locked_until = CAST(round((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER) * 1000
    + CAST(round(:lease * 1000000.0) AS INTEGER)
WHERE
    partition_id IN (SELECT value FROM json_each(:partition_ids))
    AND locked_by = :token
    AND locked_until > CAST(round((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER) * 1000
RETURNING partition_id;

-- name: set_guard :exec
-- Transaction in the hands of a caller: whether it is still the same at the end.
-- Differs: on PostgreSQL a commit inside it is refused by the driver.
SAVEPOINT user_transaction;

-- name: release_guard :exec
-- Fails when the caller committed or rolled back, even if it began anew.
-- Differs: as set_guard.
RELEASE SAVEPOINT user_transaction;

-- name: begin_part :exec
-- A part of a transaction of the caller's, where a test delivers inside one that is rolled back.
SAVEPOINT given_part;

-- name: end_part :exec
-- The part is kept. Fails when a handler ended the transaction.
RELEASE SAVEPOINT given_part;

-- name: undo_part :exec
-- Nothing of the part is kept; end_part follows.
ROLLBACK TO SAVEPOINT given_part;

-- name: set_savepoint :exec
-- Transactional mode: what a failing message is undone to.
SAVEPOINT handler_step;

-- name: release_savepoint :exec
-- The message before went well. Fails when the handler ended the transaction by itself.
-- Differs: savepoints of one name stack up in SQLite, and a call takes one command.
RELEASE SAVEPOINT handler_step;

-- name: rollback_to_savepoint :exec
-- Undo one message; the savepoint stays.
ROLLBACK TO SAVEPOINT handler_step;

-- name: advance :exec
-- Transactional mode: move the cursor in the transaction of the handler's writes.
-- Locks: the database's write lock, held already.
UPDATE outbox_processor
SET
    processed_seq = max(processed_seq, :cursor_seq),
    attempts = :attempts,
    last_error = :error,
    locked_by = NULL,
    locked_until = CASE
        WHEN :delay > 0
            THEN CAST(round((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER) * 1000
                + CAST(round(:delay * 1000000.0) AS INTEGER)
    END
WHERE partition_id = :partition_id;

-- name: insert_dead_letters :exec
-- The dead letters of a turn as one set. :dead is a JSON array of
-- [partition id, seq, reason, attempts, fingerprint].
-- Differs: serves settle_and_read too, which sends only those above the old cursor.
-- Locks: the database's write lock, held already.
INSERT INTO outbox_dead_letters (
    message_id, partition_id, seq, payload, payload_type, headers, created_at, last_error, attempts,
    message_key, uid, origin, fingerprint
)
SELECT
    o.body_id,
    o.partition_id,
    o.seq,
    coalesce(b.payload, zeroblob(0)),
    coalesce(b.payload_type, 'application/octet-stream'),
    b.headers,
    coalesce(b.created_at, o.sequenced_at),
    json_extract(d.value, '$[2]'),
    json_extract(d.value, '$[3]'),
    b.message_key,
    b.uid,
    b.origin,
    json_extract(d.value, '$[4]')
FROM json_each(:dead) AS d
CROSS JOIN outbox_outgoing AS o
LEFT JOIN outbox_body AS b ON b.id = o.body_id
WHERE o.partition_id = json_extract(d.value, '$[0]') AND o.seq = json_extract(d.value, '$[1]')
ORDER BY o.partition_id, o.seq;

-- name: record_failure :one
-- A transactional handler's transaction was lost: write the head's failure from a new one, unless
-- the cursor moved or a lease holds the partition.
-- Locks: the database's write lock.
UPDATE outbox_processor
SET
    attempts = :attempts,
    last_error = :error,
    locked_by = NULL,
    locked_until = CASE
        WHEN :delay > 0
            THEN CAST(round((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER) * 1000
                + CAST(round(:delay * 1000000.0) AS INTEGER)
    END
WHERE
    partition_id = :partition_id
    AND processed_seq = :cursor_seq
    AND (
        locked_until IS NULL
        OR locked_until <= CAST(round((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER) * 1000
    )
RETURNING partition_id;
