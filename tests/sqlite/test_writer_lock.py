"""The writers of one process take turns, and a thread does not wait for itself."""

from __future__ import annotations

import threading
import time

import pytest

from outbox import DatabaseError, EnqueueMessage, Outbox
from outbox.backends.sqlite.writer_lock import GAP_SECONDS, LENT_SECONDS, WriterLock
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


@pytest.mark.parametrize("lent", [True, False])
def test_after_long_use_by_others_code_the_next_one_waits_a_moment(lent: bool) -> None:
    now = [0.0]
    lock = WriterLock(clock=lambda: now[0])
    assert lock.acquire([0])
    now[0] += LENT_SECONDS
    assert lock.crowded
    lock.release(handed_over=lent)
    began = time.monotonic()
    assert lock.acquire([0])
    assert (time.monotonic() - began >= GAP_SECONDS) is lent
    lock.release(handed_over=lent)


def test_a_connection_of_the_applications_writes_while_a_transactional_backlog_lasts(
    migrated: Database,
) -> None:
    builder = Outbox.builder(migrated.url).queue("audit", 1).transactional(lambda *_: time.sleep(0.02))
    migrated.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY)")
    with builder.start() as handle:
        with handle.outbox.transaction() as conn:
            handle.outbox.enqueue_batch(conn, "audit", [EnqueueMessage(n) for n in range(250)])
        eventually(lambda: handle.stats().in_progress)
        application = migrated.connect(autocommit=True)
        # Shorter than the two seconds of a turn, and than five turns without a pause.
        application.execute("PRAGMA busy_timeout = 1500")
        for _ in range(2):
            application.execute("INSERT INTO orders DEFAULT VALUES")
        assert handle.outbox.status().partitions[0].backlog


def test_an_outbox_whose_queues_exist_opens_while_a_transaction_is_open(migrated: Database) -> None:
    builder = Outbox.builder(f"{migrated.url}?timeout=0.05").queue("orders", 1).leased(lambda _msg: None)
    builder.open().close()
    application = migrated.connect()
    application.execute("BEGIN IMMEDIATE")
    application.execute("PRAGMA user_version = 7")
    with builder.open() as box:
        assert box.enqueue(application, "orders", b"") > 0
    application.commit()


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
