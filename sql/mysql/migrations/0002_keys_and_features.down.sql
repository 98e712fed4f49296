-- No message is lost: a delayed one goes to incoming, early, a parked one becomes a dead letter. Each step asks
-- first whether it was made, so that a run that broke off half-way is finished by the next one.

CREATE TABLE IF NOT EXISTS outbox_delayed (
    partition_id BIGINT NOT NULL, due_at DATETIME(6), body_id BIGINT NOT NULL, PRIMARY KEY (partition_id, body_id)
) ENGINE = InnoDB;

INSERT IGNORE INTO outbox_incoming (partition_id, body_id)
SELECT partition_id, body_id FROM outbox_delayed;

DROP TABLE outbox_delayed;

CREATE TABLE IF NOT EXISTS outbox_parked (
    partition_id BIGINT NOT NULL, seq BIGINT NOT NULL, message_id BIGINT NOT NULL, payload LONGBLOB,
    payload_type VARCHAR(1024) CHARACTER SET ascii COLLATE ascii_bin, headers LONGTEXT, created_at DATETIME(6),
    last_error TEXT, attempts INTEGER, PRIMARY KEY (partition_id, seq)
) ENGINE = InnoDB;

START TRANSACTION;

INSERT INTO outbox_dead_letters (
    message_id, partition_id, seq, payload, payload_type, headers, created_at, last_error, attempts
)
SELECT message_id, partition_id, seq, payload, payload_type, headers, created_at, last_error, attempts
FROM outbox_parked
ORDER BY partition_id, seq;

DELETE FROM outbox_parked;

COMMIT;

DROP TABLE IF EXISTS outbox_parked;

DROP TABLE IF EXISTS outbox_parked_keys;

DROP TABLE IF EXISTS outbox_history;

DROP TABLE IF EXISTS outbox_dedup;

DROP TABLE IF EXISTS outbox_pauses;

DROP TABLE IF EXISTS outbox_queues;

DROP TABLE IF EXISTS outbox_epochs;

DROP TABLE IF EXISTS outbox_installation;

SET @ddl = IF(
    EXISTS(
        SELECT 1 FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'outbox_failures' AND column_name = 'message_key'
    ),
    'ALTER TABLE outbox_failures
        DROP COLUMN message_key',
    'DO 0'
);

PREPARE ddl FROM @ddl;

EXECUTE ddl;

DEALLOCATE PREPARE ddl;

SET @ddl = IF(
    EXISTS(
        SELECT 1 FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'outbox_dead_letters' AND column_name = 'message_key'
    ),
    'ALTER TABLE outbox_dead_letters
        DROP COLUMN message_key,
        DROP COLUMN uid,
        DROP COLUMN origin,
        DROP COLUMN fingerprint,
        DROP COLUMN first_failed_at',
    'DO 0'
);

PREPARE ddl FROM @ddl;

EXECUTE ddl;

DEALLOCATE PREPARE ddl;

SET @ddl = IF(
    EXISTS(
        SELECT 1 FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'outbox_vacuum' AND column_name = 'rests_until'
    ),
    'ALTER TABLE outbox_vacuum
        DROP COLUMN rests_until',
    'DO 0'
);

PREPARE ddl FROM @ddl;

EXECUTE ddl;

DEALLOCATE PREPARE ddl;

SET @ddl = IF(
    EXISTS(
        SELECT 1 FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'outbox_processor' AND column_name = 'failing_since'
    ),
    'ALTER TABLE outbox_processor
        DROP COLUMN failing_since,
        DROP COLUMN parking',
    'DO 0'
);

PREPARE ddl FROM @ddl;

EXECUTE ddl;

DEALLOCATE PREPARE ddl;

SET @ddl = IF(
    EXISTS(
        SELECT 1 FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'outbox_partitions' AND column_name = 'retired_at'
    ),
    'ALTER TABLE outbox_partitions
        DROP COLUMN retired_at',
    'DO 0'
);

PREPARE ddl FROM @ddl;

EXECUTE ddl;

DEALLOCATE PREPARE ddl;

SET @ddl = IF(
    EXISTS(
        SELECT 1 FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'outbox_body' AND column_name = 'message_key'
    ),
    'ALTER TABLE outbox_body
        DROP COLUMN message_key,
        DROP COLUMN uid,
        DROP COLUMN origin',
    'DO 0'
);

PREPARE ddl FROM @ddl;

EXECUTE ddl;

DEALLOCATE PREPARE ddl;
