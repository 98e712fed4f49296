-- name: grant_owner :exec
-- Creates and migrates the tables, which belong to it from then on: nothing else has to be granted, and only
-- the owner of a table may change or drop it.
-- Differs: a right on the schema; MySQL and MariaDB know rights on tables that are not there yet.
GRANT USAGE, CREATE ON SCHEMA :schema TO :role;

-- name: grant_producer :exec
-- Opens an outbox of registered queues and enqueues. It cannot read a message.
-- Differs: an INSERT that returns the id needs the right to read the id.
GRANT USAGE ON SCHEMA :schema TO :role;
GRANT SELECT ON
    outbox_partitions,
    outbox_queues,
    outbox_installation,
    outbox_epochs,
    outbox_migrations
TO :role;
GRANT SELECT (id), INSERT ON outbox_body TO :role;
GRANT SELECT (partition_id, body_id), INSERT ON outbox_incoming TO :role;
GRANT SELECT, INSERT ON outbox_delayed TO :role;
GRANT SELECT, INSERT, UPDATE, DELETE ON outbox_dedup TO :role;

-- name: grant_worker :exec
-- Registers queues, delivers, cleans up and works on dead letters. It cannot change the tables themselves.
GRANT USAGE ON SCHEMA :schema TO :role;
GRANT SELECT ON outbox_migrations TO :role;
GRANT SELECT, INSERT, UPDATE ON outbox_partitions, outbox_installation, outbox_epochs TO :role;
GRANT SELECT, INSERT, UPDATE, DELETE ON
    outbox_body,
    outbox_incoming,
    outbox_outgoing,
    outbox_processor,
    outbox_vacuum,
    outbox_dead_letters,
    outbox_failures,
    outbox_delayed,
    outbox_dedup,
    outbox_history,
    outbox_parked_keys,
    outbox_parked,
    outbox_queues,
    outbox_pauses
TO :role;

-- name: grant_monitor :exec
-- Reads: status, watching, listing of dead letters, and the doctor.
-- Differs: every role may make the temporary tables of the doctor's comparison, unless that was taken away.
GRANT USAGE ON SCHEMA :schema TO :role;
GRANT SELECT ON
    outbox_body,
    outbox_incoming,
    outbox_outgoing,
    outbox_partitions,
    outbox_processor,
    outbox_vacuum,
    outbox_dead_letters,
    outbox_failures,
    outbox_delayed,
    outbox_dedup,
    outbox_history,
    outbox_parked_keys,
    outbox_parked,
    outbox_queues,
    outbox_pauses,
    outbox_installation,
    outbox_epochs,
    outbox_migrations
TO :role;
