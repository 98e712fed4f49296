"""A backend on a SQLite file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from outbox.backends.sqlite import SqliteBackend, connect
from outbox.statements import Naming
from tests.support import Database


@pytest.fixture
def open_sqlite() -> Iterator[Callable[..., SqliteBackend]]:
    """Open backends that are closed after the test."""
    opened: list[SqliteBackend] = []

    def open_sqlite(target: Any, *, pool_size: int = 4, naming: Naming | None = None) -> SqliteBackend:
        opened.append(connect(target, naming=naming or Naming("outbox"), pool_size=pool_size))
        return opened[-1]

    yield open_sqlite
    for backend in opened:
        backend.close()


@pytest.fixture
def store(migrated: Database, open_sqlite: Callable[..., SqliteBackend]) -> SqliteBackend:
    """A backend on a migrated file."""
    return open_sqlite(migrated.url)
