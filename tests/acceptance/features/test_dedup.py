"""Messages of which a queue takes one within a window."""

from __future__ import annotations

import threading

import pytest

from outbox import ConfigurationError, DuplicateMessage, Enqueued, EnqueueMessage, Event, Outbox
from outbox.testing import drain
from tests.support import Database, eventually


def opened(database: Database, **options: object) -> Outbox:
    builder = Outbox.builder(database.url).poll_interval(0.2).observe(options.get("observer", lambda _: None))  # type: ignore[arg-type]
    return builder.queue("orders", 2).leased(lambda _: None).queue("bills", 1).enqueue_only().open()


def bodies(database: Database) -> int:
    return database.count("outbox_body")


def let_windows_pass(database: Database) -> None:
    database.execute("UPDATE outbox_dedup SET expires_at = ?", database.long_ago)


def test_the_second_message_of_a_key_is_the_first_one(migrated: Database) -> None:
    told: list[Event] = []
    with opened(migrated, observer=told.append) as outbox:
        first = outbox.enqueue_now("orders", 1, dedup_key="order-7")
        with outbox.transaction() as conn:
            assert outbox.enqueue(conn, "orders", 2, dedup_key=b"order-7") == first
            assert outbox.enqueue(conn, "orders", 3, dedup_key="order-8") > first
            # Case, spaces at the end and another queue make another message.
            for queue, key in (("orders", "Order-7"), ("orders", "order-7 "), ("bills", "order-7")):
                assert outbox.enqueue(conn, queue, 4, dedup_key=key) > first
        assert outbox.enqueue_now("orders", 5, dedup_key="order-7") == first
    assert bodies(migrated) == 5
    assert sum(event.count for event in told if isinstance(event, Enqueued)) == 5


def test_it_is_told_also_when_the_message_was_delivered_and_deleted_long_ago(migrated: Database) -> None:
    with opened(migrated) as outbox:
        first = outbox.enqueue_now("orders", 1, dedup_key="k")
        assert drain(outbox).vacuumed == 1
        assert outbox.enqueue_now("orders", 1, dedup_key="k") == first
        assert drain(outbox).processed == 0


def test_after_the_window_it_is_a_new_message(migrated: Database) -> None:
    with opened(migrated) as outbox:
        first = outbox.enqueue_now("orders", 1, dedup_key="k", dedup_window=3600)
        let_windows_pass(migrated)
        second = outbox.enqueue_now("orders", 1, dedup_key="k", dedup_window=3600)
        assert second > first
        assert outbox.enqueue_now("orders", 1, dedup_key="k") == second


def test_a_duplicate_can_be_an_error_that_leaves_the_transaction_usable(migrated: Database) -> None:
    with opened(migrated) as outbox:
        first = outbox.enqueue_now("orders", 1, dedup_key="k")
        with outbox.transaction() as conn:
            with pytest.raises(DuplicateMessage, match=f"message {first} with the dedup_key 'k'") as caught:
                outbox.enqueue(conn, "orders", 2, dedup_key="k", on_duplicate="raise")
            items = [
                EnqueueMessage(3, dedup_key="other"),
                EnqueueMessage(4, dedup_key="k", on_duplicate="raise"),
            ]
            with pytest.raises(DuplicateMessage) as in_batch:
                outbox.enqueue_batch(conn, "orders", items)
            # What the batch had claimed is free for the next one.
            other = outbox.enqueue(conn, "orders", 5, dedup_key="other")
        assert (caught.value.message_id, caught.value.index, in_batch.value.index) == (first, None, 1)
        assert outbox.enqueue_now("orders", 6, dedup_key="other") == other
    assert bodies(migrated) == 2


def test_a_batch_has_the_ids_in_its_order(migrated: Database) -> None:
    with opened(migrated) as outbox:
        known = outbox.enqueue_now("orders", 0, dedup_key="b")
        keys = ["c", None, "b", "a", "c", None, "a", "\N{SNOWMAN}", b"\xff"]
        with outbox.transaction() as conn:
            ids = outbox.enqueue_batch(conn, "orders", [EnqueueMessage(k and 1, dedup_key=k) for k in keys])
        assert ids[2] == known
        assert (ids[0], ids[3]) == (ids[4], ids[6])
        assert len(set(ids)) == 7
        again = [outbox.enqueue_now("orders", 1, dedup_key=k) for k in keys if k]
        assert again == [id_ for id_, key in zip(ids, keys, strict=True) if key]


def test_a_rollback_frees_the_key(migrated: Database) -> None:
    with opened(migrated) as outbox:
        connection = migrated.connect()
        outbox.enqueue(connection, "orders", 1, dedup_key="k")
        connection.rollback()
        outbox.enqueue_now("orders", 2, dedup_key="k")
    assert bodies(migrated) == 1


@pytest.mark.backends("postgresql", "mysql", "mariadb")
@pytest.mark.parametrize("end", ["commit", "rollback"])
def test_a_producer_that_comes_meanwhile_waits_and_is_right(migrated: Database, end: str) -> None:
    with opened(migrated) as outbox:
        holder = migrated.connect()
        first = outbox.enqueue(holder, "orders", 1, dedup_key="k")
        ids: list[int] = []

        def repeat() -> None:
            ids.append(outbox.enqueue_now("orders", 2, dedup_key="k"))

        threads = [threading.Thread(target=repeat) for _ in range(3)]
        for thread in threads:
            thread.start()
        threads[0].join(0.3)
        assert ids == []
        getattr(holder, end)()
        for thread in threads:
            thread.join(20)
        assert len(ids) == 3
        assert len(set(ids)) == 1
        assert (first in ids) == (end == "commit")
    assert bodies(migrated) == 1


def test_the_vacuum_forgets_what_the_window_has_passed(migrated: Database) -> None:
    builder = Outbox.builder(migrated.url).poll_interval(0.2)
    with builder.queue("orders", 1).leased(lambda _: None).start() as handle:
        handle.outbox.enqueue_now("orders", 1, dedup_key="old")
        let_windows_pass(migrated)
        handle.outbox.enqueue_now("orders", 1, dedup_key="new")
        eventually(lambda: migrated.count("outbox_dedup") == 1)
        assert migrated.count("outbox_dedup") == 1


def test_a_delayed_message_has_its_key_at_once(migrated: Database) -> None:
    with opened(migrated) as outbox:
        first = outbox.enqueue_now("orders", 1, dedup_key="k", deliver_after=3600)
        assert outbox.enqueue_now("orders", 2, dedup_key="k") == first
        assert (migrated.count("outbox_delayed"), bodies(migrated)) == (1, 1)


@pytest.mark.backends("sqlite")
@pytest.mark.parametrize(
    "wrong",
    [
        {"dedup_key": ""},
        {"dedup_key": 7},
        {"dedup_key": "x" * 1025},
        {"dedup_key": "k", "dedup_window": 0},
        {"dedup_window": 60},
        {"dedup_key": "k", "on_duplicate": "ignore"},
    ],
)
def test_what_means_nothing_is_refused(migrated: Database, wrong: dict[str, object]) -> None:
    with opened(migrated) as outbox, pytest.raises(ConfigurationError, match=list(wrong)[-1]):
        outbox.enqueue_now("orders", 1, **wrong)  # type: ignore[arg-type]
