-- The messages' keys and names, and the tables of what stands on top of the pipeline.
-- Online: columns without a default only change the catalogue, and statements of 0001 stay valid beside it.
-- What takes time is to get each table's lock, in the order in which workers and producers take them: one open
-- transaction of a producer holds it up, and all others queue behind. So let it fail after a moment and run it
-- again (migrate() does so by itself), elsewhere set lock_timeout in the same transaction.
-- A column that is NULL costs nothing: the null bitmap of a row has room for eight columns before it grows,
-- hence body has exactly eight, and none of them is the queue's name (8 bytes and more for each message).
-- Names compare byte by byte: no upgrade of the operating system's collations can spoil an index on them.
-- Identities hand out one number at a time (CACHE 1): ids order the messages.

ALTER TABLE outbox_vacuum
ADD COLUMN rests_until timestamptz;

ALTER TABLE outbox_processor
ADD COLUMN failing_since timestamptz,
ADD COLUMN parking bigint;

ALTER TABLE outbox_partitions
ALTER COLUMN queue TYPE varchar(1024) COLLATE "C",
ADD COLUMN retired_at timestamptz;

ALTER TABLE outbox_failures
ADD COLUMN message_key text COLLATE "C";

ALTER TABLE outbox_dead_letters
ADD COLUMN message_key text COLLATE "C",
ADD COLUMN uid varchar(128) COLLATE "C",
ADD COLUMN origin varchar(128) COLLATE "C",
ADD COLUMN fingerprint varchar(255),
ADD COLUMN first_failed_at timestamptz;

ALTER TABLE outbox_body
ADD COLUMN message_key text COLLATE "C",
ADD COLUMN uid varchar(128) COLLATE "C",
ADD COLUMN origin varchar(128) COLLATE "C",
ALTER COLUMN id SET CACHE 1;

-- Who this family of tables is. revision counts the changes of queues, pauses and epochs, so that every
-- process learns of them by the look that it takes anyway, history is how the server's past is called
-- (its identifier and timeline) since the first process asked, and another one raises the epoch.
CREATE TABLE outbox_installation (
    id smallint PRIMARY KEY DEFAULT 1 CHECK (id = 1),
    installation varchar(32) COLLATE "C" NOT NULL,
    epoch integer NOT NULL DEFAULT 1 CHECK (epoch > 0),
    history varchar(64) COLLATE "C",
    revision bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

INSERT INTO outbox_installation (installation)
VALUES (left(replace(CAST(gen_random_uuid() AS text), '-', ''), 12));

-- What was there when an epoch began: numbers up to last_number belong to an older one. Partition 0, which
-- does not exist, stands for the ids of the messages.
CREATE TABLE outbox_epochs (
    epoch integer NOT NULL,
    partition_id bigint NOT NULL,
    last_number bigint NOT NULL,
    PRIMARY KEY (epoch, partition_id)
);

-- What is set for a queue while workers run, a queue without a row has the defaults.
CREATE TABLE outbox_queues (
    queue varchar(1024) COLLATE "C" PRIMARY KEY,
    state varchar(16) COLLATE "C" NOT NULL DEFAULT 'open',
    keep_us bigint,
    rate_count bigint,
    rate_per_us bigint,
    rate_tokens double precision,
    rate_at timestamptz,
    renamed_to varchar(1024) COLLATE "C",
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 50);

CREATE TABLE outbox_pauses (
    id bigint GENERATED ALWAYS AS IDENTITY (CACHE 1) PRIMARY KEY,
    queue varchar(1024) COLLATE "C" NOT NULL,
    partition smallint,
    message_key text COLLATE "C",
    reason text,
    ends_at timestamptz,
    paused_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Takes the place of incoming until a message is due: the sequencer does not meet it before. The second
-- index tells what is due in all partitions at once.
CREATE TABLE outbox_delayed (
    partition_id bigint NOT NULL,
    due_at timestamptz NOT NULL,
    body_id bigint NOT NULL,
    PRIMARY KEY (partition_id, due_at, body_id)
) WITH (
    autovacuum_vacuum_scale_factor = 0.0,
    autovacuum_vacuum_threshold = 5000,
    autovacuum_vacuum_insert_scale_factor = 0.0,
    autovacuum_vacuum_insert_threshold = 100000,
    autovacuum_analyze_scale_factor = 0.0,
    autovacuum_analyze_threshold = 100000,
    autovacuum_vacuum_cost_delay = 0
);

CREATE INDEX outbox_delayed_due ON outbox_delayed (due_at, partition_id);

CREATE TABLE outbox_dedup (
    queue varchar(1024) COLLATE "C" NOT NULL,
    dedup_key text COLLATE "C" NOT NULL,
    body_id bigint NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (queue, dedup_key)
) WITH (
    autovacuum_vacuum_scale_factor = 0.0,
    autovacuum_vacuum_threshold = 5000,
    autovacuum_analyze_scale_factor = 0.0,
    autovacuum_analyze_threshold = 100000,
    autovacuum_vacuum_cost_delay = 0
);

CREATE INDEX outbox_dedup_expires ON outbox_dedup (expires_at);

-- When a cursor had got where, written by the vacuum of queues that keep what was delivered.
CREATE TABLE outbox_history (
    partition_id bigint NOT NULL,
    seq bigint NOT NULL,
    delivered_by timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (partition_id, seq)
);

-- The keys that wait apart, and their messages in order, each with all that it had. Messages up to until_seq were
-- numbered anew when the key was released: their old places in the partition are passed over.
CREATE TABLE outbox_parked_keys (
    partition_id bigint NOT NULL,
    message_key text COLLATE "C" NOT NULL,
    state varchar(16) COLLATE "C" NOT NULL DEFAULT 'parked',
    until_seq bigint,
    parked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (partition_id, message_key)
);

CREATE TABLE outbox_parked (
    partition_id bigint NOT NULL,
    message_key text COLLATE "C" NOT NULL,
    seq bigint NOT NULL,
    message_id bigint NOT NULL,
    uid varchar(128) COLLATE "C",
    origin varchar(128) COLLATE "C",
    payload bytea NOT NULL,
    payload_type varchar(1024) NOT NULL,
    headers text,
    created_at timestamptz NOT NULL,
    parked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    last_error text,
    fingerprint varchar(255),
    attempts integer NOT NULL DEFAULT 0,
    first_failed_at timestamptz,
    PRIMARY KEY (partition_id, message_key, seq)
);
