-- The whole family of tables. Times are microseconds since 1970, UTC. julianday('now') is exact to
-- 40 microseconds and SQLite's clock counts milliseconds, so rounding there gives the clock as it is.
-- AUTOINCREMENT, because ids order the messages and must not come again once a table is empty.

CREATE TABLE outbox_body (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    payload BLOB NOT NULL,
    payload_type TEXT NOT NULL,
    headers TEXT,
    created_at INTEGER NOT NULL
    DEFAULT (CAST(round((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER) * 1000)
);

CREATE TABLE outbox_partitions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    queue TEXT NOT NULL,
    partition INTEGER NOT NULL CHECK (partition >= 0),
    sequence INTEGER NOT NULL DEFAULT 0,
    UNIQUE (queue, partition)
);

CREATE TABLE outbox_incoming (
    partition_id INTEGER NOT NULL,
    body_id INTEGER NOT NULL,
    PRIMARY KEY (partition_id, body_id)
) WITHOUT ROWID;

CREATE TABLE outbox_outgoing (
    partition_id INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    body_id INTEGER NOT NULL,
    sequenced_at INTEGER NOT NULL
    DEFAULT (CAST(round((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER) * 1000),
    PRIMARY KEY (partition_id, seq)
) WITHOUT ROWID;

CREATE TABLE outbox_processor (
    partition_id INTEGER PRIMARY KEY,
    processed_seq INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    last_error TEXT,
    locked_by TEXT,
    locked_until INTEGER
);

CREATE TABLE outbox_vacuum (
    partition_id INTEGER PRIMARY KEY,
    vacuumed_seq INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE outbox_dead_letters (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    message_id INTEGER NOT NULL,
    partition_id INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    payload BLOB NOT NULL,
    payload_type TEXT NOT NULL,
    headers TEXT,
    created_at INTEGER NOT NULL,
    failed_at INTEGER NOT NULL
    DEFAULT (CAST(round((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER) * 1000),
    last_error TEXT,
    attempts INTEGER NOT NULL,
    status TEXT NOT NULL DEFAULT 'pending',
    completed_at INTEGER,
    deadline INTEGER,
    claim TEXT,
    CONSTRAINT outbox_dead_letters_state CHECK (
        (status = 'pending' AND deadline IS NULL AND claim IS NULL AND completed_at IS NULL)
        OR (status = 'reprocessing' AND deadline IS NOT NULL AND claim IS NOT NULL AND completed_at IS NULL)
        OR (status IN ('resolved', 'discarded') AND deadline IS NULL AND completed_at IS NOT NULL)
    )
);

CREATE INDEX outbox_dead_letters_listed ON outbox_dead_letters (status, id);

CREATE TABLE outbox_failures (
    partition_id INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    failure_count INTEGER NOT NULL,
    first_failed_at INTEGER NOT NULL
    DEFAULT (CAST(round((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER) * 1000),
    last_failed_at INTEGER NOT NULL
    DEFAULT (CAST(round((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER) * 1000),
    last_error TEXT,
    PRIMARY KEY (partition_id, seq)
) WITHOUT ROWID;
