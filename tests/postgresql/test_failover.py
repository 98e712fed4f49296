"""A primary that becomes a standby without cutting its connections."""

from __future__ import annotations

import pytest

from outbox.backends.connect import open_backend
from outbox.errors import ReadOnlyServer
from outbox.statements import Naming
from tests.support import Database

pytestmark = pytest.mark.backends("postgresql")

DEMOTE = "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY"


@pytest.mark.parametrize("kind", ["url", "engine"])
def test_a_connection_that_takes_no_writes_any_more_is_replaced(migrated: Database, kind: str) -> None:
    target = migrated.url if kind == "url" else migrated.engine(pool_size=1, max_overflow=0)
    backend = open_backend(target, naming=Naming(), pool_size=1)
    try:
        ids = backend.register_queue("orders", 1)
        with backend.reading() as connection:
            connection.execute(DEMOTE)
        with pytest.raises(ReadOnlyServer):
            backend.sequence(ids, 10)
        assert [item.partition_id for item in backend.sequence(ids, 10)] == ids
    finally:
        backend.close()
