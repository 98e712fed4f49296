"""Backends on MySQL and MariaDB. Every test here is for both servers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from outbox.backends.connect import open_backend
from outbox.backends.protocol import Backend
from outbox.statements import Naming
from tests.contract.actor import Actor
from tests.contract.producer import Producer
from tests.support import Database

Opener = Callable[..., Backend]


@pytest.fixture
def opened() -> Iterator[Opener]:
    """Call it with a target (and pool_size) for a backend that is closed after the test."""
    backends: list[Backend] = []

    def opened(target: Any, pool_size: int = 8) -> Backend:
        backends.append(open_backend(target, naming=Naming("outbox"), pool_size=pool_size))
        return backends[-1]

    yield opened
    for backend in backends:
        backend.close()


@pytest.fixture
def store(migrated: Database, opened: Opener) -> Backend:
    """A backend with a pool of its own on a migrated database."""
    return opened(migrated.url)


@pytest.fixture
def producer(migrated: Database) -> Iterator[Producer]:
    producer = Producer(migrated)
    yield producer
    producer.close()


@pytest.fixture
def ids(store: Backend) -> list[int]:
    """The partition ids of a queue with four partitions."""
    return store.register_queue("orders", 4)


@pytest.fixture
def actor(store: Backend, migrated: Database, producer: Producer) -> Actor:
    return Actor(store, migrated, producer)
