-- FORCE INDEX (PRIMARY) in every join: on small or never analysed tables the optimizer prefers a scan, and
-- a scan that locks waits for rows that are none of its business.

-- name: lease_and_read :many
-- First of the two statements of a lease: lock every partition asked for that is free and has
-- something past its cursor, and read the batches with their bodies. :requests is a JSON array of
-- [partition_id, rows]. A partition that was not taken comes back as one row with the reason
-- (refused_for: seconds until it is free), or, when it could be locked and its next row is missing,
-- with its cursor and no seq. A group holds only partitions without failed starts; such
-- a partition is taken when it is asked for alone (:solo), and with one message when its last start
-- ended without a result.
-- Sequences are gapless, so a batch is counted out (a JSON array as long as the batch) and each
-- message is one look-up by its key: a join cannot use a range of its own for each partition.
-- A payload above :inline_bytes comes as NULL with its size, see read_payloads: that keeps a batch
-- within its budget without sorting bodies. Rows come in no promised order, for the same reason.
-- Differs: the start is counted by lease in the same transaction; there is no UPDATE … RETURNING.
-- Locks: processor rows, skipping locked ones; nothing else is locked (the derived table's FOR
-- UPDATE names the only table in it; JSON_TABLE there needs a derived table of its own on MySQL).
SELECT
    w.partition_id,
    l.processed_seq,
    l.attempts,
    l.crashed,
    CASE WHEN m.n = 1 THEN CAST(l.last_error AS BINARY) END AS last_error,
    CASE WHEN l.partition_id IS NULL THEN p.sequence > c.processed_seq END AS refused_behind,
    CASE
        WHEN l.partition_id IS NULL
            THEN TIMESTAMPDIFF(MICROSECOND, UTC_TIMESTAMP(6), c.locked_until) / 1000000
    END AS refused_for,
    CASE WHEN l.partition_id IS NULL THEN c.attempts END AS refused_attempts,
    l.parking,
    OCTET_LENGTH(b.payload) AS size,
    o.seq,
    o.body_id AS message_id,
    CASE WHEN OCTET_LENGTH(b.payload) <= :inline_bytes THEN b.payload END AS payload,
    b.payload_type,
    CAST(b.headers AS BINARY) AS headers,
    b.created_at,
    CAST(b.message_key AS BINARY) AS message_key,
    b.uid,
    b.origin
FROM JSON_TABLE(
    :requests, '$[*]' COLUMNS (partition_id BIGINT PATH '$[0]', max_rows INTEGER PATH '$[1]')
) AS w
LEFT JOIN (
    SELECT
        f.partition_id,
        f.processed_seq,
        f.attempts,
        f.locked_by IS NOT NULL AS crashed,
        f.last_error,
        f.parking
    FROM (
        SELECT r.partition_id
        FROM JSON_TABLE(:requests, '$[*]' COLUMNS (partition_id BIGINT PATH '$[0]')) AS r
        LIMIT 1000000
    ) AS wanted
    STRAIGHT_JOIN outbox_processor AS f FORCE INDEX (PRIMARY) ON f.partition_id = wanted.partition_id
    WHERE
        (f.locked_until IS NULL OR f.locked_until <= UTC_TIMESTAMP(6))
        AND (f.attempts = 0 OR :solo)
        AND f.processed_seq < (
            SELECT s.sequence FROM outbox_partitions AS s FORCE INDEX (PRIMARY) WHERE s.id = f.partition_id
        )
    LIMIT 1000000
    FOR UPDATE SKIP LOCKED
) AS l ON l.partition_id = w.partition_id
LEFT JOIN outbox_processor AS c FORCE INDEX (PRIMARY) ON c.partition_id = w.partition_id
LEFT JOIN outbox_partitions AS p FORCE INDEX (PRIMARY) ON p.id = w.partition_id
LEFT JOIN
    JSON_TABLE(
        CONCAT(
            '[',
            REPEAT(
                '0,',
                LEAST(
                    p.sequence - l.processed_seq,
                    CASE WHEN l.attempts > 0 AND (l.crashed OR :one_if_failed) THEN 1 ELSE w.max_rows END
                ) - 1
            ),
            '0]'
        ),
        '$[*]' COLUMNS (n FOR ORDINALITY)
    ) AS m ON l.partition_id IS NOT NULL
LEFT JOIN outbox_outgoing AS o FORCE INDEX (PRIMARY)
    ON o.partition_id = l.partition_id AND o.seq = l.processed_seq + m.n
LEFT JOIN outbox_body AS b FORCE INDEX (PRIMARY) ON b.id = o.body_id;

-- name: lease :exec
-- Take the leases that lease_and_read locked, a JSON array of partition ids, and count the starts.
-- Differs: the second statement of lease_and_read.
-- Locks: the processor rows, held already.
UPDATE
    JSON_TABLE(:partition_ids, '$[*]' COLUMNS (partition_id BIGINT PATH '$')) AS taken
STRAIGHT_JOIN outbox_processor AS c FORCE INDEX (PRIMARY) ON c.partition_id = taken.partition_id
SET
    c.attempts = c.attempts + 1,
    c.locked_by = :token,
    c.locked_until = UTC_TIMESTAMP(6) + INTERVAL ROUND(:lease * 1000000) MICROSECOND;

-- name: read_payloads :many
-- The payloads that were too large to come with their batch; :body_ids is a JSON array.
-- Differs: budgets are kept without windows over bodies.
-- Locks: none.
SELECT b.id, b.payload
FROM JSON_TABLE(:body_ids, '$[*]' COLUMNS (id BIGINT PATH '$')) AS wanted
STRAIGHT_JOIN outbox_body AS b FORCE INDEX (PRIMARY) ON b.id = wanted.id;

-- name: settle_and_read :many
-- First of the statements of a settlement: lock the partitions of a turn under the fence (our
-- token, lease still live, nothing later settled: the bytes of a dead connection may arrive after later
-- settlements of their own turn) and read on where more is wanted. :settlements is a JSON array of
-- [partition_id, new cursor, rows wanted]. A partition that is not ours any more comes back
-- without old_seq; one that is, with the cursor it has, which tells the dead letters that are
-- written already. The rows are locked, so the statements that follow need no fence.
-- Messages are counted out and large payloads left out as in lease_and_read.
-- Differs: then settle, insert_dead_letters if there are any, and COMMIT, in one transaction.
-- Locks: processor rows under the fence; waits for a locked one.
SELECT
    g.partition_id,
    s.processed_seq AS old_seq,
    s.parking,
    OCTET_LENGTH(b.payload) AS size,
    o.seq,
    o.body_id AS message_id,
    CASE WHEN OCTET_LENGTH(b.payload) <= :inline_bytes THEN b.payload END AS payload,
    b.payload_type,
    CAST(b.headers AS BINARY) AS headers,
    b.created_at,
    CAST(b.message_key AS BINARY) AS message_key,
    b.uid,
    b.origin
FROM
    JSON_TABLE(:settlements, '$[*]' COLUMNS (
        partition_id BIGINT PATH '$[0]', cursor_seq BIGINT PATH '$[1]', max_rows INTEGER PATH '$[2]'
    )) AS g
LEFT JOIN (
    SELECT c.partition_id, c.processed_seq, c.parking
    FROM (
        SELECT r.partition_id, r.cursor_seq
        FROM
            JSON_TABLE(:settlements, '$[*]' COLUMNS (
                partition_id BIGINT PATH '$[0]', cursor_seq BIGINT PATH '$[1]'
            )) AS r
        LIMIT 1000000
    ) AS wanted
    STRAIGHT_JOIN outbox_processor AS c FORCE INDEX (PRIMARY) ON c.partition_id = wanted.partition_id
    WHERE
        c.locked_by = :token
        AND c.locked_until > UTC_TIMESTAMP(6)
        AND c.processed_seq <= wanted.cursor_seq
    LIMIT 1000000
    FOR UPDATE
) AS s ON s.partition_id = g.partition_id
LEFT JOIN outbox_partitions AS p FORCE INDEX (PRIMARY)
    ON p.id = s.partition_id AND g.max_rows > 0 AND p.sequence > g.cursor_seq
LEFT JOIN
    JSON_TABLE(
        CONCAT('[', REPEAT('0,', LEAST(p.sequence - g.cursor_seq, g.max_rows) - 1), '0]'),
        '$[*]' COLUMNS (n FOR ORDINALITY)
    ) AS m ON p.id IS NOT NULL
LEFT JOIN outbox_outgoing AS o FORCE INDEX (PRIMARY)
    ON o.partition_id = s.partition_id AND o.seq = g.cursor_seq + m.n
LEFT JOIN outbox_body AS b FORCE INDEX (PRIMARY) ON b.id = o.body_id;

-- name: settle :exec
-- Settle the partitions that settle_and_read locked, whatever became of their batches: advance the
-- cursor (the fence lets it only grow), then keep the lease and count the new head's start, or release it, with
-- the backoff as a time until which no worker takes the partition. :settlements is a JSON array of
-- [partition_id, cursor, attempts, error, keeps, backoff in seconds], the error as hexadecimal
-- digits or null.
-- Differs: the second statement of settle_and_read. NULLIF: early releases of MySQL 8.0 make the text
-- 'null' of a null.
-- Locks: the processor rows, held already.
UPDATE
    JSON_TABLE(:settlements, '$[*]' COLUMNS (
        partition_id BIGINT PATH '$[0]',
        cursor_seq BIGINT PATH '$[1]',
        attempts INTEGER PATH '$[2]',
        error VARCHAR(16000) CHARACTER SET ascii PATH '$[3]',
        keeps INTEGER PATH '$[4]',
        delay DOUBLE PATH '$[5]'
    )) AS g
STRAIGHT_JOIN outbox_processor AS c FORCE INDEX (PRIMARY) ON c.partition_id = g.partition_id
SET
    c.processed_seq = g.cursor_seq,
    c.attempts = CASE WHEN g.keeps THEN 1 ELSE g.attempts END,
    c.last_error = CONVERT(UNHEX(NULLIF(g.error, 'null')) USING utf8mb4),
    c.locked_by = CASE WHEN g.keeps THEN c.locked_by END,
    c.locked_until = CASE
        WHEN g.keeps THEN UTC_TIMESTAMP(6) + INTERVAL ROUND(:lease * 1000000) MICROSECOND
        WHEN g.delay > 0 THEN UTC_TIMESTAMP(6) + INTERVAL ROUND(g.delay * 1000000) MICROSECOND
    END;

-- name: insert_dead_letters :exec
-- The dead letters of a turn as one set, leased and transactional mode alike: a JSON array of
-- [partition_id, seq, reason in hexadecimal digits, attempts, fingerprint likewise], those at or before the old cursor left
-- out already.
-- Locks: the new rows.
INSERT INTO outbox_dead_letters (
    message_id, partition_id, seq, payload, payload_type, headers, created_at, last_error, attempts,
    message_key, uid, origin, fingerprint
)
SELECT
    o.body_id,
    o.partition_id,
    o.seq,
    COALESCE(b.payload, ''),
    COALESCE(b.payload_type, 'application/octet-stream'),
    b.headers,
    COALESCE(b.created_at, o.sequenced_at),
    CONVERT(UNHEX(d.reason) USING utf8mb4) AS reason,
    d.attempts,
    b.message_key,
    b.uid,
    b.origin,
    CONVERT(UNHEX(d.fingerprint) USING utf8mb4) AS fingerprint
FROM
    JSON_TABLE(:dead, '$[*]' COLUMNS (
        partition_id BIGINT PATH '$[0]',
        seq BIGINT PATH '$[1]',
        reason VARCHAR(16000) CHARACTER SET ascii PATH '$[2]',
        attempts INTEGER PATH '$[3]',
        fingerprint VARCHAR(2040) CHARACTER SET ascii PATH '$[4]'
    )) AS d
STRAIGHT_JOIN outbox_outgoing AS o FORCE INDEX (PRIMARY) ON o.partition_id = d.partition_id AND o.seq = d.seq
LEFT JOIN outbox_body AS b FORCE INDEX (PRIMARY) ON b.id = o.body_id;

-- name: renew :exec
-- Extend the leases that are still ours and live. Every such row changes, so the affected rows
-- tell whether that was all of them; if not, our_leases does.
-- Locks: the processor rows that it updates.
UPDATE
    JSON_TABLE(:partition_ids, '$[*]' COLUMNS (partition_id BIGINT PATH '$')) AS given
STRAIGHT_JOIN outbox_processor AS c FORCE INDEX (PRIMARY) ON c.partition_id = given.partition_id
SET c.locked_until = UTC_TIMESTAMP(6) + INTERVAL ROUND(:lease * 1000000) MICROSECOND
WHERE c.locked_by = :token AND c.locked_until > UTC_TIMESTAMP(6);

-- name: our_leases :many
-- Which of the leases are ours and live.
-- Differs: there is no UPDATE … RETURNING.
-- Locks: none.
SELECT c.partition_id
FROM JSON_TABLE(:partition_ids, '$[*]' COLUMNS (partition_id BIGINT PATH '$')) AS given
STRAIGHT_JOIN outbox_processor AS c FORCE INDEX (PRIMARY) ON c.partition_id = given.partition_id
WHERE c.locked_by = :token AND c.locked_until > UTC_TIMESTAMP(6);

-- name: lock_and_read :many
-- Transactional mode: lock the partition's processor row for this transaction, unless a lease or
-- backoff holds it (:ignore_backoff: a backoff does not), and read the batch, in one round trip. No row:
-- locked elsewhere. One row without seq: nothing to read, or held for some seconds (refused_for),
-- or behind: the next row is missing.
-- Messages are counted out and large payloads left out as in lease_and_read.
-- Differs: SQLite has one writer and no row to lock.
-- Locks: the processor row, until commit; skips a locked one.
SELECT
    l.partition_id,
    l.processed_seq,
    l.attempts,
    l.crashed,
    CASE WHEN m.n = 1 THEN CAST(l.last_error AS BINARY) END AS last_error,
    CASE WHEN NOT l.is_free THEN l.refused_for END AS refused_for,
    p.id IS NOT NULL AS behind,
    l.parking,
    OCTET_LENGTH(b.payload) AS size,
    o.seq,
    o.body_id AS message_id,
    CASE WHEN OCTET_LENGTH(b.payload) <= :inline_bytes THEN b.payload END AS payload,
    b.payload_type,
    CAST(b.headers AS BINARY) AS headers,
    b.created_at,
    CAST(b.message_key AS BINARY) AS message_key,
    b.uid,
    b.origin
FROM (
    SELECT
        c.partition_id,
        c.processed_seq,
        c.attempts,
        c.last_error,
        c.parking,
        c.locked_by IS NOT NULL AS crashed,
        c.locked_until IS NULL
        OR c.locked_until <= UTC_TIMESTAMP(6)
        OR (:ignore_backoff AND c.locked_by IS NULL) AS is_free,
        TIMESTAMPDIFF(MICROSECOND, UTC_TIMESTAMP(6), c.locked_until) / 1000000 AS refused_for
    FROM outbox_processor AS c FORCE INDEX (PRIMARY)
    WHERE c.partition_id = :partition_id
    LIMIT 1000000
    FOR UPDATE SKIP LOCKED
) AS l
LEFT JOIN outbox_partitions AS p FORCE INDEX (PRIMARY)
    ON p.id = l.partition_id AND l.is_free AND p.sequence > l.processed_seq
LEFT JOIN
    JSON_TABLE(
        CONCAT(
            '[',
            REPEAT(
                '0,',
                LEAST(
                    p.sequence - l.processed_seq,
                    CASE WHEN l.attempts > 0 AND (l.crashed OR :one_if_failed) THEN 1 ELSE :limit END
                ) - 1
            ),
            '0]'
        ),
        '$[*]' COLUMNS (n FOR ORDINALITY)
    ) AS m ON p.id IS NOT NULL
LEFT JOIN outbox_outgoing AS o FORCE INDEX (PRIMARY)
    ON o.partition_id = l.partition_id AND o.seq = l.processed_seq + m.n
LEFT JOIN outbox_body AS b FORCE INDEX (PRIMARY) ON b.id = o.body_id;

-- name: set_guard :exec
-- Transaction in the hands of a caller: whether it is still the same at the end, the server alone knows.
-- Differs: on PostgreSQL the connection knows, and a commit inside it is refused by the driver.
SAVEPOINT user_transaction;

-- name: release_guard :exec
-- Fails when the caller committed, rolled back, ran DDL or lost a deadlock, even if it began anew.
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

-- name: next_savepoint :exec
-- The message before went well: forget its savepoint and set the next, in one round trip. RELEASE
-- fails when the transaction is not the one that began, which SAVEPOINT alone would not notice: a
-- handler committed, ran DDL, or swallowed the error of a deadlock that rolled all of it back.
-- Differs: two commands, where SQLite asks its connection.
RELEASE SAVEPOINT handler_step; SAVEPOINT handler_step;

-- name: release_savepoint :exec
-- The last message went well: its writes are in the transaction if the savepoint before them is.
-- Differs: no status of the connection tells it.
RELEASE SAVEPOINT handler_step;

-- name: rollback_to_savepoint :exec
-- Undo one message; fails like next_savepoint.
ROLLBACK TO SAVEPOINT handler_step;

-- name: advance :exec
-- Transactional mode: move the cursor of the row that this transaction holds, in the transaction
-- of the handler's writes. Also the write of record_failure.
-- Differs: the error travels as hexadecimal digits, which no character set of the session can spoil.
-- Locks: the processor row, held already.
UPDATE outbox_processor
SET
    processed_seq = GREATEST(processed_seq, :cursor_seq),
    attempts = :attempts,
    last_error = CONVERT(UNHEX(:error) USING utf8mb4),
    locked_by = NULL,
    locked_until = CASE
        WHEN :delay > 0 THEN UTC_TIMESTAMP(6) + INTERVAL ROUND(:delay * 1000000) MICROSECOND
    END
WHERE partition_id = :partition_id;

-- name: record_failure :one
-- A transactional handler lost its connection, and its transaction with it: lock the head to write
-- its failure, by advance, from a new one, unless the cursor moved or a lease holds the partition.
-- Differs: affected rows do not tell a row found from a row changed, hence the SELECT.
-- Locks: the processor row.
SELECT partition_id FROM outbox_processor
WHERE
    partition_id = :partition_id
    AND processed_seq = :cursor_seq
    AND (locked_until IS NULL OR locked_until <= UTC_TIMESTAMP(6))
FOR UPDATE;

-- name: read_committed :exec
-- For the next transaction only, on a session that is the user's.
-- Differs: the servers' default is REPEATABLE READ.
SET TRANSACTION ISOLATION LEVEL READ COMMITTED;

-- name: begin :exec
-- On a session that is the user's and may commit by itself.
-- Differs: no driver begins a transaction when autocommit is on.
START TRANSACTION;

-- name: own_session :exec
-- Once for each connection of our own, whatever server and user say. Isolation: no gap locks, and no
-- snapshot that outlives its statement. Limits that refuse or cut what the outbox knows to be small, by
-- keys that the servers' check does not see. Waits for rows and for tables (by default up to a year) are
-- at most the servers' default for rows, so that what is locked is reported. Idle: a quiet process is not cut off
-- after seconds, and a machine that lost its power holds no locks for hours.
-- Differs: PostgreSQL's settings have other names.
SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED;
SET SESSION
    sql_safe_updates = 0,
    sql_big_selects = 1,
    sql_select_limit = 18446744073709551615,
    innodb_lock_wait_timeout = CAST(least(@@innodb_lock_wait_timeout, 50) AS UNSIGNED),
    lock_wait_timeout = CAST(least(@@lock_wait_timeout, 50) AS UNSIGNED),
    wait_timeout = 600;

-- name: needs_for_a_while :one
-- Once for each session that is the user's: what it is set to. Where the outbox's statements need something
-- else, each loan begins with `borrow` and ends with `give_back`.
-- Differs: PostgreSQL has settings for one transaction.
SELECT @@sql_safe_updates AS safe_updates, @@sql_big_selects AS big_selects, @@sql_select_limit AS select_limit;

-- name: borrow :exec
-- See needs_for_a_while.
-- Differs: as needs_for_a_while.
SET SESSION sql_safe_updates = 0, sql_big_selects = 1, sql_select_limit = 18446744073709551615;

-- name: give_back :exec
-- See needs_for_a_while.
-- Differs: as needs_for_a_while.
SET SESSION
    sql_safe_updates = :safe_updates, sql_big_selects = :big_selects, sql_select_limit = :select_limit;
