-- The messages' keys and names, and the tables of what stands on top of the pipeline.
-- A new column only changes the schema's text, whatever the size of the table, statements of 0001 stay valid.
-- Times stay whole microseconds: text would take a rewrite of every table under the write lock, three times the
-- bytes, and processes of the release before could not read it. People and ORMs have the views ..._readable, with
-- times in UTC as Django and SQLAlchemy write them on SQLite.

ALTER TABLE outbox_body ADD COLUMN message_key TEXT;

ALTER TABLE outbox_body ADD COLUMN uid TEXT;

ALTER TABLE outbox_body ADD COLUMN origin TEXT;

ALTER TABLE outbox_partitions ADD COLUMN retired_at INTEGER;

ALTER TABLE outbox_processor ADD COLUMN failing_since INTEGER;

ALTER TABLE outbox_processor ADD COLUMN parking INTEGER;

ALTER TABLE outbox_vacuum ADD COLUMN rests_until INTEGER;

ALTER TABLE outbox_dead_letters ADD COLUMN message_key TEXT;

ALTER TABLE outbox_dead_letters ADD COLUMN uid TEXT;

ALTER TABLE outbox_dead_letters ADD COLUMN origin TEXT;

ALTER TABLE outbox_dead_letters ADD COLUMN fingerprint TEXT;

ALTER TABLE outbox_dead_letters ADD COLUMN first_failed_at INTEGER;

ALTER TABLE outbox_failures ADD COLUMN message_key TEXT;

-- Who this family of tables is. revision counts the changes of queues, pauses and epochs, so that every
-- process learns of them by the look that it takes anyway. No server tells of another past here: history
-- stays NULL.
CREATE TABLE outbox_installation (
    id INTEGER PRIMARY KEY DEFAULT 1 CHECK (id = 1),
    installation TEXT NOT NULL,
    epoch INTEGER NOT NULL DEFAULT 1 CHECK (epoch > 0),
    history TEXT,
    revision INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL
    DEFAULT (CAST(round((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER) * 1000)
);

INSERT INTO outbox_installation (id, installation) VALUES (1, lower(hex(randomblob(6))));

-- What was there when an epoch began: numbers up to last_number belong to an older one. Partition 0, which
-- does not exist, stands for the ids of the messages.
CREATE TABLE outbox_epochs (
    epoch INTEGER NOT NULL,
    partition_id INTEGER NOT NULL,
    last_number INTEGER NOT NULL,
    PRIMARY KEY (epoch, partition_id)
) WITHOUT ROWID;

-- What is set for a queue while workers run, a queue without a row has the defaults.
CREATE TABLE outbox_queues (
    queue TEXT NOT NULL PRIMARY KEY,
    state TEXT NOT NULL DEFAULT 'open',
    keep_us INTEGER,
    rate_count INTEGER,
    rate_per_us INTEGER,
    rate_tokens REAL,
    rate_at INTEGER,
    renamed_to TEXT,
    created_at INTEGER NOT NULL
    DEFAULT (CAST(round((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER) * 1000)
) WITHOUT ROWID;

CREATE TABLE outbox_pauses (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    queue TEXT NOT NULL,
    partition INTEGER,
    message_key TEXT,
    reason TEXT,
    ends_at INTEGER,
    paused_at INTEGER NOT NULL
    DEFAULT (CAST(round((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER) * 1000)
);

-- Takes the place of incoming until a message is due: the sequencer does not meet it before. The second
-- index tells what is due in all partitions at once.
CREATE TABLE outbox_delayed (
    partition_id INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    body_id INTEGER NOT NULL,
    PRIMARY KEY (partition_id, due_at, body_id)
) WITHOUT ROWID;

CREATE INDEX outbox_delayed_due ON outbox_delayed (due_at, partition_id);

CREATE TABLE outbox_dedup (
    queue TEXT NOT NULL,
    dedup_key TEXT NOT NULL,
    body_id INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (queue, dedup_key)
) WITHOUT ROWID;

CREATE INDEX outbox_dedup_expires ON outbox_dedup (expires_at);

-- When a cursor had got where, written by the vacuum of queues that keep what was delivered.
CREATE TABLE outbox_history (
    partition_id INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    delivered_by INTEGER NOT NULL
    DEFAULT (CAST(round((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER) * 1000),
    PRIMARY KEY (partition_id, seq)
) WITHOUT ROWID;

-- The keys that wait apart, and their messages in order, each with all that it had. Messages up to until_seq were
-- numbered anew when the key was released: their old places in the partition are passed over.
CREATE TABLE outbox_parked_keys (
    partition_id INTEGER NOT NULL,
    message_key TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'parked',
    until_seq INTEGER,
    parked_at INTEGER NOT NULL
    DEFAULT (CAST(round((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER) * 1000),
    PRIMARY KEY (partition_id, message_key)
) WITHOUT ROWID;

CREATE TABLE outbox_parked (
    partition_id INTEGER NOT NULL,
    message_key TEXT NOT NULL,
    seq INTEGER NOT NULL,
    message_id INTEGER NOT NULL,
    uid TEXT,
    origin TEXT,
    payload BLOB NOT NULL,
    payload_type TEXT NOT NULL,
    headers TEXT,
    created_at INTEGER NOT NULL,
    parked_at INTEGER NOT NULL
    DEFAULT (CAST(round((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER) * 1000),
    last_error TEXT,
    fingerprint TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    first_failed_at INTEGER,
    PRIMARY KEY (partition_id, message_key, seq)
);

CREATE VIEW outbox_body_readable AS
SELECT
    id,
    payload,
    payload_type,
    headers,
    strftime('%Y-%m-%d %H:%M:%S', created_at / 1000000, 'unixepoch') || printf('.%06d', created_at % 1000000) AS created_at,
    message_key,
    uid,
    origin
FROM outbox_body;

CREATE VIEW outbox_outgoing_readable AS
SELECT
    partition_id,
    seq,
    body_id,
    strftime('%Y-%m-%d %H:%M:%S', sequenced_at / 1000000, 'unixepoch') || printf('.%06d', sequenced_at % 1000000) AS sequenced_at
FROM outbox_outgoing;

CREATE VIEW outbox_processor_readable AS
SELECT
    partition_id,
    processed_seq,
    attempts,
    last_error,
    locked_by,
    strftime('%Y-%m-%d %H:%M:%S', locked_until / 1000000, 'unixepoch') || printf('.%06d', locked_until % 1000000) AS locked_until,
    strftime('%Y-%m-%d %H:%M:%S', failing_since / 1000000, 'unixepoch') || printf('.%06d', failing_since % 1000000) AS failing_since,
    parking
FROM outbox_processor;

CREATE VIEW outbox_dead_letters_readable AS
SELECT
    id,
    message_id,
    partition_id,
    seq,
    payload,
    payload_type,
    headers,
    strftime('%Y-%m-%d %H:%M:%S', created_at / 1000000, 'unixepoch') || printf('.%06d', created_at % 1000000) AS created_at,
    strftime('%Y-%m-%d %H:%M:%S', failed_at / 1000000, 'unixepoch') || printf('.%06d', failed_at % 1000000) AS failed_at,
    last_error,
    attempts,
    status,
    strftime('%Y-%m-%d %H:%M:%S', completed_at / 1000000, 'unixepoch') || printf('.%06d', completed_at % 1000000) AS completed_at,
    strftime('%Y-%m-%d %H:%M:%S', deadline / 1000000, 'unixepoch') || printf('.%06d', deadline % 1000000) AS deadline,
    claim,
    message_key,
    uid,
    origin,
    fingerprint,
    strftime('%Y-%m-%d %H:%M:%S', first_failed_at / 1000000, 'unixepoch') || printf('.%06d', first_failed_at % 1000000) AS first_failed_at
FROM outbox_dead_letters;

CREATE VIEW outbox_failures_readable AS
SELECT
    partition_id,
    seq,
    failure_count,
    strftime('%Y-%m-%d %H:%M:%S', first_failed_at / 1000000, 'unixepoch') || printf('.%06d', first_failed_at % 1000000) AS first_failed_at,
    strftime('%Y-%m-%d %H:%M:%S', last_failed_at / 1000000, 'unixepoch') || printf('.%06d', last_failed_at % 1000000) AS last_failed_at,
    last_error,
    message_key
FROM outbox_failures;

CREATE VIEW outbox_delayed_readable AS
SELECT
    partition_id,
    strftime('%Y-%m-%d %H:%M:%S', due_at / 1000000, 'unixepoch') || printf('.%06d', due_at % 1000000) AS due_at,
    body_id
FROM outbox_delayed;

CREATE VIEW outbox_dedup_readable AS
SELECT
    queue,
    dedup_key,
    body_id,
    strftime('%Y-%m-%d %H:%M:%S', expires_at / 1000000, 'unixepoch') || printf('.%06d', expires_at % 1000000) AS expires_at
FROM outbox_dedup;

CREATE VIEW outbox_pauses_readable AS
SELECT
    id,
    queue,
    partition,
    message_key,
    reason,
    strftime('%Y-%m-%d %H:%M:%S', ends_at / 1000000, 'unixepoch') || printf('.%06d', ends_at % 1000000) AS ends_at,
    strftime('%Y-%m-%d %H:%M:%S', paused_at / 1000000, 'unixepoch') || printf('.%06d', paused_at % 1000000) AS paused_at
FROM outbox_pauses;

CREATE VIEW outbox_parked_readable AS
SELECT
    partition_id,
    message_key,
    seq,
    message_id,
    uid,
    origin,
    payload,
    payload_type,
    headers,
    strftime('%Y-%m-%d %H:%M:%S', created_at / 1000000, 'unixepoch') || printf('.%06d', created_at % 1000000) AS created_at,
    strftime('%Y-%m-%d %H:%M:%S', parked_at / 1000000, 'unixepoch') || printf('.%06d', parked_at % 1000000) AS parked_at,
    last_error,
    fingerprint,
    attempts,
    strftime('%Y-%m-%d %H:%M:%S', first_failed_at / 1000000, 'unixepoch') || printf('.%06d', first_failed_at % 1000000) AS first_failed_at
FROM outbox_parked;
