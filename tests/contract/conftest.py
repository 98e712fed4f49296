"""A backend for a fresh database, and hands to put messages in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from outbox.backends.connect import open_backend
from outbox.backends.protocol import Backend
from outbox.statements import Naming
from tests.contract.actor import Actor
from tests.contract.producer import Producer
from tests.support import Database


@pytest.fixture
def store(migrated: Database) -> Iterator[Backend]:
    """A backend with a pool of its own on a migrated database."""
    backend = open_backend(migrated.url, naming=Naming("outbox"), pool_size=8)
    yield backend
    backend.close()


@pytest.fixture
def engine_store(migrated: Database) -> Iterator[Backend]:
    """A backend on an Engine of the user's."""
    backend = open_backend(migrated.engine(), naming=Naming("outbox"), pool_size=8)
    yield backend
    backend.close()


@pytest.fixture
def producer(migrated: Database) -> Iterator[Producer]:
    """A producer whose transactions the test ends."""
    producer = Producer(migrated)
    yield producer
    producer.close()


@pytest.fixture
def ids(store: Backend) -> list[int]:
    """The partition ids of a queue with four partitions."""
    return store.register_queue("orders", 4)


@pytest.fixture
def actor(store: Backend, migrated: Database, producer: Producer) -> Actor:
    """A worker with short commands."""
    return Actor(store, migrated, producer)


@pytest.fixture(params=["url", "engine"])
def either(
    request: pytest.FixtureRequest, store: Backend, engine_store: Backend, migrated: Database
) -> Backend:
    """The backend with a pool of its own, then on an Engine; with a table for the handler."""
    migrated.execute("CREATE TABLE effects (n INTEGER PRIMARY KEY)")
    return store if request.param == "url" else engine_store
