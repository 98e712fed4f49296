"""The brokers, started when the first test asks for one, and a new topic on each for every test.

``place`` runs a test on every broker; ``rabbitmq_place`` and its like on one. ``place.broker`` may be stopped, killed,
paused and started by a test: it is started again before the next one.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contrib.relays.places import Place
from tests.contrib.relays.places.kafka import KafkaPlace
from tests.contrib.relays.places.kinds import KINDS
from tests.contrib.relays.places.nats import NatsPlace
from tests.contrib.relays.places.rabbitmq import RabbitmqPlace
from tests.contrib.relays.places.redis import RedisPlace
from tests.contrib.relays.places.sqs import SnsPlace, SqsPlace
from tests.servers.brokers.brokers import Brokers


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a broker: one process runs these tests, apart from the others."""
    for item in items:
        if "brokers" in getattr(item, "fixturenames", ()):
            item.add_marker("broker")


@pytest.fixture(scope="session")
def brokers() -> Iterator[Brokers]:
    brokers = Brokers()
    yield brokers
    brokers.close()


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, brokers: Brokers) -> Iterator[Place]:
    yield from place_on(request.param, brokers)


@pytest.fixture
def rabbitmq_place(brokers: Brokers) -> Iterator[RabbitmqPlace]:
    yield from place_on("rabbitmq", brokers)  # type: ignore[misc]


@pytest.fixture
def kafka_place(brokers: Brokers) -> Iterator[KafkaPlace]:
    yield from place_on("kafka", brokers)  # type: ignore[misc]


@pytest.fixture
def redis_place(brokers: Brokers) -> Iterator[RedisPlace]:
    yield from place_on("redis", brokers)  # type: ignore[misc]


@pytest.fixture
def nats_place(brokers: Brokers) -> Iterator[NatsPlace]:
    yield from place_on("nats", brokers)  # type: ignore[misc]


@pytest.fixture
def sqs_place(brokers: Brokers) -> Iterator[SqsPlace]:
    yield from place_on("sqs", brokers)  # type: ignore[misc]


@pytest.fixture
def sns_place(brokers: Brokers) -> Iterator[SnsPlace]:
    yield from place_on("sns", brokers)  # type: ignore[misc]


def place_on(kind: str, brokers: Brokers) -> Iterator[Place]:
    """Yield a new topic on the broker of this kind."""
    place = KINDS[kind](brokers.get(KINDS[kind].server or kind))
    yield place
    place.close()
