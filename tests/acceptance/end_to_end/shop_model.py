"""What should have happened to every message, kept beside what does."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from outbox import OutboxMessage, Reject, Retry

PARTITIONS = 2


@dataclass
class Sent:
    """A message and its script: what its handler answers, delivery after delivery, then success."""

    message_id: int
    partition: int
    script: list[str]
    sent_at: int
    committed_at: int | None = None


@dataclass
class ShopModel:
    """Ticks order sends and commits; deliveries are noted as they come."""

    tick: int = 0
    sent: dict[int, Sent] = field(default_factory=dict)
    finished: dict[int, list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))
    """Per partition: (seq, message id) in the order in which messages were finished."""
    faults: list[str] = field(default_factory=list)
    """Deliveries that should not have been."""

    def send(self, message_id: int, partition: int, script: list[str]) -> None:
        self.tick += 1
        self.sent[message_id] = Sent(message_id, partition, script, self.tick)

    def commit(self, ids: list[int]) -> None:
        self.tick += 1
        for message_id in ids:
            self.sent[message_id].committed_at = self.tick

    def forget(self, ids: list[int]) -> None:
        for message_id in ids:
            del self.sent[message_id]

    def handle(self, msg: OutboxMessage) -> Retry | Reject | None:
        """The handler: plays the message's script."""
        message = self.sent.get(msg.id)
        if message is None:
            self.faults.append(f"message {msg.id} was delivered, but never committed")
            return None
        if message.committed_at is None:
            self.faults.append(f"message {msg.id} was delivered before its commit")
        if message.partition != msg.partition:
            self.faults.append(f"message {msg.id} was delivered in partition {msg.partition}")
        step = message.script.pop(0) if message.script else "done"
        if step == "retry":
            return Retry("later")
        if step == "raise":
            raise ValueError("broken")
        self.finished[msg.partition].append((msg.seq, msg.id))
        return Reject("never") if step == "reject" else None

    def committed(self) -> set[int]:
        return {message.message_id for message in self.sent.values() if message.committed_at is not None}

    def check_progress(self) -> None:
        """What holds at any time: finished in order, without gaps, once each."""
        assert self.faults == []
        for order in self.finished.values():
            assert [seq for seq, _ in order] == list(range(1, len(order) + 1))
        ids = [message_id for order in self.finished.values() for _, message_id in order]
        assert len(ids) == len(set(ids))

    def check_complete(self) -> None:
        """What holds when nothing is left: everything is finished, in an order that commits allow."""
        self.check_progress()
        assert {message_id for order in self.finished.values() for _, message_id in order} == self.committed()
        for order in self.finished.values():
            self._check_commit_order([self.sent[message_id] for _, message_id in order])

    def _check_commit_order(self, order: list[Sent]) -> None:
        for position, later in enumerate(order):
            for earlier in order[:position]:
                # Overlapping transactions have no order between them; one after the other they have,
                # and so have the messages of one transaction.
                assert later.committed_at is not None
                assert not later.committed_at < earlier.sent_at
                if later.committed_at == earlier.committed_at:
                    assert earlier.sent_at < later.sent_at
