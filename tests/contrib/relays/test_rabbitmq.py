"""What is particular to RabbitMQ."""

from __future__ import annotations

from outbox import Retry
from outbox.contrib.relays import RabbitmqRelay, Route
from outbox.values.message import OutboxMessage
from tests.contrib.relays.batches import make_batch
from tests.contrib.relays.places.rabbitmq import RabbitmqPlace


def by_body(message: OutboxMessage) -> Route:
    return Route(key=message.payload.decode())


def test_a_message_that_no_queue_takes_is_not_done_and_counts(rabbitmq_place: RabbitmqPlace) -> None:
    batch = make_batch(b"1", b"2")
    answer = rabbitmq_place.relay_to("nowhere")(batch)
    assert isinstance(answer, Retry)
    assert answer.counts
    assert "NO_ROUTE" in answer.reason
    assert batch.processed == 0


def test_one_unroutable_message_among_others_stops_the_call_there(rabbitmq_place: RabbitmqPlace) -> None:
    def route(message: OutboxMessage) -> Route:
        topic = "nowhere" if message.payload == b"2" else rabbitmq_place.topic
        return Route(topic=topic, key=message.payload.decode())

    batch = make_batch(b"1", b"2", b"3")
    answer = rabbitmq_place.relay(route=route)(batch)
    assert isinstance(answer, Retry)
    assert batch.processed == 1


def test_an_exchange_that_does_not_exist_counts_as_an_attempt(rabbitmq_place: RabbitmqPlace) -> None:
    relay = RabbitmqRelay(rabbitmq_place.broker.url, exchange="nowhere")
    answer = relay(make_batch(b"1"))
    relay.close()
    assert isinstance(answer, Retry)
    assert answer.counts
    assert "no exchange 'nowhere'" in answer.reason


def test_a_full_queue_lets_no_message_of_a_key_overtake_another(rabbitmq_place: RabbitmqPlace) -> None:
    name = rabbitmq_place.topic = f"{rabbitmq_place.topic}-full"
    rabbitmq_place.declare(name, {"x-max-length": 5, "x-overflow": "reject-publish"})
    relay = rabbitmq_place.relay()
    batch = make_batch(*(b"%d" % number for number in range(1, 12)))
    bodies: list[bytes] = []
    for _ in range(3):
        answer = relay(batch)
        if answer is None:
            break
        assert not answer.counts
        assert "nack" in answer.reason
        bodies = rabbitmq_place.bodies()  # makes room
    assert batch.processed == 11
    assert bodies[:5] == [b"1", b"2", b"3", b"4", b"5"]
    assert rabbitmq_place.bodies() == [b"%d" % number for number in range(1, 12)]


def test_a_broker_that_blocks_publishers_is_left_at_once_and_counts_as_no_attempt(
    rabbitmq_place: RabbitmqPlace,
) -> None:
    relay = rabbitmq_place.relay(timeout=15)
    rabbitmq_place.broker.control("set_vm_memory_high_watermark", "0.000001")
    try:
        answer = relay(make_batch(b"1", b"2"))
    finally:
        rabbitmq_place.broker.control("set_vm_memory_high_watermark", "0.4")
    assert isinstance(answer, Retry)
    assert not answer.counts
    again = make_batch(b"1", b"2")
    assert relay(again) is None
    assert again.processed == 2


def test_keys_side_by_side_are_sent_in_one_wave(rabbitmq_place: RabbitmqPlace) -> None:
    batch = make_batch(*(b"%d" % number for number in range(50)))
    assert rabbitmq_place.relay(route=by_body)(batch) is None
    assert sorted(rabbitmq_place.bodies(), key=int) == [b"%d" % number for number in range(50)]


def test_a_connection_that_the_broker_closed_meanwhile_is_replaced_without_a_retry(
    rabbitmq_place: RabbitmqPlace,
) -> None:
    relay = rabbitmq_place.relay()
    assert relay(make_batch(b"1")) is None
    rabbitmq_place.broker.control("close_all_connections", "spring cleaning")
    assert relay(make_batch(b"2", first=2)) is None
    assert rabbitmq_place.bodies() == [b"1", b"2"]


def test_a_routing_key_that_amqp_cannot_carry_goes_to_the_dead_letters(rabbitmq_place: RabbitmqPlace) -> None:
    def route(message: OutboxMessage) -> Route:
        return Route(topic="x" * 300 if message.payload == b"2" else None)

    batch = make_batch(b"1", b"2", b"3")
    assert rabbitmq_place.relay(route=route)(batch) is None
    assert [position for position, _ in batch.rejected] == [1]
    assert rabbitmq_place.bodies() == [b"1", b"3"]
