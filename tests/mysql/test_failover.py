"""A primary that becomes a standby without cutting its connections."""

from __future__ import annotations

import pytest

from outbox.errors import ReadOnlyServer
from tests.mysql.conftest import Opener
from tests.support import Database

pytestmark = pytest.mark.backends("mysql", "mariadb")

DEMOTE = "SET SESSION TRANSACTION READ ONLY"


@pytest.mark.parametrize("kind", ["url", "engine"])
def test_a_connection_that_takes_no_writes_any_more_is_replaced(
    migrated: Database, opened: Opener, kind: str
) -> None:
    target = migrated.url if kind == "url" else migrated.engine(pool_size=1, max_overflow=0)
    store = opened(target, pool_size=1)
    ids = store.register_queue("orders", 1)
    with store.reading() as connection:
        connection.cmd_query(DEMOTE)
    with pytest.raises(ReadOnlyServer):
        store.sequence(ids, 10)
    assert [item.partition_id for item in store.sequence(ids, 10)] == ids
