-- name: partition_status :many
-- Backlog, lease and failure of each partition, for people. The order by the whole key is what tells MySQL
-- that the index has it: by body_id alone it reads and sorts the backlog.
-- Locks: none.
SELECT
    p.id AS partition_id,
    p.queue,
    p.`partition`,
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
    UTC_TIMESTAMP(6) AS now
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
    p.`partition`,
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
-- Every registered partition, those of other processes too.
SELECT id, queue, `partition` FROM outbox_partitions ORDER BY queue, `partition`;

-- name: server_version :one
-- The server's version and whether it takes writes.
-- Differs: SQLite has no server.
SELECT VERSION() AS version, @@GLOBAL.read_only AS read_only, @@GLOBAL.innodb_read_only AS innodb_read_only;

-- name: server_facts :many
-- What decides whether the outbox runs well here, for people.
-- Differs: SQLite has no server to ask.
SHOW GLOBAL VARIABLES WHERE variable_name IN (
    'version', 'transaction_isolation', 'tx_isolation', 'max_connections', 'log_bin', 'binlog_format'
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
