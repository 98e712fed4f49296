-- No message is lost: a delayed one goes to incoming, early, a parked one becomes a dead letter.
DROP VIEW IF EXISTS outbox_parked_readable;

DROP VIEW IF EXISTS outbox_pauses_readable;

DROP VIEW IF EXISTS outbox_dedup_readable;

DROP VIEW IF EXISTS outbox_delayed_readable;

DROP VIEW IF EXISTS outbox_failures_readable;

DROP VIEW IF EXISTS outbox_dead_letters_readable;

DROP VIEW IF EXISTS outbox_processor_readable;

DROP VIEW IF EXISTS outbox_outgoing_readable;

DROP VIEW IF EXISTS outbox_body_readable;

INSERT INTO outbox_incoming (partition_id, body_id)
SELECT
    partition_id,
    body_id
FROM outbox_delayed;

INSERT INTO outbox_dead_letters (
    message_id, partition_id, seq, payload, payload_type, headers, created_at, last_error, attempts
)
SELECT
    message_id,
    partition_id,
    seq,
    payload,
    payload_type,
    headers,
    created_at,
    last_error,
    attempts
FROM outbox_parked
ORDER BY partition_id, seq;

DROP TABLE IF EXISTS outbox_parked;

DROP TABLE IF EXISTS outbox_parked_keys;

DROP TABLE IF EXISTS outbox_history;

DROP TABLE IF EXISTS outbox_dedup;

DROP TABLE IF EXISTS outbox_delayed;

DROP TABLE IF EXISTS outbox_pauses;

DROP TABLE IF EXISTS outbox_queues;

DROP TABLE IF EXISTS outbox_epochs;

DROP TABLE IF EXISTS outbox_installation;

ALTER TABLE outbox_failures DROP COLUMN message_key;

ALTER TABLE outbox_dead_letters DROP COLUMN message_key;

ALTER TABLE outbox_dead_letters DROP COLUMN uid;

ALTER TABLE outbox_dead_letters DROP COLUMN origin;

ALTER TABLE outbox_dead_letters DROP COLUMN fingerprint;

ALTER TABLE outbox_dead_letters DROP COLUMN first_failed_at;

ALTER TABLE outbox_vacuum DROP COLUMN rests_until;

ALTER TABLE outbox_processor DROP COLUMN failing_since;

ALTER TABLE outbox_processor DROP COLUMN parking;

ALTER TABLE outbox_partitions DROP COLUMN retired_at;

ALTER TABLE outbox_body DROP COLUMN message_key;

ALTER TABLE outbox_body DROP COLUMN uid;

ALTER TABLE outbox_body DROP COLUMN origin;
