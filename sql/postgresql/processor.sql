-- name: lease_and_read :many
-- Take the lease of every partition asked for that is free and has something past its cursor,
-- count the start, and return the batches with their bodies: one round trip. A partition that
-- was not taken comes back as one row with the reason (refused_for: seconds until it is free;
-- missing_after: the cursor whose next message has a number and no row).
-- A group holds only partitions without failed starts; such a partition is taken when it is asked
-- for alone (:solo), and with one message when its last start ended without a result.
-- The arrays are in sub-selects, whose values the planner does not look at: for all arrays it makes
-- one plan, which the server keeps, as planning this anew takes longer than running it.
-- Differs: lock, lease and read in one statement, where the others need a transaction.
-- Locks: processor rows FOR NO KEY UPDATE, skipping locked ones.
WITH wanted AS MATERIALIZED (
    SELECT partition_id, max_rows
    FROM unnest(
        (SELECT CAST(:partition_ids AS bigint[])),
        (SELECT CAST(:limits AS integer[]))
    ) AS w (partition_id, max_rows)
),

free AS MATERIALIZED (
    SELECT c.partition_id, c.attempts, c.locked_by IS NOT NULL AS crashed, c.last_error
    FROM outbox_processor AS c
    WHERE
        c.partition_id = ANY(CAST((SELECT CAST(:partition_ids AS bigint[])) AS bigint[]))
        AND (c.locked_until IS NULL OR c.locked_until <= clock_timestamp())
        AND (c.attempts = 0 OR CAST(:solo AS boolean))
        AND EXISTS (
            SELECT 1 FROM outbox_outgoing AS o
            WHERE o.partition_id = c.partition_id AND o.seq = c.processed_seq + 1
        )
    ORDER BY c.partition_id
    FOR NO KEY UPDATE OF c SKIP LOCKED
),

leased AS (
    UPDATE outbox_processor AS c
    SET
        attempts = c.attempts + 1,
        locked_by = :token,
        locked_until = clock_timestamp() + CAST(:lease AS double precision) * interval '1 second'
    FROM free
    WHERE c.partition_id = free.partition_id
    RETURNING c.partition_id, c.processed_seq, free.attempts, free.crashed, free.last_error, c.parking
)

SELECT
    w.partition_id,
    l.processed_seq,
    l.attempts,
    l.crashed,
    CASE WHEN m.seq = l.processed_seq + 1 THEN l.last_error END AS last_error,
    CASE WHEN l.partition_id IS NULL THEN p.sequence > c.processed_seq END AS refused_behind,
    CASE
        WHEN l.partition_id IS NULL THEN extract(EPOCH FROM c.locked_until - clock_timestamp())
    END AS refused_for,
    CASE WHEN l.partition_id IS NULL THEN c.attempts END AS refused_attempts,
    CASE
        WHEN l.partition_id IS NULL AND p.sequence > c.processed_seq AND NOT EXISTS (
            SELECT 1 FROM outbox_outgoing AS o
            WHERE o.partition_id = c.partition_id AND o.seq = c.processed_seq + 1
        ) THEN c.processed_seq
    END AS missing_after,
    l.parking,
    m.seq,
    m.body_id AS message_id,
    m.payload,
    m.payload_type,
    m.headers,
    m.created_at,
    m.message_key,
    m.uid,
    m.origin
FROM wanted AS w
LEFT JOIN leased AS l ON l.partition_id = w.partition_id
LEFT JOIN outbox_processor AS c ON c.partition_id = w.partition_id
LEFT JOIN outbox_partitions AS p ON p.id = w.partition_id
LEFT JOIN LATERAL (
    SELECT
        o.seq,
        o.body_id,
        b.payload,
        b.payload_type,
        b.headers,
        b.created_at,
        b.message_key,
        b.uid,
        b.origin,
        sum(octet_length(b.payload) + coalesce(octet_length(b.headers), 0)) OVER (ORDER BY o.seq)
        - octet_length(b.payload) - coalesce(octet_length(b.headers), 0) AS bytes_before
    FROM outbox_outgoing AS o
    LEFT JOIN outbox_body AS b ON b.id = o.body_id
    WHERE
        o.partition_id = l.partition_id
        AND o.seq > l.processed_seq
        AND o.seq <= l.processed_seq
        + CASE
            WHEN l.attempts > 0 AND (l.crashed OR CAST(:one_if_failed AS boolean)) THEN 1
            ELSE w.max_rows
        END
) AS m ON coalesce(m.bytes_before, 0) < CAST(:max_bytes AS bigint)
ORDER BY w.partition_id, m.seq;

-- name: settle_and_read :many
-- Settle the batches of one turn, whatever became of them, and read on, in one round trip:
-- advance each cursor under the fence (our token, lease still live, nothing later settled: see below),
-- write the dead letters in the same transaction, then keep the lease where more is wanted and there,
-- counting the new head's start, or release it, with the backoff as a time until which no worker
-- takes the partition. A partition whose fence failed comes back with ours = false.
-- The bytes of a dead connection may arrive after later settlements of their own turn, whose token they
-- have: what is older than the cursor changes nothing, or it would release the lease of the head that runs
-- and forget its start.
-- Sent again after a lost connection it does nothing twice: dead letters need seq above the old
-- cursor, which is read from the locked row. The snapshot may be older: the first sending may have
-- been about to commit when this one began.
-- The arrays are in sub-selects as above.
-- Differs: fence, settle, dead letters and read on in one statement, where the others need a transaction.
-- Locks: the processor rows under the fence FOR NO KEY UPDATE; waits for a locked one.
WITH given AS MATERIALIZED (
    SELECT
        g.partition_id,
        g.cursor_seq,
        g.attempts,
        g.error,
        g.max_rows,
        g.delay,
        g.max_rows > 0 AND EXISTS (
            SELECT 1 FROM outbox_outgoing AS o
            WHERE o.partition_id = g.partition_id AND o.seq = g.cursor_seq + 1
        ) AS keeps
    FROM unnest(
        (SELECT CAST(:partition_ids AS bigint[])),
        (SELECT CAST(:cursors AS bigint[])),
        (SELECT CAST(:attempts AS integer[])),
        (SELECT CAST(:errors AS text[])),
        (SELECT CAST(:limits AS integer[])),
        (SELECT CAST(:delays AS double precision[]))
    ) AS g (partition_id, cursor_seq, attempts, error, max_rows, delay)
),

fenced AS MATERIALIZED (
    SELECT c.partition_id, c.processed_seq
    FROM outbox_processor AS c
    WHERE
        c.partition_id = ANY(CAST((SELECT CAST(:partition_ids AS bigint[])) AS bigint[]))
        AND c.locked_by = :token
        AND c.locked_until > clock_timestamp()
    ORDER BY c.partition_id
    FOR NO KEY UPDATE
),

settled AS (
    UPDATE outbox_processor AS c
    SET
        processed_seq = g.cursor_seq,
        attempts = CASE WHEN g.keeps THEN 1 ELSE g.attempts END,
        last_error = g.error,
        locked_by = CASE WHEN g.keeps THEN c.locked_by END,
        locked_until = CASE
            WHEN g.keeps THEN clock_timestamp() + CAST(:lease AS double precision) * interval '1 second'
            WHEN g.delay > 0 THEN clock_timestamp() + g.delay * interval '1 second'
        END
    FROM given AS g
    INNER JOIN fenced ON fenced.partition_id = g.partition_id AND fenced.processed_seq <= g.cursor_seq
    WHERE c.partition_id = g.partition_id
    RETURNING c.partition_id, fenced.processed_seq AS old_seq, g.keeps, g.cursor_seq, g.max_rows, c.parking
),

dead_lettered AS (
    INSERT INTO outbox_dead_letters (
        message_id, partition_id, seq, payload, payload_type, headers, created_at, last_error, attempts,
        message_key, uid, origin, fingerprint
    )
    SELECT
        o.body_id,
        o.partition_id,
        o.seq,
        coalesce(b.payload, ''),
        coalesce(b.payload_type, 'application/octet-stream'),
        b.headers,
        coalesce(b.created_at, o.sequenced_at),
        d.reason,
        d.attempts,
        b.message_key,
        b.uid,
        b.origin,
        d.fingerprint
    FROM unnest(
        (SELECT CAST(:dead_partitions AS bigint[])),
        (SELECT CAST(:dead_seqs AS bigint[])),
        (SELECT CAST(:dead_reasons AS text[])),
        (SELECT CAST(:dead_attempts AS integer[])),
        (SELECT CAST(:dead_fingerprints AS text[]))
    ) AS d (partition_id, seq, reason, attempts, fingerprint)
    INNER JOIN settled ON settled.partition_id = d.partition_id AND settled.old_seq < d.seq
    INNER JOIN outbox_outgoing AS o ON o.partition_id = d.partition_id AND o.seq = d.seq
    LEFT JOIN outbox_body AS b ON b.id = o.body_id
)

SELECT
    g.partition_id,
    s.partition_id IS NOT NULL AS ours,
    s.keeps,
    g.cursor_seq,
    s.parking,
    m.seq,
    m.body_id AS message_id,
    m.payload,
    m.payload_type,
    m.headers,
    m.created_at,
    m.message_key,
    m.uid,
    m.origin
FROM given AS g
LEFT JOIN settled AS s ON s.partition_id = g.partition_id
LEFT JOIN LATERAL (
    SELECT
        o.seq,
        o.body_id,
        b.payload,
        b.payload_type,
        b.headers,
        b.created_at,
        b.message_key,
        b.uid,
        b.origin,
        sum(octet_length(b.payload) + coalesce(octet_length(b.headers), 0)) OVER (ORDER BY o.seq)
        - octet_length(b.payload) - coalesce(octet_length(b.headers), 0) AS bytes_before
    FROM outbox_outgoing AS o
    LEFT JOIN outbox_body AS b ON b.id = o.body_id
    WHERE
        s.keeps
        AND o.partition_id = s.partition_id
        AND o.seq > s.cursor_seq
        AND o.seq <= s.cursor_seq + s.max_rows
) AS m ON coalesce(m.bytes_before, 0) < CAST(:max_bytes AS bigint)
ORDER BY g.partition_id, m.seq;

-- name: renew :many
-- Extend the leases that are still ours and live; those that come back are.
-- Locks: the processor rows that it updates FOR NO KEY UPDATE, in the order in which the ack of the
-- same turn locks them.
WITH held AS MATERIALIZED (
    SELECT c.partition_id
    FROM outbox_processor AS c
    WHERE
        c.partition_id = ANY(CAST((SELECT CAST(:partition_ids AS bigint[])) AS bigint[]))
        AND c.locked_by = :token
        AND c.locked_until > clock_timestamp()
    ORDER BY c.partition_id
    FOR NO KEY UPDATE
)

UPDATE outbox_processor AS c
SET locked_until = clock_timestamp() + CAST(:lease AS double precision) * interval '1 second'
FROM held
WHERE c.partition_id = held.partition_id
RETURNING c.partition_id;

-- name: lock_and_read :many
-- Transactional mode: lock the partition's processor row for this transaction, unless a lease or
-- backoff holds it (:ignore_backoff: a backoff does not), and read the batch, in one round trip. No row:
-- locked elsewhere. One row without seq: nothing to read, or held for some seconds (refused_for).
-- Without the seq after the cursor although there is more behind: that row is missing.
-- Differs: SQLite has one writer, hence no row to lock and nothing to skip.
-- Locks: the processor row FOR NO KEY UPDATE, until commit; skips a locked one.
WITH locked AS MATERIALIZED (
    SELECT
        c.partition_id,
        c.processed_seq,
        c.attempts,
        c.last_error,
        c.parking,
        c.locked_by IS NOT NULL AS crashed,
        c.locked_until IS NULL
        OR c.locked_until <= clock_timestamp()
        OR (CAST(:ignore_backoff AS boolean) AND c.locked_by IS NULL) AS is_free,
        extract(EPOCH FROM c.locked_until - clock_timestamp()) AS refused_for
    FROM outbox_processor AS c
    WHERE c.partition_id = :partition_id
    FOR NO KEY UPDATE SKIP LOCKED
)

SELECT
    l.partition_id,
    l.processed_seq,
    l.attempts,
    l.crashed,
    CASE WHEN m.seq = l.processed_seq + 1 THEN l.last_error END AS last_error,
    CASE WHEN NOT l.is_free THEN l.refused_for END AS refused_for,
    p.sequence > l.processed_seq AS behind,
    l.parking,
    m.seq,
    m.body_id AS message_id,
    m.payload,
    m.payload_type,
    m.headers,
    m.created_at,
    m.message_key,
    m.uid,
    m.origin
FROM locked AS l
LEFT JOIN outbox_partitions AS p ON p.id = l.partition_id
LEFT JOIN LATERAL (
    SELECT
        o.seq,
        o.body_id,
        b.payload,
        b.payload_type,
        b.headers,
        b.created_at,
        b.message_key,
        b.uid,
        b.origin,
        sum(octet_length(b.payload) + coalesce(octet_length(b.headers), 0)) OVER (ORDER BY o.seq)
        - octet_length(b.payload) - coalesce(octet_length(b.headers), 0) AS bytes_before
    FROM outbox_outgoing AS o
    LEFT JOIN outbox_body AS b ON b.id = o.body_id
    WHERE
        l.is_free
        AND o.partition_id = l.partition_id
        AND o.seq > l.processed_seq
        AND o.seq <= l.processed_seq
        + CASE
            WHEN l.attempts > 0 AND (l.crashed OR CAST(:one_if_failed AS boolean)) THEN 1
            ELSE CAST(:limit AS integer)
        END
) AS m ON coalesce(m.bytes_before, 0) < CAST(:max_bytes AS bigint)
ORDER BY m.seq;

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
-- The message before went well: forget its savepoint and set the next, in one round trip.
-- Differs: two commands in one query; elsewhere the same name simply moves.
RELEASE SAVEPOINT handler_step; SAVEPOINT handler_step;

-- name: rollback_to_savepoint :exec
-- Undo one message, also after an error that made the transaction refuse everything else.
ROLLBACK TO SAVEPOINT handler_step;

-- name: advance :exec
-- Transactional mode: move the cursor of the row that this transaction holds, in the transaction
-- of the handler's writes.
-- Locks: the processor row, held already.
UPDATE outbox_processor
SET
    processed_seq = greatest(processed_seq, :cursor_seq),
    attempts = :attempts,
    last_error = :error,
    locked_by = NULL,
    locked_until = CASE
        WHEN CAST(:delay AS double precision) > 0
            THEN clock_timestamp() + CAST(:delay AS double precision) * interval '1 second'
    END
WHERE partition_id = :partition_id;

-- name: insert_dead_letters :exec
-- Transactional mode: the dead letters of a batch as one set.
-- Locks: the new rows.
INSERT INTO outbox_dead_letters (
    message_id, partition_id, seq, payload, payload_type, headers, created_at, last_error, attempts,
    message_key, uid, origin, fingerprint
)
SELECT
    o.body_id,
    o.partition_id,
    o.seq,
    coalesce(b.payload, ''),
    coalesce(b.payload_type, 'application/octet-stream'),
    b.headers,
    coalesce(b.created_at, o.sequenced_at),
    d.reason,
    d.attempts,
    b.message_key,
    b.uid,
    b.origin,
    d.fingerprint
FROM unnest(
    (SELECT CAST(:dead_seqs AS bigint[])),
    (SELECT CAST(:dead_reasons AS text[])),
    (SELECT CAST(:dead_attempts AS integer[])),
    (SELECT CAST(:dead_fingerprints AS text[]))
) AS d (seq, reason, attempts, fingerprint)
INNER JOIN outbox_outgoing AS o ON o.partition_id = :partition_id AND o.seq = d.seq
LEFT JOIN outbox_body AS b ON b.id = o.body_id;

-- name: record_failure :one
-- A transactional handler lost its connection, and its transaction with it: write the head's
-- failure from a new one, unless the cursor moved or a lease holds the partition.
-- Locks: the processor row that it updates.
UPDATE outbox_processor
SET
    attempts = :attempts,
    last_error = :error,
    locked_by = NULL,
    locked_until = CASE
        WHEN CAST(:delay AS double precision) > 0
            THEN clock_timestamp() + CAST(:delay AS double precision) * interval '1 second'
    END
WHERE
    partition_id = :partition_id
    AND processed_seq = :cursor_seq
    AND (locked_until IS NULL OR locked_until <= clock_timestamp())
RETURNING partition_id;

-- name: own_session :exec
-- Once for each connection of our own, whatever server, database and role say; only what differs is set.
-- Isolation: workers that are SERIALIZABLE make the producers' transactions fail. Arrays: without NULLs in
-- them nothing can be settled. Plans: one step in a primary key for each partition is a nested loop over an
-- index, and compiling a statement of a millisecond takes seconds. Idle: a quiet process is not cut off.
-- A process that stands still, or a handler that sends nothing for ten minutes, loses its transaction and so its
-- locks.
-- What is dead is noticed: a silent client's machine after 25 s by keepalives or by the data it does not
-- confirm, a process that ended in the middle of a statement within 2 s where the server can look (Linux).
-- Not sent behind a pooler, whose session is another one's next.
-- Differs: the others' settings have other names.
SELECT set_config(w.name, w.setting, FALSE)
FROM (
    VALUES
    ('default_transaction_isolation', 'read committed'),
    ('array_nulls', 'on'),
    ('transform_null_equals', 'off'),
    ('jit', 'off'),
    ('enable_nestloop', 'on'),
    ('enable_indexscan', 'on'),
    ('enable_indexonlyscan', 'on'),
    ('enable_tidscan', 'on'),
    ('enable_sort', 'on'),
    ('plan_cache_mode', 'auto'),
    ('idle_session_timeout', '0'),
    ('idle_in_transaction_session_timeout', '10min'),
    ('tcp_keepalives_idle', '10'),
    ('tcp_keepalives_interval', '5'),
    ('tcp_keepalives_count', '3'),
    ('tcp_user_timeout', '25000'),
    ('client_connection_check_interval', '2s')
) AS w (name, setting)
WHERE
    current_setting(w.name, TRUE) <> w.setting
    AND (w.name <> 'client_connection_check_interval' OR version() LIKE '%linux%');

-- name: reset_session :exec
-- After code of a user's had a connection of our own: nothing of it reaches the next one. Cursors WITH HOLD, who
-- the session is, settings, what it listens to, temporary tables, currval(), advisory locks. Plans are kept, which
-- DISCARD ALL would not; own_session follows in the same message.
-- Locks: gives back the session's own.
-- Differs: MySQL has a command for it, SQLite's connection is closed.
CLOSE ALL;
SET SESSION AUTHORIZATION DEFAULT;
RESET ROLE;
RESET ALL;
UNLISTEN *;
DISCARD TEMP;
DISCARD SEQUENCES;
SELECT pg_advisory_unlock_all();

-- name: left_prepared :one
-- Whether the user's code has prepared statements by PREPARE, whose names the next one would meet. The driver's
-- own are not among them.
-- Differs: as reset_session.
SELECT count(*) AS statements FROM pg_prepared_statements WHERE from_sql;

-- name: answered_by :one
-- Once for each connection of our own: the number of the process that answers. Behind a pooler it is not the one
-- that the client was told.
-- Differs: the others are not asked for one.
SELECT pg_backend_pid() AS answered_by;

-- name: odd_session :one
-- Once for each connection of the user's: whether its statements would mean or cost something else, and which
-- process answers; see own_session.
-- Differs: on the others each transaction says what it needs.
SELECT
    count(*) AS differing,
    pg_backend_pid() AS answered_by
FROM (
    VALUES
    ('default_transaction_isolation', 'read committed'),
    ('array_nulls', 'on'),
    ('transform_null_equals', 'off'),
    ('enable_nestloop', 'on'),
    ('enable_indexscan', 'on'),
    ('enable_tidscan', 'on'),
    ('plan_cache_mode', 'auto')
) AS w (name, setting)
WHERE current_setting(w.name, TRUE) <> w.setting;

-- name: own_transaction :exec
-- For one transaction on a connection of the user's whose settings differ, which keeps them.
-- Differs: as odd_session.
SELECT set_config(w.name, w.setting, TRUE)
FROM (
    VALUES
    ('array_nulls', 'on'),
    ('transform_null_equals', 'off'),
    ('jit', 'off'),
    ('enable_nestloop', 'on'),
    ('enable_indexscan', 'on'),
    ('enable_indexonlyscan', 'on'),
    ('enable_tidscan', 'on'),
    ('enable_sort', 'on'),
    ('plan_cache_mode', 'auto')
) AS w (name, setting)
WHERE current_setting(w.name, TRUE) <> w.setting;
