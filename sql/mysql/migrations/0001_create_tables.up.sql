-- The whole family of tables. No foreign keys on incoming and outgoing, no index on body_id and no
-- secondary index on any hot table: they would cost six look-ups a message, let producers and the
-- sequencer block each other, and give InnoDB more places to deadlock.
-- Names and tokens are ascii_bin: they compare byte by byte, and 1024 of them fit in a key.
-- Times are DATETIME in UTC, written by UTC_TIMESTAMP(6): no session's time zone can shift them.
-- DDL commits by itself here, hence IF NOT EXISTS with every index inside: a run that broke off
-- half-way is finished by the next one.

CREATE TABLE IF NOT EXISTS outbox_body (
    id BIGINT NOT NULL AUTO_INCREMENT,
    payload LONGBLOB NOT NULL,
    payload_type VARCHAR(1024) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    headers LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    created_at DATETIME(6) NOT NULL DEFAULT (UTC_TIMESTAMP(6)),
    PRIMARY KEY (id)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS outbox_partitions (
    id BIGINT NOT NULL AUTO_INCREMENT,
    queue VARCHAR(1024) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `partition` SMALLINT NOT NULL CHECK (`partition` >= 0),
    sequence BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (id),
    UNIQUE KEY queue_partition (queue, `partition`)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS outbox_incoming (
    partition_id BIGINT NOT NULL,
    body_id BIGINT NOT NULL,
    PRIMARY KEY (partition_id, body_id)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS outbox_outgoing (
    partition_id BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    body_id BIGINT NOT NULL,
    sequenced_at DATETIME(6) NOT NULL DEFAULT (UTC_TIMESTAMP(6)),
    PRIMARY KEY (partition_id, seq)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS outbox_processor (
    partition_id BIGINT NOT NULL,
    processed_seq BIGINT NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    last_error TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    locked_by VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin,
    locked_until DATETIME(6),
    PRIMARY KEY (partition_id)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS outbox_vacuum (
    partition_id BIGINT NOT NULL,
    vacuumed_seq BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (partition_id)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS outbox_dead_letters (
    id BIGINT NOT NULL AUTO_INCREMENT,
    message_id BIGINT NOT NULL,
    partition_id BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    payload LONGBLOB NOT NULL,
    payload_type VARCHAR(1024) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    headers LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    created_at DATETIME(6) NOT NULL,
    failed_at DATETIME(6) NOT NULL DEFAULT (UTC_TIMESTAMP(6)),
    last_error TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    attempts INTEGER NOT NULL,
    status VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT 'pending',
    completed_at DATETIME(6),
    deadline DATETIME(6),
    claim VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin,
    PRIMARY KEY (id),
    KEY listed (status, id),
    CONSTRAINT outbox_dead_letters_state CHECK (
        (status = 'pending' AND deadline IS NULL AND claim IS NULL AND completed_at IS NULL)
        OR (status = 'reprocessing' AND deadline IS NOT NULL AND claim IS NOT NULL AND completed_at IS NULL)
        OR (status IN ('resolved', 'discarded') AND deadline IS NULL AND completed_at IS NOT NULL)
    )
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS outbox_failures (
    partition_id BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    failure_count INTEGER NOT NULL,
    first_failed_at DATETIME(6) NOT NULL DEFAULT (UTC_TIMESTAMP(6)),
    last_failed_at DATETIME(6) NOT NULL DEFAULT (UTC_TIMESTAMP(6)),
    last_error TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    PRIMARY KEY (partition_id, seq)
) ENGINE = InnoDB;
