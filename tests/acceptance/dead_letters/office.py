"""The dead letter office: a queue whose handler rejects everything, and ways to put letters by."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from outbox import DeadLetter, DeadLetterFilter, DeadLetterStatus, Reject
from tests.acceptance.bench import QUEUE, Bench

NOON = datetime(2026, 11, 20, 12, tzinfo=timezone.utc)
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
COLUMNS = "message_id, partition_id, seq, payload, payload_type, created_at, failed_at, last_error, attempts"


class Office:
    """Letters of the queue ``orders``, by delivery or by hand."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.database = bench.database
        self.outbox = bench.producer
        self.letters = bench.producer.dead_letters

    def fail(self, *payloads: object, partition: int = 0) -> list[DeadLetter]:
        """Send messages and let their handler reject them; return the letters, oldest first."""
        hands = self.bench.by_hand(lambda queue: queue.leased(lambda msg: Reject("no good")))
        self.bench.send(*payloads, partition=partition)
        hands.work()
        return self.letters.list(DeadLetterFilter(limit=len(payloads)))[::-1]

    def put(
        self,
        *payloads: bytes,
        partition_id: int | None = None,
        payload_type: str = "text/plain",
        failed_at: datetime = NOON,
    ) -> list[int]:
        """Write pending letters straight into the table; return their ids."""
        for seq, payload in enumerate(payloads, 1):
            self.database.execute(
                f"INSERT INTO outbox_dead_letters ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                seq,
                partition_id or self.bench.ids[0],
                seq,
                payload,
                payload_type,
                self._time(failed_at - timedelta(hours=1)),
                self._time(failed_at),
                "no good",
                1,
            )
        rows = self.database.query("SELECT id FROM outbox_dead_letters ORDER BY id")
        return [id_ for (id_,) in rows][-len(payloads) :]

    def put_many(self, doublings: int) -> int:
        """Multiply what is there, and return how many there are."""
        for _ in range(doublings):
            self.database.execute(
                f"INSERT INTO outbox_dead_letters ({COLUMNS}) SELECT {COLUMNS} FROM outbox_dead_letters"
            )
        return self.database.count("outbox_dead_letters")

    def every_status(self) -> dict[DeadLetterStatus, int]:
        """Put one letter of each status by; return their ids."""
        pending, claimed, resolved, discarded = self.put(b"p", b"c", b"r", b"d")
        self._set(
            claimed, "status = 'reprocessing', claim = 'somebody', deadline = ?", NOON.replace(year=2036)
        )
        self._set(resolved, "status = 'resolved', completed_at = ?", NOON)
        self._set(discarded, "status = 'discarded', completed_at = ?", NOON)
        return dict(zip(DeadLetterStatus, (pending, claimed, resolved, discarded), strict=True))

    def end_claims(self) -> None:
        """Let every deadline be over."""
        self.database.execute("UPDATE outbox_dead_letters SET deadline = failed_at WHERE claim IS NOT NULL")

    def states(self) -> dict[int, str]:
        """Return the status of each letter by id, as the table has it."""
        return dict(self.database.query("SELECT id, status FROM outbox_dead_letters ORDER BY id"))

    def _set(self, id_: int, assignments: str, moment: datetime) -> None:
        self.database.execute(
            f"UPDATE outbox_dead_letters SET {assignments} WHERE id = ?", self._time(moment), id_
        )

    def _time(self, moment: datetime) -> object:
        if self.database.backend == "sqlite":
            return (moment - EPOCH) // timedelta(microseconds=1)
        return moment if self.database.backend == "postgresql" else moment.replace(tzinfo=None)


def ids_of(letters: list[DeadLetter]) -> list[int]:
    return [letter.id for letter in letters]


__all__ = ["NOON", "QUEUE", "Office", "ids_of"]
