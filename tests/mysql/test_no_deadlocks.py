"""All kinds of workers at once never get in each other's way."""

from __future__ import annotations

import random
import threading
from collections import defaultdict
from collections.abc import Sequence

import pytest

from outbox.backends.mysql import errors
from outbox.backends.protocol import Backend
from outbox.backends.records import (
    DeadLetterRecord,
    Delivery,
    LeaseRequest,
    Refusal,
    Settlement,
    StoredMessage,
)
from outbox.errors import DatabaseError
from tests.contract.actor import MANY_BYTES
from tests.contract.crew import Crew
from tests.contract.producer import Producer
from tests.mysql.conftest import Opener
from tests.support import Database

pytestmark = pytest.mark.backends("mysql", "mariadb")

PRODUCERS = 3
TRANSACTIONS = 60


class Traffic:
    """Three producers, some transactions rolled back, and two of every worker on twelve partitions."""

    def __init__(self, store: Backend, database: Database) -> None:
        self.store = store
        self.database = database
        self.leased = store.register_queue("leased", 8)
        self.transactional = store.register_queue("transactional", 4)
        self.ids = self.leased + self.transactional
        self.crew = Crew()
        self.sent: dict[int, list[int]] = defaultdict(list)
        self.handled: dict[int, list[tuple[int, int]]] = defaultdict(list)
        self._lock = threading.Lock()
        self._producing = PRODUCERS

    def run(self) -> None:
        self.crew.run(
            *[lambda n=n: self.produce(random.Random(n)) for n in range(PRODUCERS)],
            *[self.sequence, self.vacuum] * 2,
            *[lambda n=n: self.lease(random.Random(n), f"worker-{n}") for n in range(2)],
            *[lambda n=n: self.turn(random.Random(n)) for n in range(2)],
        )

    def busy(self) -> bool:
        return self.crew.going() and bool(self._producing or self.store.pending(self.ids))

    def produce(self, rng: random.Random) -> None:
        producer = Producer(self.database)
        for _ in range(TRANSACTIONS):
            batch = [
                (choice, producer.put(choice)) for choice in rng.choices(self.ids, k=rng.choice((1, 1, 5)))
            ]
            if rng.random() < 0.1:
                producer.rollback()
                continue
            producer.commit()
            with self._lock:
                for partition_id, message_id in batch:
                    self.sent[partition_id].append(message_id)
        producer.close()
        with self._lock:
            self._producing -= 1

    def sequence(self) -> None:
        while self.busy():
            self.store.sequence(self.ids, 5)

    def vacuum(self) -> None:
        while self.busy():
            self.store.vacuum(self.ids, 9)

    def lease(self, rng: random.Random, name: str) -> None:
        turns = 0
        while self.busy():
            turns += 1
            token = f"{name}-{turns}"
            requests = [LeaseRequest(choice, 6) for choice in rng.sample(self.leased, rng.choice((1, 4, 8)))]
            found = self.store.lease_and_read(
                requests, token=token, lease=60.0, max_bytes=MANY_BYTES, one_if_failed=False, solo=True
            )
            deliveries = found.deliveries
            while deliveries and self.crew.going():
                settled = self.store.settle_and_read(
                    [self.handle(rng, delivery) for delivery in deliveries],
                    token=token,
                    lease=60.0,
                    max_bytes=MANY_BYTES,
                )
                assert settled.lost == []
                deliveries = settled.deliveries

    def handle(self, rng: random.Random, delivery: Delivery) -> Settlement:
        """Finish all or a prefix of a batch; now and then its last message is dead."""
        messages = delivery.messages
        done = messages[: rng.choice((len(messages), len(messages), len(messages) // 2))]
        self.note(delivery, done)
        dead = (DeadLetterRecord(done[-1].seq, "bad", 1),) if done and rng.random() < 0.2 else ()
        whole = len(done) == len(messages)
        return Settlement(
            delivery.partition_id,
            delivery.cursor + len(done),
            attempts=0 if whole else 1,
            next_limit=6 if whole and rng.random() < 0.7 else 0,
            dead=dead,
        )

    def turn(self, rng: random.Random) -> None:
        while self.busy():
            request = LeaseRequest(rng.choice(self.transactional), 6)
            with self.store.transactional_turn(request, max_bytes=MANY_BYTES, one_if_failed=False) as turn:
                if isinstance(turn, Refusal):
                    continue
                delivery = turn.delivery
                for _ in delivery.messages:
                    turn.savepoint()
                turn.seal()
                turn.settle(Settlement(delivery.partition_id, delivery.cursor + len(delivery.messages)))
            self.note(delivery, delivery.messages)

    def note(self, delivery: Delivery, messages: Sequence[StoredMessage]) -> None:
        with self._lock:
            self.handled[delivery.partition_id] += [(m.seq, m.message_id) for m in messages]


@pytest.mark.parametrize("target", ["url", "engine"])
def test_producers_sequencers_processors_and_vacuums_lose_nothing_and_never_contend(
    migrated: Database, opened: Opener, monkeypatch: pytest.MonkeyPatch, target: str
) -> None:
    seen: list[str] = []

    def spy(error: BaseException) -> type[DatabaseError]:
        seen.append(str(error))
        return original(error)

    original = errors.kind_of
    monkeypatch.setattr(errors, "kind_of", spy)
    engine = migrated.engine(pool_size=16)
    traffic = Traffic(opened(migrated.url if target == "url" else engine, pool_size=16), migrated)
    traffic.run()

    assert seen == []
    for partition_id in traffic.ids:
        handled = sorted(traffic.handled[partition_id])
        assert [seq for seq, _ in handled] == list(range(1, len(handled) + 1))
        assert sorted(message_id for _, message_id in handled) == sorted(traffic.sent[partition_id])
    tables = ("outbox_incoming", "outbox_outgoing", "outbox_body")
    assert [migrated.count(table) for table in tables] == [0, 0, 0]
