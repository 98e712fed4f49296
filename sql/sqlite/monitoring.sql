-- name: partition_status :many
-- Backlog, lease and failure of each partition, for people.
-- Locks: none.
WITH looked AS (
    SELECT
        p.id AS partition_id,
        p.queue,
        p.partition,
        (SELECT count(*) FROM outbox_incoming AS i WHERE i.partition_id = p.id) AS incoming,
        p.sequence,
        c.processed_seq,
        v.vacuumed_seq,
        (
            SELECT b.created_at
            FROM outbox_incoming AS i INNER JOIN outbox_body AS b ON b.id = i.body_id
            WHERE i.partition_id = p.id
            ORDER BY i.body_id
            LIMIT 1
        ) AS oldest_waiting,
        (
            SELECT b.created_at
            FROM outbox_outgoing AS o INNER JOIN outbox_body AS b ON b.id = o.body_id
            WHERE o.partition_id = p.id AND o.seq > c.processed_seq
            ORDER BY o.seq
            LIMIT 1
        ) AS oldest_behind,
        c.attempts,
        c.last_error,
        c.locked_by,
        c.locked_until,
        CAST(round((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER) * 1000 AS at
    FROM json_each(:partition_ids) AS w
    CROSS JOIN outbox_partitions AS p
    CROSS JOIN outbox_processor AS c
    CROSS JOIN outbox_vacuum AS v
    WHERE p.id = w.value AND c.partition_id = p.id AND v.partition_id = p.id
)

SELECT
    partition_id,
    queue,
    partition,
    incoming,
    sequence,
    processed_seq,
    vacuumed_seq,
    (at - min(coalesce(oldest_waiting, oldest_behind), coalesce(oldest_behind, oldest_waiting))) / 1000000.0
        AS oldest_age,
    attempts,
    last_error,
    locked_by,
    CASE WHEN locked_until > at THEN (locked_until - at) / 1000000.0 END AS locked_for
FROM looked
ORDER BY queue, partition;

-- name: missing_messages :many
-- Partitions that stand still because the row of their next message was deleted, with the number
-- of the next row that is there, for people.
-- Locks: none.
SELECT
    p.queue,
    p.partition,
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
-- Every registered partition, those of other processes too.
SELECT id, queue, partition FROM outbox_partitions ORDER BY queue, partition;

-- name: journal_mode :one
-- wal after a migration, memory for a database in memory.
-- Differs: the library's version is known without asking, so this stands for server_version.
PRAGMA journal_mode;

-- name: synchronous_full :exec
-- A commit is on the disk when it returns.
-- Differs: a setting of each connection of our own.
PRAGMA synchronous = FULL;

-- name: synchronous_normal :exec
-- The database stays sound, but a power failure may undo the last commits: messages are delivered
-- again. On request only.
-- Differs: a setting of each connection of our own.
PRAGMA synchronous = NORMAL;

-- name: table_shapes :many
-- Columns and indexes of the tables, for the comparison with what the migrations make.
-- Differs: MySQL hides temporary tables here, see table_definition.
SELECT
    m.name AS table_name,
    'column' AS kind,
    c.name AS name,
    c.type
    || CASE WHEN c."notnull" THEN ' NOT NULL' ELSE '' END
    || CASE WHEN c.pk > 0 THEN ' PRIMARY KEY ' || c.pk ELSE '' END
    || coalesce(' DEFAULT ' || c.dflt_value, '') AS definition
FROM json_each(:tables) AS w
INNER JOIN sqlite_master AS m ON m.type = 'table' AND m.name = w.value
INNER JOIN pragma_table_xinfo(m.name) AS c
UNION ALL
SELECT
    m.name,
    'index',
    CASE WHEN i."unique" THEN 'UNIQUE ' ELSE '' END || (
        SELECT group_concat(k.name, ', ') FROM pragma_index_info(i.name) AS k
    ) || CASE WHEN i.partial THEN (
        SELECT substr(x.sql, instr(x.sql, ' WHERE ')) FROM sqlite_master AS x WHERE x.name = i.name
    ) ELSE '' END,
    ''
FROM json_each(:tables) AS w
INNER JOIN sqlite_master AS m ON m.type = 'table' AND m.name = w.value
INNER JOIN pragma_index_list(m.name) AS i;

-- name: free_processor :many
-- Differs: there are no row locks to tell a transactional handler by, so this is every partition's row.
-- Locks: none.
SELECT partition_id
FROM outbox_processor
WHERE partition_id = :partition_id;
