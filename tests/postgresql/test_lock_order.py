"""Several rows are locked in the order of their keys, wherever they lie."""

from __future__ import annotations

import threading

import pytest

from outbox.backends.connect import open_backend
from outbox.statements import Naming
from tests.support import Database, eventually

WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


@pytest.mark.backends("postgresql")
def test_a_renewal_that_waits_for_a_row_holds_none_that_comes_after_it(migrated: Database) -> None:
    backend = open_backend(migrated.url, naming=Naming(), pool_size=1)
    ids = sorted(backend.register_queue("orders", 4))
    # The last one first on the disk.
    for key in reversed(ids):
        migrated.execute(
            "UPDATE outbox_processor SET locked_by = 't', locked_until = now() + INTERVAL '1 hour' WHERE partition_id = ?",
            key,
        )
    migrated.connect(autocommit=True).execute("VACUUM FULL outbox_processor")
    kept: list[set[int]] = []
    other = migrated.connect()
    other.execute("SELECT 1 FROM outbox_processor WHERE partition_id = %s FOR UPDATE", (ids[0],))
    renewing = threading.Thread(target=lambda: kept.append(backend.renew(ids, token="t", lease=60.0)))
    renewing.start()
    eventually(lambda: migrated.value(WAITING) == 1)
    free = other.execute("SELECT partition_id FROM outbox_processor ORDER BY 1 FOR UPDATE SKIP LOCKED")
    assert [key for (key,) in free] == ids
    other.rollback()
    renewing.join(20)
    assert kept == [set(ids)]
    backend.close()
