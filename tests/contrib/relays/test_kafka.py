"""What is particular to Kafka."""

from __future__ import annotations

import logging

import pytest

from outbox import ConfigurationError
from outbox.contrib.relays import CloudEvents, KafkaRelay, Route
from tests.contrib.relays.batches import make_batch
from tests.contrib.relays.places.kafka import KafkaPlace

# Of twelve partitions the one that Kafka's Java client 4.3.1 picks, printed by its own class Utils.
JAVA = {"a": 4, "Anna": 2, "customer-42": 9, "Zoë": 10, "": 9}


@pytest.mark.parametrize("key", JAVA)
def test_a_key_goes_to_the_partition_of_a_java_producer(kafka_place: KafkaPlace, key: str) -> None:
    topic = f"{kafka_place.topic}-many"
    kafka_place.declare(topic, partitions=12)
    relay = KafkaRelay(kafka_place.broker.url, topic=topic, route=lambda _: Route(key=key))
    assert relay(make_batch(b"x")) is None
    relay.close()
    (arrival,) = kafka_place.read_partition(topic, JAVA[key])
    assert arrival.key == key


def test_a_message_that_the_broker_finds_too_large_goes_to_the_dead_letters_and_the_rest_in_order(
    kafka_place: KafkaPlace,
) -> None:
    kafka_place.topic += "-small"
    kafka_place.declare(kafka_place.topic, settings={"max.message.bytes": "2000"})
    relay = kafka_place.relay()
    # Together they are more than the broker takes in one batch of records; only one is to blame.
    bodies = [b"1" * 900, b"2" * 900, b"3" * 5000, b"4" * 900, b"5" * 900]
    batch = make_batch(*bodies)
    assert relay(batch) is None
    assert batch.processed == 5
    ((position, reason),) = batch.rejected
    assert position == 2
    assert "too large" in reason
    assert kafka_place.bodies() == [bodies[0], bodies[1], bodies[3], bodies[4]]


def test_a_message_that_the_client_finds_too_large_goes_to_the_dead_letters(kafka_place: KafkaPlace) -> None:
    batch = make_batch(b"1", b"x" * 1_100_000, b"3")
    assert kafka_place.relay()(batch) is None
    assert [position for position, _ in batch.rejected] == [1]
    assert kafka_place.bodies() == [b"1", b"3"]


def test_a_queue_of_the_client_that_is_full_delays_and_overtakes_nothing(kafka_place: KafkaPlace) -> None:
    config = {"bootstrap.servers": kafka_place.broker.address, "queue.buffering.max.messages": 5}
    relay = KafkaRelay(config, topic=kafka_place.topic)
    bodies = [b"%d" % number for number in range(60)]
    assert relay(make_batch(*bodies)) is None
    relay.close()
    assert kafka_place.bodies() == bodies


def test_a_message_says_its_content_type(kafka_place: KafkaPlace) -> None:
    assert kafka_place.relay(envelope=CloudEvents("/shop", structured=True))(make_batch(b"1")) is None
    assert kafka_place.arrivals()[0].headers["content-type"] == "application/cloudevents+json"


def test_a_topic_that_does_not_exist_counts_as_an_attempt(kafka_place: KafkaPlace) -> None:
    batch = make_batch(b"1")
    answer = kafka_place.relay_to("nowhere")(batch)
    assert answer is not None
    assert answer.counts
    assert batch.processed == 0


def test_the_clients_warning_about_its_option_is_not_logged(
    kafka_place: KafkaPlace, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    kafka_place.relay()(make_batch(b"1"))
    assert "experimental" not in caplog.text


@pytest.mark.parametrize("option", ["enable.idempotence", "message.timeout.ms"])
def test_options_that_the_order_rests_on_are_refused(option: str) -> None:
    with pytest.raises(ConfigurationError, match=option):
        KafkaRelay({"bootstrap.servers": "localhost", option: False})


def test_an_address_is_needed() -> None:
    with pytest.raises(ConfigurationError, match=r"bootstrap\.servers"):
        KafkaRelay({})
