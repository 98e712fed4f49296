"""An open outbox with one queue, and an application's table."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from outbox import Outbox
from tests.acceptance.enqueue.support import PARTITIONS, QUEUE
from tests.support import Database


@pytest.fixture
def tables(migrated: Database) -> Database:
    """The outbox's tables beside the application's."""
    migrated.execute("CREATE TABLE sales (id integer PRIMARY KEY)")
    return migrated


@pytest.fixture
def outbox(tables: Database) -> Iterator[Outbox]:
    """A producer with the queue ``orders`` of four partitions."""
    with Outbox.builder(tables.url).queue(QUEUE, PARTITIONS).enqueue_only().open() as opened:
        yield opened
