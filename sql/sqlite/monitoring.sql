-- name: partition_status :many
-- Backlog, lease and failure of each partition, for people.
-- Locks: none.
WITH looked AS (
    SELECT
        p.id AS partition_id,
        p.queue,
        p.partition & 63 AS partition,
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
        (SELECT count(*) FROM outbox_delayed AS d WHERE d.partition_id = p.id) AS delayed,
        (SELECT min(d.due_at) FROM outbox_delayed AS d WHERE d.partition_id = p.id) AS first_due,
        CAST(round((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER) * 1000 AS at,
        p.retired_at IS NOT NULL AS retired
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
    CASE WHEN locked_until > at THEN (locked_until - at) / 1000000.0 END AS locked_for,
    delayed,
    CASE WHEN first_due <= at THEN (at - first_due) / 1000000.0 END AS overdue,
    retired
FROM looked
ORDER BY queue, partition;

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
SELECT
    p.id,
    p.queue,
    p.partition & 63 AS partition
FROM outbox_partitions AS p
ORDER BY p.queue, p.partition;

-- name: journal_mode :one
-- wal after a migration, memory for a database in memory.
-- Differs: the library's version is known without asking, so this stands for server_version.
PRAGMA journal_mode;

-- name: main_file :one
-- The path of the database's file, empty for one in memory.
-- Differs: the servers are asked whether they take writes, see server_version.
SELECT file FROM pragma_database_list WHERE name = 'main';

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

-- name: partition_gauges :many
-- What metrics and the page show of each partition. Counts of rows stop at :most for each partition, so that
-- a backlog of millions costs what :most rows cost: the row at that offset tells whether counting ends.
-- Locks: none.
WITH looked AS (
    SELECT
        p.id AS partition_id,
        p.queue,
        p.partition & 63 AS partition,
        CASE
            WHEN EXISTS (
                SELECT 1 FROM outbox_incoming AS i WHERE i.partition_id = p.id LIMIT 1 OFFSET :most
            ) THEN :most
            ELSE (SELECT count(*) FROM outbox_incoming AS i WHERE i.partition_id = p.id)
        END AS incoming,
        p.sequence - c.processed_seq AS backlog,
        CASE
            WHEN EXISTS (
                SELECT 1 FROM outbox_delayed AS d WHERE d.partition_id = p.id LIMIT 1 OFFSET :most
            ) THEN :most
            ELSE (SELECT count(*) FROM outbox_delayed AS d WHERE d.partition_id = p.id)
        END AS not_due,
        CASE
            WHEN EXISTS (
                SELECT 1 FROM outbox_parked AS k WHERE k.partition_id = p.id LIMIT 1 OFFSET :most
            ) THEN :most
            ELSE (SELECT count(*) FROM outbox_parked AS k WHERE k.partition_id = p.id)
        END AS parked,
        (
            SELECT b.created_at FROM outbox_body AS b
            WHERE b.id = (
                SELECT i.body_id FROM outbox_incoming AS i
                WHERE i.partition_id = p.id
                ORDER BY i.body_id
                LIMIT 1
            )
        ) AS oldest_waiting,
        (
            SELECT b.created_at FROM outbox_body AS b
            WHERE b.id = (
                SELECT o.body_id FROM outbox_outgoing AS o
                WHERE o.partition_id = p.id AND o.seq > c.processed_seq
                ORDER BY o.seq
                LIMIT 1
            )
        ) AS oldest_behind,
        c.processed_seq,
        c.attempts,
        c.last_error,
        c.locked_by,
        c.locked_until,
        CAST(round((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER) * 1000 AS at,
        p.retired_at IS NOT NULL AS retired
    FROM outbox_partitions AS p
    INNER JOIN outbox_processor AS c ON c.partition_id = p.id
)

SELECT
    g.partition_id,
    g.queue,
    g.partition,
    g.incoming,
    g.backlog,
    g.not_due,
    g.parked,
    (
        g.at - min(coalesce(g.oldest_waiting, g.oldest_behind), coalesce(g.oldest_behind, g.oldest_waiting))
    ) / 1000000.0 AS oldest_age,
    g.processed_seq,
    g.attempts,
    g.last_error,
    g.locked_by,
    CASE WHEN g.locked_until > g.at THEN (g.locked_until - g.at) / 1000000.0 END AS locked_for,
    EXISTS (
        SELECT 1 FROM outbox_pauses AS z
        WHERE
            z.queue = g.queue
            AND (z.partition IS NULL OR z.partition = g.partition)
            AND z.message_key IS NULL
            AND (z.ends_at IS NULL OR z.ends_at > g.at)
    ) AS paused,
    g.retired
FROM looked AS g
ORDER BY g.queue, g.partition;

-- name: waiting_messages :many
-- The next :most numbered messages of a partition, for people, without their payloads.
-- Locks: none.
SELECT
    w.seq,
    b.id AS message_id,
    b.payload_type,
    b.message_key,
    length(b.payload) AS size,
    b.created_at / 1000000.0 AS created_at
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
SELECT l.id, l.partition_id, l.fingerprint, l.last_error, l.failed_at / 1000000.0 AS failed_at
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
    (CAST(round((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER) * 1000 - q.rate_at) / 1000000.0
        AS rate_age
FROM outbox_queues AS q
WHERE q.keep_us IS NOT NULL OR q.rate_count IS NOT NULL
ORDER BY q.queue;
