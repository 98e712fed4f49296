-- The messages' keys and names, and the tables of what stands on top of the pipeline.
-- Online: columns without a default are added at once (INSTANT, whatever the size of the table), and statements
-- of 0001 stay valid beside it. What takes time is to get each table's metadata lock: one open transaction of
-- a producer holds it up, and all others queue behind. So let it fail after a moment and run it again
-- (migrate() does so by itself), elsewhere set lock_wait_timeout in the same session.
-- DDL commits by itself, and MySQL knows no ADD COLUMN IF NOT EXISTS: each step asks first whether it was made,
-- so that a run that broke off half-way is finished by the next one.
-- Keys that are part of a primary key are binary, where trailing spaces count, elsewhere they are text.

SET @ddl = IF(
    EXISTS(
        SELECT 1 FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'outbox_vacuum' AND column_name = 'rests_until'
    ),
    'DO 0',
    'ALTER TABLE outbox_vacuum
        ADD COLUMN rests_until DATETIME(6)'
);

PREPARE ddl FROM @ddl;

EXECUTE ddl;

DEALLOCATE PREPARE ddl;

SET @ddl = IF(
    EXISTS(
        SELECT 1 FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'outbox_processor' AND column_name = 'failing_since'
    ),
    'DO 0',
    'ALTER TABLE outbox_processor
        ADD COLUMN failing_since DATETIME(6),
        ADD COLUMN parking BIGINT'
);

PREPARE ddl FROM @ddl;

EXECUTE ddl;

DEALLOCATE PREPARE ddl;

SET @ddl = IF(
    EXISTS(
        SELECT 1 FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'outbox_partitions' AND column_name = 'retired_at'
    ),
    'DO 0',
    'ALTER TABLE outbox_partitions
        ADD COLUMN retired_at DATETIME(6)'
);

PREPARE ddl FROM @ddl;

EXECUTE ddl;

DEALLOCATE PREPARE ddl;

SET @ddl = IF(
    EXISTS(
        SELECT 1 FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'outbox_failures' AND column_name = 'message_key'
    ),
    'DO 0',
    'ALTER TABLE outbox_failures
        ADD COLUMN message_key VARCHAR(1024) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin'
);

PREPARE ddl FROM @ddl;

EXECUTE ddl;

DEALLOCATE PREPARE ddl;

SET @ddl = IF(
    EXISTS(
        SELECT 1 FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'outbox_dead_letters' AND column_name = 'message_key'
    ),
    'DO 0',
    'ALTER TABLE outbox_dead_letters
        ADD COLUMN message_key VARCHAR(1024) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
        ADD COLUMN uid VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin,
        ADD COLUMN origin VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin,
        ADD COLUMN fingerprint VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
        ADD COLUMN first_failed_at DATETIME(6)'
);

PREPARE ddl FROM @ddl;

EXECUTE ddl;

DEALLOCATE PREPARE ddl;

SET @ddl = IF(
    EXISTS(
        SELECT 1 FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'outbox_body' AND column_name = 'message_key'
    ),
    'DO 0',
    'ALTER TABLE outbox_body
        ADD COLUMN message_key VARCHAR(1024) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
        ADD COLUMN uid VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin,
        ADD COLUMN origin VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin'
);

PREPARE ddl FROM @ddl;

EXECUTE ddl;

DEALLOCATE PREPARE ddl;

-- Who this family of tables is. revision counts the changes of queues, pauses and epochs, so that every
-- process learns of them by the look that it takes anyway. A server's history has no name here, it stays NULL.
CREATE TABLE IF NOT EXISTS outbox_installation (
    id SMALLINT NOT NULL DEFAULT 1 CHECK (id = 1),
    installation VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    epoch INTEGER NOT NULL DEFAULT 1 CHECK (epoch > 0),
    history VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin,
    revision BIGINT NOT NULL DEFAULT 0,
    created_at DATETIME(6) NOT NULL DEFAULT (UTC_TIMESTAMP(6)),
    PRIMARY KEY (id)
) ENGINE = InnoDB;

INSERT IGNORE INTO outbox_installation (id, installation)
VALUES (1, LEFT(SHA2(CONCAT_WS('.', UUID(), UUID_SHORT(), RAND(), CONNECTION_ID()), 256), 12));

-- What was there when an epoch began: numbers up to last_number belong to an older one. Partition 0, which
-- does not exist, stands for the ids of the messages.
CREATE TABLE IF NOT EXISTS outbox_epochs (
    epoch INTEGER NOT NULL,
    partition_id BIGINT NOT NULL,
    last_number BIGINT NOT NULL,
    PRIMARY KEY (epoch, partition_id)
) ENGINE = InnoDB;

-- What is set for a queue while workers run, a queue without a row has the defaults.
CREATE TABLE IF NOT EXISTS outbox_queues (
    queue VARCHAR(1024) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    state VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT 'open',
    keep_us BIGINT,
    rate_count BIGINT,
    rate_per_us BIGINT,
    rate_tokens DOUBLE,
    rate_at DATETIME(6),
    renamed_to VARCHAR(1024) CHARACTER SET ascii COLLATE ascii_bin,
    created_at DATETIME(6) NOT NULL DEFAULT (UTC_TIMESTAMP(6)),
    PRIMARY KEY (queue)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS outbox_pauses (
    id BIGINT NOT NULL AUTO_INCREMENT,
    queue VARCHAR(1024) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `partition` SMALLINT,
    message_key VARCHAR(1024) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    reason TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    ends_at DATETIME(6),
    paused_at DATETIME(6) NOT NULL DEFAULT (UTC_TIMESTAMP(6)),
    PRIMARY KEY (id)
) ENGINE = InnoDB;

-- Takes the place of incoming until a message is due: the sequencer does not meet it before. The second
-- index tells what is due in all partitions at once.
CREATE TABLE IF NOT EXISTS outbox_delayed (
    partition_id BIGINT NOT NULL,
    due_at DATETIME(6) NOT NULL,
    body_id BIGINT NOT NULL,
    PRIMARY KEY (partition_id, due_at, body_id),
    KEY due (due_at, partition_id)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS outbox_dedup (
    queue VARCHAR(1024) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    dedup_key VARBINARY(1024) NOT NULL,
    body_id BIGINT NOT NULL,
    expires_at DATETIME(6) NOT NULL,
    PRIMARY KEY (queue, dedup_key),
    KEY expires (expires_at)
) ENGINE = InnoDB;

-- When a cursor had got where, written by the vacuum of queues that keep what was delivered.
CREATE TABLE IF NOT EXISTS outbox_history (
    partition_id BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    delivered_by DATETIME(6) NOT NULL DEFAULT (UTC_TIMESTAMP(6)),
    PRIMARY KEY (partition_id, seq)
) ENGINE = InnoDB;

-- The keys that wait apart, and their messages in order, each with all that it had. Messages up to until_seq were
-- numbered anew when the key was released: their old places in the partition are passed over.
CREATE TABLE IF NOT EXISTS outbox_parked_keys (
    partition_id BIGINT NOT NULL,
    message_key VARBINARY(1024) NOT NULL,
    state VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT 'parked',
    until_seq BIGINT,
    parked_at DATETIME(6) NOT NULL DEFAULT (UTC_TIMESTAMP(6)),
    PRIMARY KEY (partition_id, message_key)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS outbox_parked (
    partition_id BIGINT NOT NULL,
    message_key VARBINARY(1024) NOT NULL,
    seq BIGINT NOT NULL,
    message_id BIGINT NOT NULL,
    uid VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin,
    origin VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin,
    payload LONGBLOB NOT NULL,
    payload_type VARCHAR(1024) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    headers LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    created_at DATETIME(6) NOT NULL,
    parked_at DATETIME(6) NOT NULL DEFAULT (UTC_TIMESTAMP(6)),
    last_error TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    fingerprint VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    attempts INTEGER NOT NULL DEFAULT 0,
    first_failed_at DATETIME(6),
    PRIMARY KEY (partition_id, message_key, seq)
) ENGINE = InnoDB;
