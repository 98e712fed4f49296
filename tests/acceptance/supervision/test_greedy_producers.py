"""Producers of the process never take the connections that its workers need."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from outbox import ConnectionLost, Outbox
from outbox.facade import transaction_share
from tests.support import Database, eventually

THREADS = 40


def own_url(database: Database) -> Any:
    return database.url


def engine(database: Database) -> Any:
    return database.engine(pool_size=8, max_overflow=2)


@pytest.mark.backends("postgresql", "mysql", "mariadb")
@pytest.mark.parametrize("target", [own_url, engine])
def test_forty_threads_in_transactions_do_not_stop_the_delivery(
    migrated: Database, target: Callable[[Database], Any]
) -> None:
    got: list[int] = []
    entered = threading.Semaphore(0)
    over = threading.Event()
    builder = Outbox.builder(target(migrated)).producer_connections(3).queue("orders", 4)
    with builder.leased(lambda msg: got.append(msg.id)).start() as handle:
        box = handle.outbox

        def produce() -> None:
            with box.transaction() as conn:
                box.enqueue(conn, "orders", 1)
                entered.release()
                over.wait(20)

        threads = [threading.Thread(target=produce) for _ in range(THREADS)]
        try:
            for thread in threads:
                thread.start()
            assert all(entered.acquire(timeout=10) for _ in range(2))
            with Outbox.builder(migrated.url).queue("orders", 4).enqueue_only().open() as other:
                other.enqueue_now("orders", 2)
            eventually(lambda: got, 10)
            assert handle.healthy()
        finally:
            over.set()
            for thread in threads:
                thread.join(20)
        eventually(lambda: len(got) == THREADS + 1, 20)


@pytest.mark.backends("sqlite")
def test_a_transaction_that_finds_no_connection_says_which_option_there_is(
    migrated: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transaction_share, "WAIT_SECONDS", 0.05)
    builder = Outbox.builder(migrated.url).producer_connections(1).queue("orders", 1)
    held = threading.Event()
    over = threading.Event()
    with builder.leased(print).start() as handle:

        def hold() -> None:
            with handle.outbox.transaction():
                held.set()
                over.wait(20)

        thread = threading.Thread(target=hold)
        thread.start()
        assert held.wait(10)
        with pytest.raises(ConnectionLost, match=r"producer_connections"), handle.outbox.transaction():
            pass
        over.set()
        thread.join()
