"""What every relay does, on the real broker."""

from __future__ import annotations

import time

import pytest

from outbox import Retry
from outbox.contrib.relays import Route
from outbox.values.message import OutboxMessage
from tests.contrib.relays.batches import make_batch
from tests.contrib.relays.places import Place
from tests.support import eventually

BODIES = [b'{"id": %d}' % number for number in range(30)]


def test_a_batch_arrives_whole_and_in_order(place: Place) -> None:
    batch = make_batch(*BODIES)
    assert place.relay()(batch) is None
    assert batch.processed == len(BODIES)
    assert place.bodies() == BODIES
    assert [arrival.seq for arrival in place.arrivals()] == list(range(1, 31))


def test_a_receiver_finds_the_headers_and_the_place_of_a_message(place: Place) -> None:
    place.relay()(make_batch(b"x"))
    (arrival,) = place.arrivals()
    assert arrival.headers["tenant"] == "a"
    assert arrival.headers["outbox-partition"] == "9"
    assert arrival.headers["outbox-seq"] == "1"
    assert arrival.headers["outbox-id"]
    assert arrival.headers["outbox-source"]


def test_a_route_picks_topic_key_and_headers(place: Place) -> None:
    def route(message: OutboxMessage) -> Route:
        return Route(topic=place.topic, key="Anna", headers={"via": "route"})

    assert place.relay_to("nowhere", route=route)(make_batch(b"x")) is None
    (arrival,) = place.arrivals()
    assert arrival.headers["via"] == "route"
    assert arrival.headers.get("outbox-seq") == "1"
    assert arrival.key == "Anna"


def test_the_key_of_a_message_goes_along(place: Place) -> None:
    assert place.relay()(make_batch(b"1", b"2", keys=("Anna", None))) is None
    assert [arrival.key for arrival in place.arrivals()] == ["Anna", None]


def test_a_route_that_fails_is_charged_to_its_message_after_the_ones_before_it(place: Place) -> None:
    def route(message: OutboxMessage) -> None:
        assert message.payload != b"bad", "no such route"

    relay = place.relay(route=route)
    batch = make_batch(b"1", b"2", b"bad", b"4")
    with pytest.raises(AssertionError, match="no such route"):
        relay(batch)
    assert batch.processed == 2
    assert place.bodies() == [b"1", b"2"]


def test_a_batch_beyond_its_cancel_point_sends_nothing(place: Place) -> None:
    batch = make_batch(b"1", within=0.0)
    assert place.relay()(batch) is None
    assert batch.processed == 0
    assert place.bodies() == []


def test_a_broker_that_is_away_counts_as_no_attempt(place: Place) -> None:
    relay = place.relay(timeout=2)
    place.broker.kill()
    batch = make_batch(b"1", b"2")
    answer = relay(batch)
    assert isinstance(answer, Retry)
    assert not answer.counts
    assert batch.processed == 0


def test_a_broker_that_came_back_is_used_by_the_next_call(place: Place) -> None:
    relay = place.relay(timeout=20)
    assert relay(make_batch(b"1")) is None
    place.broker.kill()
    place.broker.start()
    batch = make_batch(b"2", first=2)
    # The first call may learn of the broken connection, and the broker may still be recovering its queues.
    eventually(lambda: relay(batch) is None, 20)
    assert batch.processed == 1
    assert place.bodies() in ([b"1", b"2"], [b"1", b"2", b"2"])


def test_a_broker_that_stands_still_is_waited_for_no_longer_than_the_lease(place: Place) -> None:
    relay = place.relay(timeout=30)
    assert relay(make_batch(b"1")) is None
    place.broker.pause()
    try:
        batch = make_batch(b"2", b"3", first=2, within=1.5)
        began = time.monotonic()
        answer = relay(batch)
        took = time.monotonic() - began
    finally:
        place.broker.resume()
    # Without an answer of the broker its time ends first, or the batch's, of which only what is marked is done.
    assert answer is None or not answer.counts
    assert (batch.marked, batch.processed) == (True, 0)
    assert 1.0 < took < 5.0
    again = make_batch(b"2", b"3", first=2)
    assert relay(again) is None
    assert again.processed == 2
    # What was on the wire when it stood still may have arrived; nothing overtook anything.
    assert place.bodies()[-2:] == [b"2", b"3"]
    assert set(place.bodies()) == {b"1", b"2", b"3"}
