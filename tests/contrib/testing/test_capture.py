from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import pytest

from outbox import EnqueueMessage, Outbox
from outbox.testing import Sent, capture, including
from tests.support import Database

pytestmark = pytest.mark.backends("sqlite")


@pytest.fixture
def box(migrated: Database) -> Iterator[Outbox]:
    with (
        Outbox.builder(migrated.url)
        .queue("orders", 4)
        .enqueue_only()
        .queue("mails", 1)
        .enqueue_only()
        .open() as box
    ):
        yield box


def test_what_is_enqueued_in_the_block_is_there_and_nothing_else(box: Outbox, migrated: Database) -> None:
    box.enqueue_now("mails", "before")
    with capture(box) as sent:
        assert not sent
        conn = migrated.connect()
        first = box.enqueue(
            conn, "orders", {"id": 7, "customer": {"name": "Anna", "age": 3}}, key="anna", headers={"a": "b"}
        )
        box.enqueue_batch(conn, "orders", [EnqueueMessage(b"\xff", key=b"k"), EnqueueMessage([1, 2])])
        conn.rollback()
    box.enqueue_now("mails", "after")
    found = sent.assert_enqueued(
        "orders",
        key="anna",
        payload=including(id=7, customer=including(name="Anna")),
        headers=including(a="b"),
        payload_type="application/json",
        count=1,
    )
    assert (found.id, found.json()["id"], found.headers) == (first, 7, {"a": "b"})
    assert sent.assert_enqueued("orders", payload=b"\xff", key=b"k").id == first + 1
    sent.assert_enqueued("orders", payload=[1, 2], key=None)
    sent.assert_enqueued("orders", count=3)
    sent.refute_enqueued("mails")
    assert [message.queue for message in sent] == ["orders"] * 3
    assert len(sent) == 3
    assert sent[0] is found


def test_a_part_matches_and_another_value_does_not(box: Outbox) -> None:
    with capture(box) as sent:
        box.enqueue_now("orders", {"id": 7, "lines": [{"sku": 1, "n": 2}]})
        box.enqueue_now("orders", b"no json")
    sent.assert_enqueued("orders", payload=including(lines=[including(sku=1)]))
    sent.assert_enqueued("orders", payload=including({"id": 7}))
    for payload in (
        including(id=8),
        including(id=7, more=None),
        {"id": 7},
        including(lines=[]),
        including(id=including(x=1)),
    ):
        sent.refute_enqueued("orders", payload=payload)


def test_what_fails_says_what_was_enqueued(box: Outbox) -> None:
    with capture(box) as sent:
        with pytest.raises(AssertionError, match="nothing was enqueued"):
            sent.assert_enqueued("orders")
        box.enqueue_now("orders", {"id": 7}, key="anna")
        with pytest.raises(
            AssertionError,
            match=r"(?s)queue 'orders' payload=including\(id=8\).*key='anna' payload={\"id\":7}",
        ):
            sent.assert_enqueued("orders", payload=including(id=8))
        with pytest.raises(AssertionError, match="1 instead of 2"):
            sent.assert_enqueued("orders", count=2)
        with pytest.raises(AssertionError, match="was enqueued"):
            sent.refute_enqueued("orders", key="anna")


def test_captures_nest_and_end_with_an_exception_too(box: Outbox) -> None:
    with capture(box) as outer:
        inner = fail_after_one(box)
        box.enqueue_now("orders", 2)
    assert (len(outer), len(inner)) == (2, 1)


def fail_after_one(box: Outbox) -> Sent:
    with suppress(ZeroDivisionError), capture(box) as sent:
        box.enqueue_now("orders", 1)
        assert 1 / (len(sent) - 1)
    return sent
