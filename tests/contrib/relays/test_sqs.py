"""What is particular to SQS and SNS."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from outbox import Retry
from outbox.contrib.relays import Relay, Route
from outbox.contrib.relays.aws_entries import MORE_HEADERS
from outbox.values.message import OutboxMessage
from tests.contrib.relays.amazon import QUEUE, Amazon
from tests.contrib.relays.batches import make_batch
from tests.contrib.relays.places import Place
from tests.contrib.relays.places.sqs import SnsPlace, SqsPlace

MIB = 1024 * 1024


@pytest.fixture(params=["sqs", "sns"])
def aws_place(request: pytest.FixtureRequest) -> Place:
    place: Place = request.getfixturevalue(f"{request.param}_place")
    return place


@pytest.fixture
def amazon() -> Iterator[Amazon]:
    amazon = Amazon()
    yield amazon
    amazon.close()


@pytest.fixture
def relay(amazon: Amazon) -> Iterator[Relay]:
    relay = SqsPlace.new_relay(amazon.url, QUEUE)
    yield relay
    relay.close()


def test_what_was_sent_twice_is_in_the_queue_once(aws_place: Place) -> None:
    relay = aws_place.relay()
    assert relay(make_batch(b"1", b"2")) is None
    again = make_batch(b"1", b"2", b"3")
    assert relay(again) is None
    assert again.processed == 3
    assert aws_place.bodies() == [b"1", b"2", b"3"]


def test_what_is_too_large_goes_to_the_dead_letters_and_the_rest_goes_on(aws_place: Place) -> None:
    batch = make_batch(b"1", b"x" * (MIB + 1), b"3", keys=("a", "b", "c"))
    assert aws_place.relay(timeout=20)(batch) is None
    assert batch.processed == 3
    assert aws_place.bodies() == [b"1", b"3"]


def test_what_no_text_can_be_goes_as_base64_and_what_is_empty_to_the_dead_letters(aws_place: Place) -> None:
    batch = make_batch(
        b"\xff\x00", b"", "Zoë \N{PARTY POPPER}".encode(), b"\x00", keys=("a", "b ö", "x" * 300)
    )
    assert aws_place.relay()(batch) is None
    assert aws_place.bodies() == [b"\xff\x00", "Zoë \N{PARTY POPPER}".encode(), b"\x00"]


def test_headers_that_are_no_attributes_arrive_together_in_one(aws_place: Place) -> None:
    headers = {f"h{number}": str(number) for number in range(12)} | {"empty": "", "aws.x": "y"}
    assert aws_place.relay(route=lambda _: Route(headers=headers))(make_batch(b"1")) is None
    (arrival,) = aws_place.arrivals()
    assert len(arrival.headers) == 10
    assert arrival.seq == 1
    assert '"empty": ""' in arrival.headers[MORE_HEADERS]
    assert '"aws.x": "y"' in arrival.headers[MORE_HEADERS]


def test_a_queue_that_does_not_exist_counts_as_an_attempt(aws_place: Place) -> None:
    batch = make_batch(b"1")
    answer = aws_place.relay_to("nowhere")(batch)
    assert isinstance(answer, Retry)
    assert answer.counts
    assert batch.processed == 0


def test_a_call_has_one_message_of_each_key(amazon: Amazon, relay: Relay) -> None:
    assert relay(make_batch(*(b"%d" % n for n in range(6)), keys=("a", "b", "c"))) is None
    assert amazon.calls == [["0", "1", "2"], ["3", "4", "5"]]


def test_nothing_follows_a_message_that_failed_in_a_call_that_succeeded(amazon: Amazon, relay: Relay) -> None:
    amazon.failing["1"] = "InternalError"
    batch = make_batch(*(b"%d" % n for n in range(6)), keys=("a", "b", "c"))
    answer = relay(batch)
    assert isinstance(answer, Retry)
    assert batch.processed == 1
    assert amazon.calls == [["0", "1", "2"]]


@pytest.mark.parametrize(
    ("status", "code", "counts"),
    [
        (400, "RequestThrottled", False),
        (503, "Whatever", False),
        (403, "ExpiredToken", False),
        (400, "QueueDoesNotExist", True),
    ],
)
def test_only_what_is_no_matter_of_the_service_counts_as_an_attempt(
    amazon: Amazon, relay: Relay, status: int, code: str, counts: bool
) -> None:
    amazon.error = status, code
    answer = relay(make_batch(b"1"))
    assert isinstance(answer, Retry)
    assert answer.counts is counts
    assert code in (answer.reason or "")


def test_a_topic_and_its_route_give_what_the_queue_would_get(sns_place: SnsPlace) -> None:
    def route(message: OutboxMessage) -> Route:
        return Route(key=message.payload.decode())

    assert sns_place.relay(route=route)(make_batch(*(b"%d" % n for n in range(12)))) is None
    assert [arrival.key for arrival in sns_place.arrivals()] == [str(n) for n in range(12)]
