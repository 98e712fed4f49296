"""A transactional outbox for PostgreSQL, MySQL/MariaDB and SQLite."""
