"""No statement reads more than it uses, on tables that grew since their statistics were made."""

from __future__ import annotations

from typing import Any

import pytest

from outbox.backends.protocol import Backend
from outbox.backends.records import DeadLetterRecord, LeaseRequest, Refusal, Settlement
from outbox.schema import steps_of
from tests.contract.actor import MANY_BYTES
from tests.mysql.conftest import Opener
from tests.support import Database

pytestmark = pytest.mark.backends("mysql", "mariadb")

ROWS = 20_000
BATCH = 50
DIGITS = "(SELECT 0 AS d UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5"
DIGITS += " UNION SELECT 6 UNION SELECT 7 UNION SELECT 8 UNION SELECT 9)"
NUMBERS = f"""
    SELECT a.d + 10 * b.d + 100 * c.d + 1000 * d.d + 10000 * e.d + 1 AS n
    FROM {DIGITS} a, {DIGITS} b, {DIGITS} c, {DIGITS} d, {DIGITS} e WHERE e.d < {ROWS // 10_000}
"""


@pytest.fixture
def grown(database: Database, opened: Opener) -> tuple[Backend, list[int]]:
    """A backend with one connection; one partition of four has a backlog in every table."""
    store = opened(database.url, pool_size=1)
    empty_forever = "ENGINE = InnoDB STATS_AUTO_RECALC = 0"
    store.migrate(
        [(step.name, step.up.replace("ENGINE = InnoDB", empty_forever)) for step in steps_of(store)]
    )
    ids = store.register_queue("orders", 4)
    with database.session() as session:
        session.execute(
            f"INSERT INTO outbox_body (id, payload, payload_type) SELECT n, 'x', 't' FROM ({NUMBERS}) q"
        )
        session.execute(f"INSERT INTO outbox_incoming SELECT {ids[1]}, n FROM ({NUMBERS}) q")
        session.execute(
            f"INSERT INTO outbox_outgoing (partition_id, seq, body_id) SELECT {ids[1]}, n, n FROM ({NUMBERS}) q"
        )
        session.execute("UPDATE outbox_partitions SET sequence = ? WHERE id = ?", ROWS, ids[1])
        session.execute(
            "UPDATE outbox_processor SET processed_seq = ? WHERE partition_id = ?", ROWS // 2, ids[1]
        )
    return store, ids


def rows_read(store: Any) -> int:
    with store._source.reading() as session:
        cursor = session.connection.cursor()
        cursor.execute("SHOW SESSION STATUS LIKE 'Handler_read%'")
        return sum(int(count) for _, count in cursor.fetchall())


def test_operations_read_a_few_rows_for_each_message_and_nothing_of_the_backlog(
    grown: tuple[Backend, list[int]],
) -> None:
    store, ids = grown
    half = ROWS // 2
    requests = [LeaseRequest(partition_id, BATCH) for partition_id in ids]
    dead = (DeadLetterRecord(half + 1, "x", 1),)

    def lease() -> None:
        taken = store.lease_and_read(
            requests, token="t", lease=30.0, max_bytes=MANY_BYTES, one_if_failed=False, solo=False
        )
        assert len(taken.deliveries[0].messages) == BATCH

    def settle() -> None:
        on = Settlement(ids[1], half + BATCH, next_limit=BATCH, dead=dead)
        settled = store.settle_and_read([on], token="t", lease=30.0, max_bytes=MANY_BYTES)
        assert len(settled.deliveries[0].messages) == BATCH

    def release() -> None:
        done = Settlement(ids[1], half + 2 * BATCH)
        assert store.settle_and_read([done], token="t", lease=30.0, max_bytes=MANY_BYTES).released

    def turn() -> None:
        request = LeaseRequest(ids[1], BATCH)
        with store.transactional_turn(request, max_bytes=MANY_BYTES, one_if_failed=False) as found:
            assert not isinstance(found, Refusal)
            assert len(found.delivery.messages) == BATCH

    def sequence() -> None:
        assert store.sequence(ids, BATCH)[1].moved == BATCH

    def vacuum() -> None:
        assert store.vacuum(ids, BATCH) == BATCH

    def pending() -> None:
        assert [found.partition_id for found in store.pending(ids)] == [ids[1]]

    steps = {step.__name__: step for step in (pending, sequence, lease, settle, release, turn, vacuum)}
    # At first it opens the tables, for which the server reads their definitions.
    pending()
    read = {}
    for name, step in steps.items():
        before = rows_read(store)
        step()
        read[name] = rows_read(store) - before
    assert {name: count for name, count in read.items() if count > 60 + 16 * BATCH} == {}
    assert read["pending"] < 60
    assert read["release"] < 60
