"""A worker with short commands, for tests of single operations."""

from __future__ import annotations

from typing import Any

from outbox.backends.protocol import Backend
from outbox.backends.records import Delivery, LeaseRequest, LeaseResult, Refusal, Settlement, SettleResult
from tests.contract.producer import Producer
from tests.support import Database

MANY_BYTES = 1 << 24


class Actor:
    """Sends, sequences, leases and settles, with defaults that tests override where it matters."""

    def __init__(self, store: Backend, database: Database, producer: Producer) -> None:
        self.store = store
        self.database = database
        self.producer = producer

    def deliverable(self, partition_id: int, *payloads: bytes) -> list[int]:
        """Send messages and sequence them; return their ids."""
        sent = self.producer.send(partition_id, *payloads)
        self.store.sequence([partition_id], 1000)
        return sent

    def lease(self, *partition_ids: int, limit: int = 10, **options: Any) -> LeaseResult:
        """Lease partitions for token ``mine``, alone when it is one."""
        settings: dict[str, Any] = {
            "token": "mine",
            "lease": 30.0,
            "max_bytes": MANY_BYTES,
            "one_if_failed": False,
            "solo": len(partition_ids) == 1,
        }
        requests = [LeaseRequest(partition_id, limit) for partition_id in partition_ids]
        return self.store.lease_and_read(requests, **{**settings, **options})

    def take(self, partition_id: int, **options: Any) -> Delivery:
        """Lease one partition, which must be free and have messages."""
        taken = self.lease(partition_id, **options)
        assert taken.refusals == []
        (delivery,) = taken.deliveries
        return delivery

    def refusal(self, partition_id: int, **options: Any) -> Refusal:
        """Fail to lease one partition."""
        taken = self.lease(partition_id, **options)
        assert taken.deliveries == []
        (refusal,) = taken.refusals
        return refusal

    def settle(
        self, *settlements: Settlement, token: str = "mine", lease: float = 30.0, max_bytes: int = MANY_BYTES
    ) -> SettleResult:
        return self.store.settle_and_read(settlements, token=token, lease=lease, max_bytes=max_bytes)

    def expire(self, partition_id: int) -> None:
        """Let a lease or backoff have ended long ago."""
        self.database.execute(
            "UPDATE outbox_processor SET locked_until = ? WHERE partition_id = ?",
            self.database.long_ago,
            partition_id,
        )

    def row(self, partition_id: int) -> tuple[int, int, str | None, str | None, bool]:
        """Return cursor, attempts, last error, lease token, and whether a time is set."""
        ((cursor, attempts, error, token, is_set),) = self.database.query(
            "SELECT processed_seq, attempts, last_error, locked_by, locked_until IS NOT NULL "
            "FROM outbox_processor WHERE partition_id = ?",
            partition_id,
        )
        return cursor, attempts, error, token, bool(is_set)

    def dead(self) -> list[tuple[int, str, int]]:
        """Return seq, reason and attempts of the dead letters, oldest first."""
        return [
            (seq, reason, attempts)
            for seq, reason, attempts in self.database.query(
                "SELECT seq, last_error, attempts FROM outbox_dead_letters ORDER BY id"
            )
        ]


def payloads(delivery: Delivery) -> list[bytes | None]:
    """Return the payloads of a delivery in order."""
    return [message.payload for message in delivery.messages]
