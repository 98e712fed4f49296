from __future__ import annotations

import math
import pickle
from dataclasses import FrozenInstanceError

import pytest

from outbox.clock import Deadline
from outbox.values.headers import NO_HEADERS, decode_headers
from outbox.values.message import EnqueueMessage, OutboxMessage
from tests.unit.handlers.support import CREATED, HandClock, make_message


def test_a_message_has_the_fields_it_was_made_with() -> None:
    message = OutboxMessage(1, "orders", 2, 3, 4, b"5", "6", decode_headers('{"a":"b"}'), CREATED, 7)
    assert (message.id, message.queue, message.partition, message.partition_id) == (1, "orders", 2, 3)
    assert (message.seq, message.payload, message.payload_type) == (4, b"5", "6")
    assert (dict(message.headers), message.created_at, message.attempts) == ({"a": "b"}, CREATED, 7)


def test_a_message_without_headers_has_the_empty_mapping() -> None:
    assert make_message().headers is NO_HEADERS


@pytest.mark.parametrize("name", ["id", "payload", "attempts", "deadline", "something_else"])
def test_a_message_is_frozen(name: str) -> None:
    message = make_message()
    with pytest.raises(FrozenInstanceError):
        setattr(message, name, 1)
    with pytest.raises(FrozenInstanceError):
        delattr(message, name)


def test_a_message_parses_its_json() -> None:
    assert make_message(payload='{"a":"ü"}'.encode()).json() == {"a": "ü"}
    with pytest.raises(ValueError):
        make_message(payload=b"\xff\x00").json()


def test_the_remaining_time_is_that_of_the_lease() -> None:
    clock = HandClock()
    message = make_message(deadline=Deadline.after(5.0, clock=clock))
    assert message.remaining() == 5.0
    clock.now += 7.0
    assert message.remaining() == 0.0
    assert make_message().remaining() == math.inf


def test_the_text_hides_the_payload_and_equality_ignores_the_deadline() -> None:
    message = make_message(payload=b"s3cret", deadline=Deadline.after(5.0))
    assert "s3cret" not in repr(message)
    assert "6 bytes" in repr(message)
    assert message == make_message(payload=b"s3cret")
    assert hash(message) == hash(make_message(payload=b"s3cret"))
    assert message != make_message(2, payload=b"s3cret")


def test_a_message_can_be_sent_to_another_process_and_has_no_lease_there() -> None:
    message = make_message(deadline=Deadline.after(5.0))
    copy = pickle.loads(pickle.dumps(message))
    assert copy == message
    assert copy.remaining() == math.inf


def test_headers_are_part_of_what_is_sent_and_compared() -> None:
    message, other = (
        OutboxMessage(1, "orders", 2, 3, 4, b"", "a", decode_headers(text), CREATED)
        for text in ('{"a":"b"}', '{"a":"c"}')
    )
    assert message != other
    copy = pickle.loads(pickle.dumps(message))
    assert copy == message
    assert copy.headers == {"a": "b"}


def test_an_item_to_enqueue_shows_all_but_its_payload() -> None:
    item = EnqueueMessage({"card": "4111"}, key="a", headers={"x": "y"})
    assert (item.payload, item.partition, item.key, item.payload_type) == ({"card": "4111"}, None, "a", None)
    assert "4111" not in repr(item)
    with pytest.raises(TypeError):
        EnqueueMessage(b"", 1)  # type: ignore[call-arg]
