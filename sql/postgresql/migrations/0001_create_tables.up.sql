-- The whole family of tables. No foreign keys on incoming and outgoing, and no index on body_id:
-- they would cost six look-ups a message, and a producer's key lock on its partition row would
-- block the sequencer until the producer commits.

CREATE TABLE outbox_body (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    payload bytea NOT NULL,
    payload_type varchar(1024) NOT NULL,
    headers text,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (
    autovacuum_vacuum_scale_factor = 0.0,
    autovacuum_vacuum_threshold = 10000,
    autovacuum_vacuum_insert_scale_factor = 0.0,
    autovacuum_vacuum_insert_threshold = 100000,
    autovacuum_analyze_scale_factor = 0.0,
    autovacuum_analyze_threshold = 100000,
    autovacuum_vacuum_cost_delay = 0
);

-- The hot single-row tables are updated in place: room on the page keeps the updates HOT.
CREATE TABLE outbox_partitions (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    queue varchar(1024) NOT NULL,
    partition smallint NOT NULL CHECK (partition >= 0),
    sequence bigint NOT NULL DEFAULT 0,
    UNIQUE (queue, partition)
) WITH (
    fillfactor = 30,
    autovacuum_vacuum_scale_factor = 0.0,
    autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_cost_delay = 0
);

CREATE TABLE outbox_incoming (
    partition_id bigint NOT NULL,
    body_id bigint NOT NULL,
    PRIMARY KEY (partition_id, body_id)
) WITH (
    autovacuum_vacuum_scale_factor = 0.0,
    autovacuum_vacuum_threshold = 5000,
    autovacuum_vacuum_insert_scale_factor = 0.0,
    autovacuum_vacuum_insert_threshold = 100000,
    autovacuum_analyze_scale_factor = 0.0,
    autovacuum_analyze_threshold = 100000,
    autovacuum_vacuum_cost_delay = 0
);

CREATE TABLE outbox_outgoing (
    partition_id bigint NOT NULL,
    seq bigint NOT NULL,
    body_id bigint NOT NULL,
    sequenced_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (partition_id, seq)
) WITH (
    autovacuum_vacuum_scale_factor = 0.0,
    autovacuum_vacuum_threshold = 10000,
    autovacuum_vacuum_insert_scale_factor = 0.0,
    autovacuum_vacuum_insert_threshold = 100000,
    autovacuum_analyze_scale_factor = 0.0,
    autovacuum_analyze_threshold = 100000,
    autovacuum_vacuum_cost_delay = 0
);

CREATE TABLE outbox_processor (
    partition_id bigint PRIMARY KEY,
    processed_seq bigint NOT NULL DEFAULT 0,
    attempts integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    last_error text,
    locked_by varchar(128),
    locked_until timestamptz
) WITH (
    fillfactor = 30,
    autovacuum_vacuum_scale_factor = 0.0,
    autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_cost_delay = 0
);

CREATE TABLE outbox_vacuum (
    partition_id bigint PRIMARY KEY,
    vacuumed_seq bigint NOT NULL DEFAULT 0
) WITH (
    fillfactor = 30,
    autovacuum_vacuum_scale_factor = 0.0,
    autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_cost_delay = 0
);

CREATE TABLE outbox_dead_letters (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    message_id bigint NOT NULL,
    partition_id bigint NOT NULL,
    seq bigint NOT NULL,
    payload bytea NOT NULL,
    payload_type varchar(1024) NOT NULL,
    headers text,
    created_at timestamptz NOT NULL,
    failed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    last_error text,
    attempts integer NOT NULL,
    status varchar(16) NOT NULL DEFAULT 'pending',
    completed_at timestamptz,
    deadline timestamptz,
    claim varchar(64),
    CONSTRAINT outbox_dead_letters_state CHECK (
        (status = 'pending' AND deadline IS NULL AND claim IS NULL AND completed_at IS NULL)
        OR (status = 'reprocessing' AND deadline IS NOT NULL AND claim IS NOT NULL AND completed_at IS NULL)
        OR (status IN ('resolved', 'discarded') AND deadline IS NULL AND completed_at IS NOT NULL)
    )
);

CREATE INDEX outbox_dead_letters_listed ON outbox_dead_letters (status, id);

CREATE TABLE outbox_failures (
    partition_id bigint NOT NULL,
    seq bigint NOT NULL,
    failure_count integer NOT NULL,
    first_failed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    last_failed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    last_error text,
    PRIMARY KEY (partition_id, seq)
);
