"""The writers of one process take turns, and a thread does not wait for itself."""

from __future__ import annotations

import threading
import time

import pytest

from outbox import DatabaseError, Outbox
from outbox.backends.sqlite.writer_lock import WriterLock
from tests.support import Database, eventually

pytestmark = pytest.mark.backends("sqlite")


def test_who_waits_is_before_who_releases_and_comes_again() -> None:
    lock, order = WriterLock(), []
    assert lock.acquire([0])

    def wait_for_it() -> None:
        assert lock.acquire([0.01] * 1000)
        order.append("waited")
        lock.release()

    waiter = threading.Thread(target=wait_for_it)
    waiter.start()
    eventually(lambda: len(lock._waiting) == 1)
    lock.release()
    assert lock.acquire([10])
    order.append("again")
    lock.release()
    waiter.join()
    assert order == ["waited", "again"]


def test_who_gives_up_leaves_the_row() -> None:
    lock, answers = WriterLock(), []
    assert lock.acquire([0])
    thread = threading.Thread(target=lambda: answers.append(lock.acquire([0.01])))
    thread.start()
    thread.join()
    lock.release()
    assert answers == [False]
    assert lock.acquire([0])


@pytest.mark.parametrize("built_from", ["url", "engine"])
def test_a_transaction_within_a_transaction_is_refused_at_once(migrated: Database, built_from: str) -> None:
    target = migrated.url if built_from == "url" else migrated.engine()
    with Outbox.builder(target).queue("orders", 1).enqueue_only().open() as outbox:
        began = time.monotonic()
        with outbox.transaction() as conn:
            outbox.enqueue(conn, "orders", b"outer")
            with pytest.raises(DatabaseError, match="this thread has a transaction of the outbox open"):
                outbox.enqueue_now("orders", b"inner")
        assert time.monotonic() - began < 4, "it waited for itself"
    assert migrated.count("outbox_incoming") == 1
