"""What is particular to Redis."""

from __future__ import annotations

import redis

from outbox import Retry
from tests.contrib.relays.batches import make_batch
from tests.contrib.relays.places.redis import RedisPlace


def test_what_was_sent_twice_is_in_the_stream_once(redis_place: RedisPlace) -> None:
    relay = redis_place.relay()
    assert relay(make_batch(b"1", b"2")) is None
    again = make_batch(b"1", b"2", b"3")
    assert relay(again) is None
    assert again.processed == 3
    assert redis_place.bodies() == [b"1", b"2", b"3"]


def test_a_stream_of_something_else_is_refused_and_nothing_is_taken_for_a_duplicate(
    redis_place: RedisPlace,
) -> None:
    with redis.Redis.from_url(redis_place.broker.url) as client:
        client.xadd(f"{redis_place.topic}:3", {"body": "not ours"}, id="999999-0")
    batch = make_batch(b"1")
    answer = redis_place.relay()(batch)
    assert isinstance(answer, Retry)
    assert answer.counts
    assert "another" in answer.reason
    assert batch.processed == 0


def test_a_redis_without_memory_counts_as_no_attempt_and_skips_nothing(redis_place: RedisPlace) -> None:
    relay = redis_place.relay()
    with redis.Redis.from_url(redis_place.broker.url) as client:
        client.config_set("maxmemory", "1")
        try:
            batch = make_batch(b"1", b"2")
            answer = relay(batch)
        finally:
            client.config_set("maxmemory", "0")
    assert isinstance(answer, Retry)
    assert not answer.counts
    assert batch.processed == 0
    assert relay(make_batch(b"1", b"2")) is None
    assert redis_place.bodies() == [b"1", b"2"]


def test_a_stream_is_trimmed_to_about_its_maximum(redis_place: RedisPlace) -> None:
    relay = redis_place.relay(maxlen=100)
    assert relay(make_batch(*(b"%d" % number for number in range(1000)))) is None
    assert 100 <= len(redis_place.bodies()) < 400
