"""PostgreSQL: one statement a step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchmarks.bare.script import LEASE, MAX_BYTES, SEQUENCE_LIMIT, TOKEN, VACUUM_LIMIT, Bare
from outbox.statements import Rows


class BarePostgres(Bare):
    """Autocommit, prepared statements, binary results."""

    dialect = "postgresql"

    def run(self, statement: str, **parameters: Any) -> Rows:
        known = self.catalog[statement]
        return known.fetch(self.cursor.execute(known.pyformat, parameters, binary=True))

    def enqueue_one(self, body: bytes) -> None:
        self.run("enqueue_one", partition_id=self._partition(), payload=body, payload_type=TYPE, headers=None)

    def enqueue_many(self, partition_ids: Sequence[int], bodies: Sequence[bytes]) -> None:
        size = len(bodies)
        self.run(
            "enqueue_many",
            partition_ids=array(partition_ids),
            payloads=bodies,
            payload_types=[TYPE] * size,
            headers=[None] * size,
            message_keys=[None] * size,
            uids=[None] * size,
            origins=[None] * size,
        )

    def sequence_once(self) -> int:
        rows = self.run(
            "sequence",
            partition_ids=array(self.ids),
            limit=SEQUENCE_LIMIT,
            channel="",
            origin="",
            durable=False,
            behind="{}",
        )
        return sum(map(rows.getter("moved"), rows))

    def process_group(self, ids: Sequence[int]) -> int:
        rows = self.run(
            "lease_and_read",
            partition_ids=array(ids),
            limits=array([self.limit] * len(ids)),
            solo=False,
            token=TOKEN,
            lease=LEASE,
            one_if_failed=False,
            max_bytes=MAX_BYTES,
        )
        found = [(id_, seq) for id_, seq in map(rows.getter("partition_id", "seq"), rows) if seq is not None]
        handled = 0
        while found:
            handled += len(found)
            found = self._settle(dict(found))
        return handled

    def _settle(self, cursors: dict[int, int]) -> list[tuple[int, int]]:
        """Advance to the last numbers read, and read on."""
        size = len(cursors)
        rows = self.run(
            "settle_and_read",
            partition_ids=array(list(cursors)),
            cursors=array(list(cursors.values())),
            attempts=array([0] * size),
            errors=[None] * size,
            limits=array([self.limit] * size),
            delays=array([0] * size),
            dead_partitions="{}",
            dead_seqs="{}",
            dead_reasons=[],
            dead_attempts="{}",
            dead_fingerprints=[],
            token=TOKEN,
            lease=LEASE,
            max_bytes=MAX_BYTES,
        )
        return [(id_, seq) for id_, seq in map(rows.getter("partition_id", "seq"), rows) if seq is not None]

    def vacuum_once(self) -> int:
        return int(self.run("vacuum", partition_ids=array(self.ids), limit=VACUUM_LIMIT).value())


TYPE = "application/octet-stream"


def array(values: Sequence[int]) -> str:
    """Write an array literal, which has one type whatever its elements."""
    return f"{{{','.join(map(str, values))}}}"
