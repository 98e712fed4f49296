from __future__ import annotations

from datetime import datetime, timezone

import pytest

from outbox import InvalidPayload
from outbox.testing import message


def test_a_handler_is_called_with_a_message_out_of_nothing() -> None:
    msg = message({"id": 7}, queue="orders", key=b"anna", attempts=2, headers={"a": "b"})
    assert (msg.json(), msg.queue, msg.key, msg.attempts, msg.headers) == (
        {"id": 7},
        "orders",
        "anna",
        2,
        {"a": "b"},
    )
    assert msg.payload_type == "application/json"
    assert msg.created_at.tzinfo is timezone.utc
    assert msg.remaining() == float("inf")
    assert not msg.stopping


def test_bytes_the_time_left_and_names_are_as_told() -> None:
    at = datetime(2020, 2, 29, tzinfo=timezone.utc)
    msg = message(b"\xff", remaining=5, created_at=at, uid="mine", payload_type="x/y", partition=3)
    assert (msg.payload, msg.created_at, msg.uid, msg.payload_type, msg.partition) == (
        b"\xff",
        at,
        "mine",
        "x/y",
        3,
    )
    assert 4 < msg.remaining() <= 5


def test_every_message_has_another_name() -> None:
    names = {message().uid for _ in range(10)}
    assert len(names) == 10


def test_what_cannot_be_enqueued_cannot_be_made() -> None:
    with pytest.raises(InvalidPayload):
        message({1, 2})
