"""All operations at once, on several connections."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable

import pytest

from outbox.backends.protocol import Backend
from outbox.backends.records import Delivery, LeaseRequest, Refusal, Settlement
from tests.contract.actor import MANY_BYTES
from tests.contract.crew import Crew
from tests.contract.producer import Producer
from tests.support import Database

PRODUCERS = 3
ROUNDS = 40


class Run:
    """Producers, sequencers, workers and a vacuum until everything is delivered."""

    def __init__(self, store: Backend, database: Database, ids: list[int]) -> None:
        self.store = store
        self.database = database
        self.ids = ids
        self.sent: dict[int, list[int]] = defaultdict(list)
        self.handed: dict[int, list[tuple[int, int]]] = defaultdict(list)
        self.crew = Crew()
        self._producing = PRODUCERS
        self._lock = threading.Lock()

    def produce(self) -> None:
        producer = Producer(self.database)
        for n in range(ROUNDS):
            batch = [(partition_id, producer.put(partition_id)) for partition_id in self.ids[n % 2 :: 2]]
            producer.commit()
            with self._lock:
                for partition_id, message_id in batch:
                    self.sent[partition_id].append(message_id)
        producer.close()
        with self._lock:
            self._producing -= 1

    def busy(self) -> bool:
        return self.crew.going() and bool(self._producing or self.store.pending(self.ids))

    def sequence(self) -> None:
        while self.busy():
            self.store.sequence(self.ids, 7)

    def vacuum(self) -> None:
        while self.busy():
            self.store.vacuum(self.ids, 11)

    def lease(self, token: str) -> None:
        while self.busy():
            requests = [LeaseRequest(partition_id, 5) for partition_id in self.ids]
            found = self.store.lease_and_read(
                requests, token=token, lease=60.0, max_bytes=MANY_BYTES, one_if_failed=False, solo=False
            ).deliveries
            while found:
                settlements = [self._handed_over(delivery, next_limit=5) for delivery in found]
                found = self.store.settle_and_read(
                    settlements, token=token, lease=60.0, max_bytes=MANY_BYTES
                ).deliveries

    def transact(self) -> None:
        while self.busy():
            for partition_id in self.ids:
                request = LeaseRequest(partition_id, 5)
                with self.store.transactional_turn(
                    request, max_bytes=MANY_BYTES, one_if_failed=False
                ) as turn:
                    if not isinstance(turn, Refusal):
                        turn.settle(self._handed_over(turn.delivery, next_limit=0))

    def _handed_over(self, delivery: Delivery, *, next_limit: int) -> Settlement:
        seen = self.handed[delivery.partition_id]
        seen.extend((message.seq, message.message_id) for message in delivery.messages)
        return Settlement(delivery.partition_id, delivery.messages[-1].seq, next_limit=next_limit)


@pytest.mark.parametrize("mode", ["leased", "transactional"])
def test_everything_at_once_delivers_each_message_once_and_in_order(
    store: Backend, migrated: Database, ids: list[int], mode: str
) -> None:
    run = Run(store, migrated, ids)
    workers: list[Callable[[], None]] = [run.transact, run.transact]
    if mode == "leased":
        workers = [lambda: run.lease("one"), lambda: run.lease("two")]

    run.crew.run(*[run.produce] * PRODUCERS, run.sequence, run.sequence, *workers, run.vacuum)

    for partition_id in ids:
        assert [seq for seq, _ in run.handed[partition_id]] == list(range(1, len(run.sent[partition_id]) + 1))
        assert sorted(message for _, message in run.handed[partition_id]) == sorted(run.sent[partition_id])
    for table in ("outbox_incoming", "outbox_outgoing", "outbox_body", "outbox_dead_letters"):
        assert migrated.count(table) == 0
