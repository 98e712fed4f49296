-- name: partition_status :many
-- Backlog, lease and failure of each partition, for people. The order by the whole key is what tells MySQL
-- that the index has it: by body_id alone it reads and sorts the backlog.
-- Locks: none.
SELECT
    p.id AS partition_id,
    p.queue,
    MOD(p.`partition`, 64) AS `partition`,
    (
        SELECT count(*) FROM outbox_incoming AS i FORCE INDEX (PRIMARY) WHERE i.partition_id = p.id
    ) AS incoming,
    p.sequence,
    c.processed_seq,
    v.vacuumed_seq,
    (
        SELECT b.created_at
        FROM outbox_incoming AS i FORCE INDEX (PRIMARY)
        INNER JOIN outbox_body AS b FORCE INDEX (PRIMARY) ON b.id = i.body_id
        WHERE i.partition_id = p.id
        ORDER BY i.partition_id, i.body_id
        LIMIT 1
    ) AS oldest_waiting,
    (
        SELECT b.created_at
        FROM outbox_outgoing AS o FORCE INDEX (PRIMARY)
        INNER JOIN outbox_body AS b FORCE INDEX (PRIMARY) ON b.id = o.body_id
        WHERE o.partition_id = p.id AND o.seq = c.processed_seq + 1
    ) AS oldest_behind,
    c.attempts,
    CAST(c.last_error AS BINARY) AS last_error,
    c.locked_by,
    c.locked_until,
    (SELECT COUNT(*) FROM outbox_delayed AS d FORCE INDEX (PRIMARY) WHERE d.partition_id = p.id) AS `delayed`,
    (
        SELECT MIN(d.due_at) FROM outbox_delayed AS d FORCE INDEX (PRIMARY) WHERE d.partition_id = p.id
    ) AS first_due,
    UTC_TIMESTAMP(6) AS now,
    p.retired_at IS NOT NULL AS retired
FROM JSON_TABLE(:partition_ids, '$[*]' COLUMNS (id BIGINT PATH '$')) AS wanted
STRAIGHT_JOIN outbox_partitions AS p FORCE INDEX (PRIMARY) ON p.id = wanted.id
STRAIGHT_JOIN outbox_processor AS c FORCE INDEX (PRIMARY) ON c.partition_id = p.id
STRAIGHT_JOIN outbox_vacuum AS v FORCE INDEX (PRIMARY) ON v.partition_id = p.id
ORDER BY p.queue, p.`partition`;

-- name: missing_messages :many
-- Partitions that stand still because the row of their next message was deleted, with the number
-- of the next row that is there, for people.
-- Locks: none.
SELECT
    p.queue,
    MOD(p.`partition`, 64) AS `partition`,
    p.id,
    c.processed_seq,
    (
        SELECT MIN(o.seq) FROM outbox_outgoing AS o
        WHERE o.partition_id = p.id AND o.seq > c.processed_seq
    ) AS next_seq
FROM outbox_partitions AS p INNER JOIN outbox_processor AS c ON c.partition_id = p.id
WHERE
    p.sequence > c.processed_seq
    AND NOT EXISTS (
        SELECT 1 FROM outbox_outgoing AS o WHERE o.partition_id = p.id AND o.seq = c.processed_seq + 1
    )
ORDER BY p.queue, p.`partition`;

-- name: all_partitions :many
-- Every registered partition, those of other processes too, and behind a queue's own those that a resize has
-- retired: their numbers are the index and 64 more with each resize.
SELECT p.id, p.queue, MOD(p.`partition`, 64) AS `partition`
FROM outbox_partitions AS p
ORDER BY p.queue, p.`partition`;

-- name: server_version :one
-- The server's version and whether it takes writes.
-- Differs: SQLite has no server.
SELECT VERSION() AS version, @@GLOBAL.read_only AS read_only, @@GLOBAL.innodb_read_only AS innodb_read_only;

-- name: server_facts :many
-- What decides whether the outbox runs well here, for people.
-- Differs: SQLite has no server to ask.
SHOW GLOBAL VARIABLES WHERE variable_name IN (
    'version', 'transaction_isolation', 'tx_isolation', 'max_connections', 'log_bin', 'binlog_format',
    'wait_timeout', 'max_user_connections'
);

-- name: connections :one
-- How many connections the server has now, this one included.
-- Differs: PostgreSQL tells it with the other facts, SQLite has none.
SHOW GLOBAL STATUS WHERE variable_name = 'Threads_connected';

-- name: clock :one
-- The server's time in seconds since 1970.
-- Differs: SQLite's clock is that of the machine it runs on.
SELECT TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6)) / 1000000 AS seconds;

-- name: skip_locked :many
-- Raises an error where the server does not know SKIP LOCKED. No partition has the id 0.
-- Locks: the gap before the first partition, until the statement ends.
-- Differs: SQLite has no row locks.
SELECT id FROM outbox_partitions WHERE id = 0 FOR UPDATE SKIP LOCKED;

-- name: table_definition :one
-- A table as it is, or a temporary one of the same name. SHOW takes no parameter: the caller puts the
-- table's name into the place of this one.
-- Differs: elsewhere table_shapes tells the same of all tables at once.
SHOW CREATE TABLE outbox_body;

-- name: free_processor :many
-- A partition's row unless a worker holds it: a transactional handler holds no lease but this row.
-- Locks: the processor row, for this statement alone; skips a locked one.
SELECT partition_id
FROM outbox_processor
WHERE partition_id = :partition_id
FOR UPDATE SKIP LOCKED;

-- name: lock_holders :many
-- Who has held locks on the tables for so long that others wait: rows that every pass of a worker needs, or
-- whole tables. Needs SELECT on performance_schema. MariaDB has no such tables; see long_transactions.
-- Locks: none. The servers show when a transaction started by their own clock, whatever the session's is.
-- Differs: two tables, one of row locks and one of table and global locks.
SELECT
    CAST(p.processlist_id AS CHAR) AS session_id,
    CONCAT_WS('@', p.processlist_user, p.processlist_host) AS who,
    h.seconds + 0.0 AS seconds,
    CONCAT_WS(': ', p.processlist_command, LEFT(p.processlist_info, 120)) AS doing,
    h.tables,
    CONCAT('KILL ', p.processlist_id) AS repair
FROM (
    SELECT
        l.thread_id,
        TIMESTAMPDIFF(
            SECOND, MIN(t.trx_started), CONVERT_TZ(NOW(), @@session.time_zone, 'SYSTEM')
        ) AS seconds,
        GROUP_CONCAT(DISTINCT l.object_name) AS tables
    FROM performance_schema.data_locks AS l
    INNER JOIN information_schema.innodb_trx AS t ON t.trx_id = l.engine_transaction_id
    WHERE
        l.object_schema = DATABASE()
        AND l.lock_type = 'RECORD'
        AND l.lock_status = 'GRANTED'
        AND JSON_CONTAINS(:hot_tables, JSON_QUOTE(l.object_name))
    GROUP BY l.thread_id
    UNION ALL
    SELECT
        m.owner_thread_id AS thread_id,
        MAX(w.processlist_time) AS seconds,
        GROUP_CONCAT(DISTINCT COALESCE(m.object_name, m.object_type)) AS tables
    FROM performance_schema.metadata_locks AS m
    INNER JOIN performance_schema.threads AS w ON w.thread_id = m.owner_thread_id
    WHERE
        m.lock_status = 'GRANTED'
        AND (
            (m.object_type = 'GLOBAL' AND m.lock_type = 'SHARED')
            OR (
                m.object_schema = DATABASE()
                AND JSON_CONTAINS(:tables, JSON_QUOTE(m.object_name))
                AND m.lock_type IN (
                    'EXCLUSIVE', 'SHARED_NO_READ_WRITE', 'SHARED_NO_WRITE', 'SHARED_READ_ONLY'
                )
            )
        )
    GROUP BY m.owner_thread_id
) AS h
INNER JOIN performance_schema.threads AS p ON p.thread_id = h.thread_id
WHERE p.processlist_id <> CONNECTION_ID() AND h.seconds >= :seconds
ORDER BY h.seconds DESC
LIMIT 5;

-- name: long_transactions :many
-- Transactions of any tables that have held row locks for long: MariaDB tells no more. Needs PROCESS.
-- Locks: none.
-- Differs: in place of lock_holders.
SELECT
    CAST(p.id AS CHAR) AS session_id,
    CONCAT_WS('@', p.user, SUBSTRING_INDEX(p.host, ':', 1)) AS who,
    TIMESTAMPDIFF(
        SECOND, t.trx_started, CONVERT_TZ(NOW(), @@session.time_zone, 'SYSTEM')
    ) + 0.0 AS seconds,
    CONCAT_WS(': ', p.command, LEFT(p.info, 120)) AS doing,
    'rows of some table' AS tables,
    CONCAT('KILL ', p.id) AS repair
FROM information_schema.innodb_trx AS t
INNER JOIN information_schema.processlist AS p ON p.id = t.trx_mysql_thread_id
WHERE
    p.id <> CONNECTION_ID()
    AND p.db = DATABASE()
    AND t.trx_rows_locked > 0
    AND TIMESTAMPDIFF(
        SECOND, t.trx_started, CONVERT_TZ(NOW(), @@session.time_zone, 'SYSTEM')
    ) >= :seconds
ORDER BY t.trx_started
LIMIT 5;

-- name: partition_gauges :many
-- What metrics and the page show of each partition. Counts of rows stop at :most for each partition, so that
-- a backlog of millions costs what :most rows cost: the row at that offset tells whether counting ends.
-- Locks: none.
SELECT
    p.id AS partition_id,
    p.queue,
    MOD(p.`partition`, 64) AS `partition`,
    CASE
        WHEN (
            SELECT i.body_id FROM outbox_incoming AS i FORCE INDEX (PRIMARY)
            WHERE i.partition_id = p.id
            ORDER BY i.partition_id, i.body_id
            LIMIT 1 OFFSET :most
        ) IS NOT NULL THEN :most
        ELSE (SELECT count(*) FROM outbox_incoming AS i FORCE INDEX (PRIMARY) WHERE i.partition_id = p.id)
    END AS incoming,
    p.sequence - c.processed_seq AS backlog,
    CASE
        WHEN (
            SELECT d.body_id FROM outbox_delayed AS d FORCE INDEX (PRIMARY)
            WHERE d.partition_id = p.id
            ORDER BY d.partition_id, d.due_at, d.body_id
            LIMIT 1 OFFSET :most
        ) IS NOT NULL THEN :most
        ELSE (SELECT count(*) FROM outbox_delayed AS d FORCE INDEX (PRIMARY) WHERE d.partition_id = p.id)
    END AS not_due,
    CASE
        WHEN (
            SELECT k.seq FROM outbox_parked AS k FORCE INDEX (PRIMARY)
            WHERE k.partition_id = p.id
            ORDER BY k.partition_id, k.message_key, k.seq
            LIMIT 1 OFFSET :most
        ) IS NOT NULL THEN :most
        ELSE (SELECT count(*) FROM outbox_parked AS k FORCE INDEX (PRIMARY) WHERE k.partition_id = p.id)
    END AS parked,
    (
        SELECT TIMESTAMPDIFF(MICROSECOND, b.created_at, UTC_TIMESTAMP(6))
        FROM outbox_body AS b FORCE INDEX (PRIMARY)
        WHERE b.id = (
            SELECT i.body_id FROM outbox_incoming AS i FORCE INDEX (PRIMARY)
            WHERE i.partition_id = p.id
            ORDER BY i.partition_id, i.body_id
            LIMIT 1
        )
    ) / 1000000.0 AS waiting_age,
    (
        SELECT TIMESTAMPDIFF(MICROSECOND, b.created_at, UTC_TIMESTAMP(6))
        FROM outbox_outgoing AS o FORCE INDEX (PRIMARY)
        INNER JOIN outbox_body AS b FORCE INDEX (PRIMARY) ON b.id = o.body_id
        WHERE o.partition_id = p.id AND o.seq = c.processed_seq + 1
    ) / 1000000.0 AS behind_age,
    c.processed_seq,
    c.attempts,
    CAST(c.last_error AS BINARY) AS last_error,
    c.locked_by,
    CASE
        WHEN c.locked_until > UTC_TIMESTAMP(6)
            THEN TIMESTAMPDIFF(MICROSECOND, UTC_TIMESTAMP(6), c.locked_until) / 1000000.0
    END AS locked_for,
    EXISTS (
        SELECT 1 FROM outbox_pauses AS z
        WHERE
            z.queue = p.queue
            AND (z.`partition` IS NULL OR z.`partition` = MOD(p.`partition`, 64))
            AND z.message_key IS NULL
            AND (z.ends_at IS NULL OR z.ends_at > UTC_TIMESTAMP(6))
    ) AS paused,
    p.retired_at IS NOT NULL AS retired
FROM outbox_partitions AS p
INNER JOIN outbox_processor AS c ON c.partition_id = p.id
ORDER BY p.queue, p.`partition`;

-- name: waiting_messages :many
-- The next :most numbered messages of a partition, for people, without their payloads.
-- Locks: none.
SELECT
    w.seq,
    b.id AS message_id,
    b.payload_type,
    CAST(b.message_key AS BINARY) AS message_key,
    LENGTH(b.payload) AS size,
    TIMESTAMPDIFF(MICROSECOND, '1970-01-01', b.created_at) / 1000000.0 AS created_at
FROM (
    SELECT o.seq, o.body_id
    FROM outbox_processor AS c FORCE INDEX (PRIMARY) INNER JOIN outbox_outgoing AS o FORCE INDEX (PRIMARY)
        ON o.partition_id = c.partition_id AND o.seq > c.processed_seq
    WHERE c.partition_id = :partition_id
    ORDER BY o.seq
    LIMIT :most
) AS w
INNER JOIN outbox_body AS b FORCE INDEX (PRIMARY) ON b.id = w.body_id
ORDER BY w.seq;

-- name: waiting_payload :many
-- One numbered message with its payload, for people who asked for it.
-- Locks: none.
SELECT b.payload, CAST(b.headers AS BINARY) AS headers
FROM outbox_outgoing AS o FORCE INDEX (PRIMARY)
INNER JOIN outbox_body AS b FORCE INDEX (PRIMARY) ON b.id = o.body_id
WHERE o.partition_id = :partition_id AND o.seq = :seq;

-- name: newest_letter_reasons :many
-- What the newest :most letters of a status failed of, for groups that a page shows; without payloads.
-- Locks: none.
SELECT
    l.id,
    l.partition_id,
    CAST(l.fingerprint AS BINARY) AS fingerprint,
    CAST(l.last_error AS BINARY) AS last_error,
    TIMESTAMPDIFF(MICROSECOND, '1970-01-01', l.failed_at) / 1000000.0 AS failed_at
FROM outbox_dead_letters AS l FORCE INDEX (listed)
WHERE l.status = :status
ORDER BY l.id DESC
LIMIT :most;

-- name: dead_letter_gauges :many
-- How many letters of one status each partition has, of the newest :most of that status.
-- Locks: none.
SELECT newest.partition_id, count(*) AS n
FROM (
    SELECT l.partition_id FROM outbox_dead_letters AS l FORCE INDEX (listed)
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
    TIMESTAMPDIFF(MICROSECOND, q.rate_at, UTC_TIMESTAMP(6)) / 1000000.0 AS rate_age
FROM outbox_queues AS q
WHERE q.keep_us IS NOT NULL OR q.rate_count IS NOT NULL
ORDER BY q.queue;
