"""Acks that get through although connections break."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import count

from outbox.backends.protocol import Backend
from outbox.backends.records import Settlement, SettleResult
from outbox.clock import Clock, monotonic
from outbox.errors import ConnectionLost, StatementTimeout
from outbox.workers.turn import Turn

# The first connection may have been cut, and so may the next of the pool; a third failure is an outage.
TRIES = 3


class Acks:
    """Settles batches, again on a new connection if the first one broke. Thread-safe."""

    def __init__(self, backend: Backend, *, clock: Clock = monotonic) -> None:
        self._backend = backend
        self._clock = clock

    def send(self, turn: Turn, settlements: Sequence[Settlement], *, max_bytes: int) -> SettleResult:
        """Settle and read on; raises `ConnectionLost` when three connections broke, or time is up.

        One that the server ends for taking too long is sent once more, and then reads nothing on.
        The statement does nothing twice. A sending that was carried out and whose answer got lost counts
        as the success it was.
        """
        for attempt in count(1):
            try:
                answer = self._backend.settle_and_read(
                    settlements, token=turn.token, lease=turn.consumer.lease.duration, max_bytes=max_bytes
                )
                return answer if attempt == 1 else self._recognise(turn, settlements, answer)
            except StatementTimeout:
                if not any(settlement.next_limit for settlement in settlements):
                    raise
                settlements = [replace(settlement, next_limit=0) for settlement in settlements]
            except ConnectionLost:
                if attempt >= TRIES or turn.out_of_time:
                    raise
        raise AssertionError  # count() has no end

    def _recognise(self, turn: Turn, settlements: Sequence[Settlement], answer: SettleResult) -> SettleResult:
        """Tell partitions that the first sending released from those that were lost.

        Neither is under our token any more. But before a lease has run out only its owner can
        end it, so it was the owner who did, with the cursor as the witness that the server which
        answers now is the one that carried it out.
        """
        now = self._clock()
        doubtful = [key for key in answer.lost if turn.surely_leased(key, now)]
        if not doubtful:
            return answer
        cursors = dict(
            self._backend.query("cursors", partition_ids=self._backend.catalog.dialect.integers(doubtful))
        )
        wanted = {settlement.partition_id: settlement.cursor for settlement in settlements}
        ours = [key for key in doubtful if cursors.get(key, -1) >= wanted[key]]
        return replace(
            answer,
            released=[*answer.released, *ours],
            lost=[key for key in answer.lost if key not in ours],
        )
