"""What is particular to NATS."""

from __future__ import annotations

from outbox import Retry
from outbox.contrib.relays import Route
from tests.contrib.relays.batches import make_batch
from tests.contrib.relays.places.nats import NatsPlace


def test_a_duplicate_counts_as_sent_and_is_not_stored_again(nats_place: NatsPlace) -> None:
    relay = nats_place.relay()
    assert relay(make_batch(b"1", b"2")) is None
    again = make_batch(b"1", b"2", b"3")
    assert relay(again) is None
    assert again.processed == 3
    assert nats_place.bodies() == [b"1", b"2", b"3"]


def test_a_subject_that_no_stream_takes_counts_as_an_attempt(nats_place: NatsPlace) -> None:
    batch = make_batch(b"1")
    answer = nats_place.relay_to("nowhere")(batch)
    assert isinstance(answer, Retry)
    assert answer.counts
    assert batch.processed == 0


def test_a_message_larger_than_the_server_takes_goes_to_the_dead_letters(nats_place: NatsPlace) -> None:
    batch = make_batch(b"1", b"x" * 2_000_000, b"3")
    assert nats_place.relay()(batch) is None
    assert [position for position, _ in batch.rejected] == [1]
    assert nats_place.bodies() == [b"1", b"3"]


def test_a_full_stream_counts_as_no_attempt(nats_place: NatsPlace) -> None:
    nats_place.topic += "-full"
    nats_place.declare(nats_place.topic, max_msgs=2, discard="new")
    batch = make_batch(b"1", b"2", b"3", b"4")
    answer = nats_place.relay()(batch)
    assert isinstance(answer, Retry)
    assert not answer.counts
    assert batch.processed == 2


def test_a_header_may_hold_any_text(nats_place: NatsPlace) -> None:
    relay = nats_place.relay(route=lambda _: Route(headers={"name": "Zoë\n%"}))
    assert relay(make_batch(b"1")) is None
    assert nats_place.arrivals()[0].headers["name"] == "Zo%C3%AB%0A%25"
