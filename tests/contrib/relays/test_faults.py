"""Nothing is lost, nothing overtakes within a key, and duplicates stand next to a fault."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from outbox import Outbox
from tests.acceptance.bench import all_delivered
from tests.contrib.relays.conftest import place_on
from tests.contrib.relays.history import check_history
from tests.contrib.relays.places import Place
from tests.contrib.relays.places.kinds import KINDS
from tests.contrib.relays.worker import PARTITIONS, QUEUE, run_worker
from tests.servers.brokers.brokers import Brokers
from tests.support import Database, Spawn, eventually

pytestmark = [pytest.mark.mp, pytest.mark.slow, pytest.mark.backends("sqlite")]

KEYS = 8


@pytest.fixture(params=[kind for kind in KINDS if kind != "sns"])  # a topic is sent to as a queue of SQS is
def place(request: pytest.FixtureRequest, brokers: Brokers) -> Iterator[Place]:
    yield from place_on(request.param, brokers)


@pytest.fixture
def producer(migrated: Database) -> Outbox:
    return Outbox.builder(migrated.url).queue(QUEUE, PARTITIONS).enqueue_only().open()


def send(producer: Outbox, count: int, first: int = 1) -> None:
    """Commit ``count`` messages, ten to a transaction, over the keys in turn."""
    numbers = range(first - 1, first - 1 + count)
    for start in range(0, count, 10):
        with producer.transaction() as conn:
            for number in numbers[start : start + 10]:
                key = f"key{number % KEYS}"
                producer.enqueue(conn, QUEUE, f"{key}:{number // KEYS + 1}".encode(), key=key)


def test_a_broker_that_stands_still_for_longer_than_the_lease_gets_everything_in_order(
    place: Place, migrated: Database, producer: Outbox, spawn: Spawn
) -> None:
    send(producer, place.messages)
    arguments = (migrated.url, (place.kind, place.broker.url, place.topic), 2.0, 0)
    spawn(run_worker, *arguments).wait_for_line("started", timeout=60)
    eventually(lambda: migrated.value("SELECT max(processed_seq) FROM outbox_processor") > 0, timeout=60)
    place.broker.pause()
    time.sleep(3)  # the fact to wait for is that the lease has ended
    place.broker.resume()
    finish(producer, place)
    check_history(place.arrivals(), messages=place.messages, keys=KEYS, faults=2)
    assert migrated.count("outbox_dead_letters") == 0


def finish(producer: Outbox, place: Place) -> None:
    eventually(lambda: all_delivered(producer), timeout=90)
    producer.close()
    assert place.arrivals()


def test_workers_that_die_between_confirm_and_acknowledgement_lose_nothing(
    place: Place, migrated: Database, producer: Outbox, spawn: Spawn
) -> None:
    send(producer, place.messages)
    arguments = (migrated.url, (place.kind, place.broker.url, place.topic), 2.0)
    deaths = 2
    for number in range(deaths):
        assert spawn(run_worker, *arguments, number + 1).wait(60) == -9
    spawn(run_worker, *arguments, 0).wait_for_line("started", timeout=60)
    finish(producer, place)
    check_history(place.arrivals(), messages=place.messages, keys=KEYS, faults=deaths)
    assert migrated.count("outbox_dead_letters") == 0


def test_a_broker_that_is_killed_and_comes_back_gets_everything_in_order(
    place: Place, migrated: Database, producer: Outbox, spawn: Spawn
) -> None:
    send(producer, place.messages // 2)
    arguments = (migrated.url, (place.kind, place.broker.url, place.topic), 10.0, 0)
    spawn(run_worker, *arguments).wait_for_line("started", timeout=60)
    eventually(lambda: migrated.value("SELECT max(processed_seq) FROM outbox_processor") > 0, timeout=60)
    place.broker.kill()
    send(producer, place.messages // 2, first=place.messages // 2 + 1)
    place.broker.start()
    finish(producer, place)
    check_history(place.arrivals(), messages=place.messages, keys=KEYS, faults=1)
    assert migrated.count("outbox_dead_letters") == 0
