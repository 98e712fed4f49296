-- name: grant_owner :exec
-- Creates and migrates the tables, and drops them.
-- Differs: rights on each table, which may be granted before the table is there.
GRANT CREATE, ALTER, DROP, INDEX, SELECT, INSERT, UPDATE, DELETE ON outbox_body TO :role;
GRANT CREATE, ALTER, DROP, INDEX, SELECT, INSERT, UPDATE, DELETE ON outbox_incoming TO :role;
GRANT CREATE, ALTER, DROP, INDEX, SELECT, INSERT, UPDATE, DELETE ON outbox_outgoing TO :role;
GRANT CREATE, ALTER, DROP, INDEX, SELECT, INSERT, UPDATE, DELETE ON outbox_partitions TO :role;
GRANT CREATE, ALTER, DROP, INDEX, SELECT, INSERT, UPDATE, DELETE ON outbox_processor TO :role;
GRANT CREATE, ALTER, DROP, INDEX, SELECT, INSERT, UPDATE, DELETE ON outbox_vacuum TO :role;
GRANT CREATE, ALTER, DROP, INDEX, SELECT, INSERT, UPDATE, DELETE ON outbox_dead_letters TO :role;
GRANT CREATE, ALTER, DROP, INDEX, SELECT, INSERT, UPDATE, DELETE ON outbox_failures TO :role;
GRANT CREATE, ALTER, DROP, INDEX, SELECT, INSERT, UPDATE, DELETE ON outbox_delayed TO :role;
GRANT CREATE, ALTER, DROP, INDEX, SELECT, INSERT, UPDATE, DELETE ON outbox_dedup TO :role;
GRANT CREATE, ALTER, DROP, INDEX, SELECT, INSERT, UPDATE, DELETE ON outbox_history TO :role;
GRANT CREATE, ALTER, DROP, INDEX, SELECT, INSERT, UPDATE, DELETE ON outbox_parked_keys TO :role;
GRANT CREATE, ALTER, DROP, INDEX, SELECT, INSERT, UPDATE, DELETE ON outbox_parked TO :role;
GRANT CREATE, ALTER, DROP, INDEX, SELECT, INSERT, UPDATE, DELETE ON outbox_queues TO :role;
GRANT CREATE, ALTER, DROP, INDEX, SELECT, INSERT, UPDATE, DELETE ON outbox_pauses TO :role;
GRANT CREATE, ALTER, DROP, INDEX, SELECT, INSERT, UPDATE, DELETE ON outbox_installation TO :role;
GRANT CREATE, ALTER, DROP, INDEX, SELECT, INSERT, UPDATE, DELETE ON outbox_epochs TO :role;
GRANT CREATE, ALTER, DROP, INDEX, SELECT, INSERT, UPDATE, DELETE ON outbox_migrations TO :role;

-- name: grant_producer :exec
-- Opens an outbox of registered queues and enqueues. It cannot read a message.
-- Differs: it learns the id from the connection, so that it needs no right to read one.
GRANT SELECT ON outbox_partitions TO :role;
GRANT SELECT ON outbox_queues TO :role;
GRANT SELECT ON outbox_installation TO :role;
GRANT SELECT ON outbox_epochs TO :role;
GRANT SELECT ON outbox_migrations TO :role;
GRANT INSERT ON outbox_body TO :role;
GRANT INSERT ON outbox_incoming TO :role;
GRANT SELECT, INSERT ON outbox_delayed TO :role;
GRANT SELECT, INSERT, UPDATE, DELETE ON outbox_dedup TO :role;

-- name: grant_worker :exec
-- Registers queues, delivers, cleans up and works on dead letters. It cannot change the tables themselves.
GRANT SELECT ON outbox_migrations TO :role;
GRANT SELECT, INSERT, UPDATE ON outbox_partitions TO :role;
GRANT SELECT, INSERT, UPDATE ON outbox_installation TO :role;
GRANT SELECT, INSERT, UPDATE ON outbox_epochs TO :role;
GRANT SELECT, INSERT, UPDATE, DELETE ON outbox_body TO :role;
GRANT SELECT, INSERT, UPDATE, DELETE ON outbox_incoming TO :role;
GRANT SELECT, INSERT, UPDATE, DELETE ON outbox_outgoing TO :role;
GRANT SELECT, INSERT, UPDATE, DELETE ON outbox_processor TO :role;
GRANT SELECT, INSERT, UPDATE, DELETE ON outbox_vacuum TO :role;
GRANT SELECT, INSERT, UPDATE, DELETE ON outbox_dead_letters TO :role;
GRANT SELECT, INSERT, UPDATE, DELETE ON outbox_failures TO :role;
GRANT SELECT, INSERT, UPDATE, DELETE ON outbox_delayed TO :role;
GRANT SELECT, INSERT, UPDATE, DELETE ON outbox_dedup TO :role;
GRANT SELECT, INSERT, UPDATE, DELETE ON outbox_history TO :role;
GRANT SELECT, INSERT, UPDATE, DELETE ON outbox_parked_keys TO :role;
GRANT SELECT, INSERT, UPDATE, DELETE ON outbox_parked TO :role;
GRANT SELECT, INSERT, UPDATE, DELETE ON outbox_queues TO :role;
GRANT SELECT, INSERT, UPDATE, DELETE ON outbox_pauses TO :role;

-- name: grant_monitor :exec
-- Reads: status, watching, listing of dead letters, and the doctor, which compares the tables with temporary
-- ones of its own.
-- Differs: temporary tables are a right on the database.
GRANT CREATE TEMPORARY TABLES ON :schema.* TO :role;
GRANT SELECT ON outbox_body TO :role;
GRANT SELECT ON outbox_incoming TO :role;
GRANT SELECT ON outbox_outgoing TO :role;
GRANT SELECT ON outbox_partitions TO :role;
GRANT SELECT ON outbox_processor TO :role;
GRANT SELECT ON outbox_vacuum TO :role;
GRANT SELECT ON outbox_dead_letters TO :role;
GRANT SELECT ON outbox_failures TO :role;
GRANT SELECT ON outbox_delayed TO :role;
GRANT SELECT ON outbox_dedup TO :role;
GRANT SELECT ON outbox_history TO :role;
GRANT SELECT ON outbox_parked_keys TO :role;
GRANT SELECT ON outbox_parked TO :role;
GRANT SELECT ON outbox_queues TO :role;
GRANT SELECT ON outbox_pauses TO :role;
GRANT SELECT ON outbox_installation TO :role;
GRANT SELECT ON outbox_epochs TO :role;
GRANT SELECT ON outbox_migrations TO :role;
