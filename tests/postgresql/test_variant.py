"""A database that speaks PostgreSQL's SQL to psycopg, but for some statements."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from outbox import Outbox
from outbox.backends import connect
from outbox.backends.connect import Database as Kind
from outbox.statements import Naming, files
from outbox.testing import drain
from tests.support import Database

# As the plain statement writes it, and so that its own can be told from it.
ENQUEUE_ONE = """\
-- name: enqueue_one :one
-- A message as two nodes want it.
WITH stored AS (
    INSERT INTO outbox_body (payload, payload_type, headers)
    VALUES (:payload, concat('sharded ', CAST(:payload_type AS text)), :headers)
    RETURNING id
)

INSERT INTO outbox_incoming (partition_id, body_id)
SELECT :partition_id, id FROM stored
RETURNING body_id;
"""

pytestmark = pytest.mark.backends("postgresql")


@pytest.fixture
def sharded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Say in the one place that there is such a database."""
    shutil.copytree(str(files.sql_root()), tmp_path / "sql")
    folder = tmp_path / "sql" / "postgresql" / "sharded"
    folder.mkdir()
    (folder / "enqueue.sql").write_text(ENQUEUE_ONE)
    monkeypatch.setattr(files, "sql_root", lambda: tmp_path / "sql")
    monkeypatch.setitem(connect.DATABASES, "sharded", Kind("postgresql", "psycopg", "sharded"))


@pytest.mark.usefixtures("sharded")
def test_one_line_lets_producers_and_workers_use_its_statements(migrated: Database) -> None:
    seen = []
    url = migrated.url.replace("postgresql://", "sharded://", 1)
    builder = Outbox.builder(url).queue("orders", 1).leased(lambda message: seen.append(message.payload_type))
    with builder.open() as outbox, migrated.connect() as connection:
        assert (outbox.backend.catalog.backend, outbox.backend.catalog.variant) == ("postgresql", "sharded")
        outbox.enqueue(connection, "orders", b"1", payload_type="order")
        connection.commit()
        drain(outbox)
    assert seen == ["sharded order"]


@pytest.mark.usefixtures("sharded")
def test_an_engine_that_cannot_name_it_gets_its_statements_by_the_variant(migrated: Database) -> None:
    for variant in (None, "sharded"):
        backend = connect.open_backend(migrated.engine(), naming=Naming(), pool_size=1, variant=variant)
        assert backend.catalog.variant == variant
        backend.close()
