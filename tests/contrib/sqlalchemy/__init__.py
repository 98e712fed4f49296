"""Tests of what SQLAlchemy and Alembic know of the outbox."""
