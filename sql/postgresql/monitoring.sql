-- name: partition_status :many
-- Backlog, lease and failure of each partition, for people.
-- Locks: none.
SELECT
    p.id AS partition_id,
    p.queue,
    p.partition & 63 AS partition,
    waiting.n AS incoming,
    p.sequence,
    c.processed_seq,
    v.vacuumed_seq,
    CAST(
        extract(EPOCH FROM clock_timestamp() - least(oldest_waiting.created_at, oldest_behind.created_at))
        AS double precision
    ) AS oldest_age,
    c.attempts,
    c.last_error,
    c.locked_by,
    CASE
        WHEN c.locked_until > clock_timestamp()
            THEN CAST(extract(EPOCH FROM c.locked_until - clock_timestamp()) AS double precision)
    END AS locked_for,
    (SELECT count(*) FROM outbox_delayed AS d WHERE d.partition_id = p.id) AS delayed,
    (
        SELECT CAST(extract(EPOCH FROM clock_timestamp() - d.due_at) AS double precision)
        FROM outbox_delayed AS d
        WHERE d.partition_id = p.id AND d.due_at <= clock_timestamp()
        ORDER BY d.due_at
        LIMIT 1
    ) AS overdue,
    p.retired_at IS NOT NULL AS retired
FROM outbox_partitions AS p
INNER JOIN outbox_processor AS c ON c.partition_id = p.id
INNER JOIN outbox_vacuum AS v ON v.partition_id = p.id
LEFT JOIN LATERAL (
    SELECT count(*) AS n FROM outbox_incoming AS i WHERE i.partition_id = p.id
) AS waiting ON TRUE
LEFT JOIN LATERAL (
    SELECT b.created_at
    FROM outbox_incoming AS i INNER JOIN outbox_body AS b ON b.id = i.body_id
    WHERE i.partition_id = p.id
    ORDER BY i.body_id
    LIMIT 1
) AS oldest_waiting ON TRUE
LEFT JOIN LATERAL (
    SELECT b.created_at
    FROM outbox_outgoing AS o INNER JOIN outbox_body AS b ON b.id = o.body_id
    WHERE o.partition_id = p.id AND o.seq > c.processed_seq
    ORDER BY o.seq
    LIMIT 1
) AS oldest_behind ON TRUE
WHERE p.id = ANY(CAST(:partition_ids AS bigint[]))
ORDER BY p.queue, p.partition;

-- name: missing_messages :many
-- Partitions that stand still because the row of their next message was deleted, with the number
-- of the next row that is there, for people.
-- Locks: none.
SELECT
    p.queue,
    p.partition & 63 AS partition,
    p.id,
    c.processed_seq,
    (
        SELECT min(o.seq) FROM outbox_outgoing AS o
        WHERE o.partition_id = p.id AND o.seq > c.processed_seq
    ) AS next_seq
FROM outbox_partitions AS p INNER JOIN outbox_processor AS c ON c.partition_id = p.id
WHERE
    p.sequence > c.processed_seq
    AND NOT EXISTS (
        SELECT 1 FROM outbox_outgoing AS o WHERE o.partition_id = p.id AND o.seq = c.processed_seq + 1
    )
ORDER BY p.queue, p.partition;

-- name: all_partitions :many
-- Every registered partition, those of other processes too, and behind a queue's own those that a resize has
-- retired: their numbers are the index and 64 more with each resize.
SELECT p.id, p.queue, p.partition & 63 AS partition
FROM outbox_partitions AS p
ORDER BY p.queue, p.partition;

-- name: server_version :one
-- The server's version number and whether it takes writes.
-- Differs: SQLite has no server to ask.
SELECT
    current_setting('server_version_num') AS version,
    pg_is_in_recovery() AS read_only,
    current_setting('default_transaction_read_only') = 'on' AS refuses_writes;

-- name: server_facts :many
-- What decides whether the outbox runs well here, for people; not what our own session has set.
-- Differs: SQLite has no server to ask.
SELECT s.name, s.reset_val AS setting
FROM pg_settings AS s
WHERE
    s.name IN (
        'server_version', 'default_transaction_isolation', 'max_connections', 'statement_timeout',
        'idle_session_timeout'
    )
UNION ALL
SELECT 'notification_queue', CAST(pg_notification_queue_usage() AS text)
UNION ALL
SELECT 'connections', CAST(count(*) AS text) FROM pg_stat_activity WHERE datid IS NOT NULL;

-- name: clock :one
-- The server's time in seconds since 1970.
-- Differs: SQLite's clock is that of the machine it runs on.
SELECT CAST(extract(EPOCH FROM clock_timestamp()) AS double precision) AS seconds;

-- name: skip_locked :many
-- Raises an error where the server does not know SKIP LOCKED. No partition has the id 0.
-- Locks: none, as no row is found.
-- Differs: SQLite has no row locks.
SELECT id FROM outbox_partitions WHERE id = 0 FOR UPDATE SKIP LOCKED;

-- name: table_shapes :many
-- Columns, indexes and checks of the tables, for the comparison with what the migrations make. An index is
-- told by what it does and not by its name, which a DBA who builds it anew may change.
-- Differs: MySQL hides temporary tables here, see table_definition.
WITH tables AS (
    SELECT c.oid, c.relname
    FROM unnest(CAST(:tables AS text[])) AS w (name) INNER JOIN pg_class AS c ON c.oid = to_regclass(w.name)
)

SELECT
    t.relname AS table_name,
    'column' AS kind,
    CAST(a.attname AS text) AS name,
    concat_ws(
        ' ',
        format_type(a.atttypid, a.atttypmod),
        CASE WHEN a.attnotnull THEN 'NOT NULL' END,
        CASE WHEN a.attidentity <> '' THEN 'IDENTITY' END,
        'DEFAULT ' || pg_get_expr(d.adbin, d.adrelid)
    ) AS definition
FROM tables AS t
INNER JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef AS d ON d.adrelid = t.oid AND d.adnum = a.attnum
UNION ALL
SELECT
    t.relname,
    'index',
    CASE WHEN i.indisunique THEN 'UNIQUE ' ELSE '' END
    || substring(pg_get_indexdef(i.indexrelid) FROM 'USING .*$'),
    CASE WHEN i.indisvalid THEN 'valid' ELSE 'invalid' END
FROM tables AS t INNER JOIN pg_index AS i ON i.indrelid = t.oid
UNION ALL
SELECT t.relname, 'constraint', pg_get_constraintdef(k.oid), ''
FROM tables AS t INNER JOIN pg_constraint AS k ON k.conrelid = t.oid AND k.contype = 'c';

-- name: free_processor :many
-- A partition's row unless a worker holds it: a transactional handler holds no lease but this row.
-- Locks: the processor row FOR NO KEY UPDATE, for this statement alone; skips a locked one.
SELECT partition_id
FROM outbox_processor
WHERE partition_id = :partition_id
FOR NO KEY UPDATE SKIP LOCKED;

-- name: identities :many
-- How far the ids of the messages have come, how many each session takes at once, and the highest that is
-- there, with the statements that repair them. A restore or a replica that became the primary may leave the
-- first behind.
-- Differs: the others never give out less than what is there, and no session takes numbers in advance.
SELECT
    t.name,
    s.seqcache AS taken_at_once,
    CASE
        WHEN has_sequence_privilege(s.seqrelid, 'USAGE, SELECT') THEN pg_sequence_last_value(s.seqrelid)
    END AS given_out,
    has_sequence_privilege(s.seqrelid, 'USAGE, SELECT') AS may_look,
    t.highest,
    format('SELECT setval(%L, %s)', CAST(s.seqrelid AS regclass), t.highest) AS move_on,
    format('ALTER SEQUENCE %s CACHE 1', CAST(s.seqrelid AS regclass)) AS take_one
FROM (
    SELECT
        'body' AS name,
        to_regclass('outbox_body') AS owner,
        (SELECT max(b.id) FROM outbox_body AS b) AS highest
) AS t
INNER JOIN pg_depend AS d
    ON d.refobjid = t.owner AND d.classid = CAST('pg_class' AS regclass) AND d.deptype IN ('a', 'i')
INNER JOIN pg_sequence AS s ON s.seqrelid = d.objid;

-- name: filtered_tables :many
-- The tables of which row-level security shows this user only what policies let through, and whether there is
-- any policy for the user: without one every table looks empty. Asked at the opening, and by the doctor.
-- Locks: none.
-- Differs: the others have no row-level security.
SELECT
    CAST(c.relname AS text) AS table_name,
    EXISTS (
        SELECT 1
        FROM pg_policy AS y
        WHERE
            y.polrelid = c.oid
            AND y.polpermissive
            AND EXISTS (
                SELECT 1
                FROM unnest(y.polroles) AS r (id)
                WHERE r.id = 0 OR pg_has_role(r.id, 'USAGE')
            )
    ) AS has_policy,
    format('ALTER TABLE %s DISABLE ROW LEVEL SECURITY', CAST(c.oid AS regclass)) AS repair
FROM unnest(CAST(:tables AS text[])) AS w (name)
INNER JOIN pg_class AS c ON c.oid = to_regclass(w.name)
WHERE c.relrowsecurity AND row_security_active(c.oid)
ORDER BY c.relname;

-- name: lock_holders :many
-- Who has held locks on the tables for so long that others wait, the oldest first: rows that every pass of a
-- worker needs, or whole tables. The age of another user's session is hidden from most users.
-- Locks: none.
-- Differs: SQLite does not tell who writes.
SELECT
    CAST(a.pid AS text) AS session_id,
    concat_ws(' ', a.usename, nullif(a.application_name, ''), host(a.client_addr)) AS who,
    CAST(extract(EPOCH FROM clock_timestamp() - a.xact_start) AS double precision) AS seconds,
    concat_ws(': ', a.state, left(regexp_replace(a.query, '\s+', ' ', 'g'), 120)) AS doing,
    string_agg(DISTINCT CAST(c.relname AS text), ', ') AS tables,
    format('SELECT pg_terminate_backend(%s)', a.pid) AS repair
FROM unnest(CAST(:tables AS text[])) AS w (name)
INNER JOIN pg_class AS c ON c.oid = to_regclass(w.name)
INNER JOIN pg_locks AS l ON l.relation = c.oid AND l.granted AND l.database IS NOT NULL
INNER JOIN pg_stat_activity AS a ON a.pid = l.pid
WHERE
    a.pid <> pg_backend_pid()
    AND (a.xact_start IS NULL OR a.xact_start < clock_timestamp() - make_interval(secs => :seconds))
    AND (
        l.mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
        OR (
            l.mode IN ('RowShareLock', 'RowExclusiveLock')
            AND w.name = ANY(CAST(:hot_tables AS text[]))
        )
    )
GROUP BY a.pid, a.usename, a.application_name, a.client_addr, a.xact_start, a.state, a.query
ORDER BY a.xact_start NULLS FIRST
LIMIT 5;

-- name: partition_gauges :many
-- What metrics and the page show of each partition. Counts of rows stop at :most for each partition, so that
-- a backlog of millions costs what :most rows cost: the row at that offset tells whether counting ends.
-- Locks: none.
SELECT
    p.id AS partition_id,
    p.queue,
    p.partition & 63 AS partition,
    CASE
        WHEN EXISTS (
            SELECT 1 FROM outbox_incoming AS i WHERE i.partition_id = p.id ORDER BY i.body_id OFFSET :most
        ) THEN :most
        ELSE (SELECT count(*) FROM outbox_incoming AS i WHERE i.partition_id = p.id)
    END AS incoming,
    p.sequence - c.processed_seq AS backlog,
    CASE
        WHEN EXISTS (
            SELECT 1 FROM outbox_delayed AS d WHERE d.partition_id = p.id ORDER BY d.due_at OFFSET :most
        ) THEN :most
        ELSE (SELECT count(*) FROM outbox_delayed AS d WHERE d.partition_id = p.id)
    END AS not_due,
    CASE
        WHEN EXISTS (
            SELECT 1 FROM outbox_parked AS k WHERE k.partition_id = p.id ORDER BY k.message_key OFFSET :most
        ) THEN :most
        ELSE (SELECT count(*) FROM outbox_parked AS k WHERE k.partition_id = p.id)
    END AS parked,
    CAST(extract(EPOCH FROM clock_timestamp() - least(
        (
            SELECT b.created_at FROM outbox_body AS b
            WHERE b.id = (
                SELECT i.body_id FROM outbox_incoming AS i
                WHERE i.partition_id = p.id
                ORDER BY i.body_id
                LIMIT 1
            )
        ),
        (
            SELECT b.created_at FROM outbox_body AS b
            WHERE b.id = (
                SELECT o.body_id FROM outbox_outgoing AS o
                WHERE o.partition_id = p.id AND o.seq > c.processed_seq
                ORDER BY o.seq
                LIMIT 1
            )
        )
    )) AS double precision) AS oldest_age,
    c.processed_seq,
    c.attempts,
    c.last_error,
    c.locked_by,
    CASE
        WHEN c.locked_until > clock_timestamp()
            THEN CAST(extract(EPOCH FROM c.locked_until - clock_timestamp()) AS double precision)
    END AS locked_for,
    EXISTS (
        SELECT 1 FROM outbox_pauses AS z
        WHERE
            z.queue = p.queue
            AND (z.partition IS NULL OR z.partition = p.partition & 63)
            AND z.message_key IS NULL
            AND (z.ends_at IS NULL OR z.ends_at > clock_timestamp())
    ) AS paused,
    p.retired_at IS NOT NULL AS retired
FROM outbox_partitions AS p
INNER JOIN outbox_processor AS c ON c.partition_id = p.id
ORDER BY p.queue, p.partition;

-- name: waiting_messages :many
-- The next :most numbered messages of a partition, for people, without their payloads.
-- Locks: none.
SELECT
    w.seq,
    b.id AS message_id,
    b.payload_type,
    b.message_key,
    octet_length(b.payload) AS size,
    CAST(extract(EPOCH FROM b.created_at) AS double precision) AS created_at
FROM (
    SELECT o.seq, o.body_id
    FROM outbox_processor AS c INNER JOIN outbox_outgoing AS o
        ON o.partition_id = c.partition_id AND o.seq > c.processed_seq
    WHERE c.partition_id = :partition_id
    ORDER BY o.seq
    LIMIT :most
) AS w
INNER JOIN outbox_body AS b ON b.id = w.body_id
ORDER BY w.seq;

-- name: waiting_payload :many
-- One numbered message with its payload, for people who asked for it.
-- Locks: none.
SELECT b.payload, b.headers
FROM outbox_outgoing AS o INNER JOIN outbox_body AS b ON b.id = o.body_id
WHERE o.partition_id = :partition_id AND o.seq = :seq;

-- name: newest_letter_reasons :many
-- What the newest :most letters of a status failed of, for groups that a page shows; without payloads.
-- Locks: none.
SELECT
    l.id,
    l.partition_id,
    l.fingerprint,
    l.last_error,
    CAST(extract(EPOCH FROM l.failed_at) AS double precision) AS failed_at
FROM outbox_dead_letters AS l
WHERE l.status = :status
ORDER BY l.id DESC
LIMIT :most;

-- name: dead_letter_gauges :many
-- How many letters of one status each partition has, of the newest :most of that status.
-- Locks: none.
SELECT newest.partition_id, count(*) AS n
FROM (
    SELECT l.partition_id FROM outbox_dead_letters AS l
    WHERE l.status = :status
    ORDER BY l.id DESC
    LIMIT :most
) AS newest
GROUP BY newest.partition_id;

-- name: claimed :many
-- The names of the payloads that lie outside the database, of everything that has one: messages, dead
-- letters and parked ones. One statement, because a message that moves between the tables must be seen in
-- one of them. Reads every row, every ten minutes and only where a codec leaves payloads elsewhere.
-- Locks: none.
SELECT b.payload FROM outbox_body AS b WHERE b.payload_type LIKE :pattern
UNION ALL
SELECT l.payload FROM outbox_dead_letters AS l WHERE l.payload_type LIKE :pattern
UNION ALL
SELECT k.payload FROM outbox_parked AS k WHERE k.payload_type LIKE :pattern;

-- name: queue_settings :many
-- Queues that keep what was delivered or have a rate, for people: what the bucket held when it was last
-- changed, and how many seconds ago that was.
-- Locks: none.
SELECT
    q.queue,
    q.keep_us,
    q.rate_count,
    q.rate_per_us,
    q.rate_tokens,
    CAST(extract(EPOCH FROM clock_timestamp() - q.rate_at) AS double precision) AS rate_age
FROM outbox_queues AS q
WHERE q.keep_us IS NOT NULL OR q.rate_count IS NOT NULL
ORDER BY q.queue;
