"""Sessions in a time zone of the user's."""

from __future__ import annotations

import queue
from datetime import timedelta

import pytest
from psycopg_pool import ConnectionPool

from outbox import Outbox
from tests.support import Database

pytestmark = pytest.mark.backends("postgresql")


def test_handlers_see_times_in_utc_whatever_the_zone_of_the_session(migrated: Database) -> None:
    seen: queue.Queue[timedelta | None] = queue.Queue()
    options = {"options": "-c timezone=Asia/Kolkata"}
    with ConnectionPool(migrated.url, kwargs=options, min_size=1, max_size=4) as pool:
        builder = Outbox.builder(pool).queue("leased", 1).leased(lambda m: seen.put(m.created_at.utcoffset()))
        builder.queue("sql", 1).transactional(lambda _conn, m: seen.put(m.created_at.utcoffset()))
        with builder.start() as handle:
            handle.outbox.enqueue_now("leased", 1)
            handle.outbox.enqueue_now("sql", 1)
            assert [seen.get(timeout=20), seen.get(timeout=20)] == [timedelta(0)] * 2
