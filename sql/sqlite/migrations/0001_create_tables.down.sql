DROP TABLE IF EXISTS outbox_failures;

DROP TABLE IF EXISTS outbox_dead_letters;

DROP TABLE IF EXISTS outbox_vacuum;

DROP TABLE IF EXISTS outbox_processor;

DROP TABLE IF EXISTS outbox_outgoing;

DROP TABLE IF EXISTS outbox_incoming;

DROP TABLE IF EXISTS outbox_partitions;

DROP TABLE IF EXISTS outbox_body;
