"""Sequencing on MySQL and MariaDB.

Statements: `pending` 1 (read alone); `sequence` 5 whatever the number of partitions (lock + read, INSERT,
DELETE, UPDATE, COMMIT), 2 when nothing waits, 1 more for every partition with more than ``limit``
messages waiting.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from outbox.backends.due import Waiting, advanced, before, numbered, passed_due
from outbox.backends.mysql.session import Operations, Session
from outbox.backends.records import Ids, Look, Pending, Sequenced
from outbox.backends.retry import retry_contention
from outbox.errors import Contention
from outbox.statements.dialect import MYSQL

# A row is at most 60 characters, so a statement stays below a megabyte: any max_allowed_packet takes it.
ROWS_A_STATEMENT = 10_000

Moved = tuple[int, int, int]
"""Partition, seq, message id."""


class Sequencing(Operations):
    """See `outbox.backends.protocol.Sequencing`."""

    def pending(self, partition_ids: Sequence[int]) -> Look:
        with self._source.reading() as session:
            rows = session.query("pending", partition_ids=MYSQL.integers(partition_ids)).named()
        return Look.of(
            Pending(
                row.partition_id,
                bool(row.incoming),
                bool(row.behind),
                bool(row.dirty),
                row.revision,
                bool(row.due),
            )
            for row in rows
        )

    @retry_contention
    def sequence(
        self,
        partition_ids: Ids,
        limit: int,
        *,
        notify: bool = False,
        durable: bool = True,
        behind: Ids = (),
    ) -> list[Sequenced]:
        del notify, durable  # no other process could hear it; every commit of a server waits, or none
        with self._source.writing() as session:
            if behind:
                session.query("lock_retired", partition_ids=MYSQL.integers(behind))
            waiting = lock_and_read(session, partition_ids, limit)
            if behind:
                waiting = until_readdressed(session, waiting, behind)
            move(session, waiting)
        return [
            Sequenced(partition_id, base + 1 if ids else 0, len(ids)) for partition_id, base, ids in waiting
        ]

    @retry_contention
    def sequence_due(
        self, partition_ids: Ids, limit: int, *, durable: bool = True, behind: Ids = ()
    ) -> list[Sequenced]:
        del durable  # every commit of a server waits, or none
        with self._source.writing() as session:
            if behind:
                session.query("lock_retired", partition_ids=MYSQL.integers(behind))
            ids = MYSQL.integers(sorted(partition_ids))
            locked = session.query("sequence_due", partition_ids=ids).named()
            waiting: Waiting = [
                (row.id, row.sequence, session.query("oldest_due", partition_id=row.id, limit=limit).named())
                for row in locked
            ]
            if behind:
                first = session.query("first_due", partition_ids=MYSQL.integers(behind)).values()
                waiting = before(waiting, first[0])
            move_due(session, waiting)
        return passed_due(waiting)


def lock_and_read(
    session: Session, partition_ids: Sequence[int], limit: int
) -> list[tuple[int, int, list[int]]]:
    """Lock the free partitions; return each with its sequence and the oldest ids that wait in it."""
    rows = session.query("sequence", partition_ids=MYSQL.integers(sorted(partition_ids)), limit=limit)
    partition, id_of = rows.getter("id", "sequence", "has_more"), rows.getter("body_id")
    found = []
    for (partition_id, base, has_more), group in groupby(sorted(rows, key=rows.getter("id")), partition):
        ids = (
            session.query("oldest_incoming", partition_id=partition_id, limit=limit).values()
            if has_more
            else (id_ for id_ in map(id_of, group) if id_ is not None)
        )
        found.append((partition_id, base, sorted(ids)))
    return found


def until_readdressed(
    session: Session, waiting: list[tuple[int, int, list[int]]], behind: Sequence[int]
) -> list[tuple[int, int, list[int]]]:
    """Leave out what was enqueued later than a message that is to be readdressed."""
    (first,) = session.query("first_waiting", partition_ids=MYSQL.integers(behind)).values()
    if first is None:
        return waiting
    return [(partition_id, base, [id_ for id_ in ids if id_ < first]) for partition_id, base, ids in waiting]


def move(session: Session, waiting: list[tuple[int, int, list[int]]]) -> None:
    """Write outgoing, delete exactly what was written, and note the new sequences."""
    moved = [
        (partition_id, seq, id_)
        for partition_id, base, ids in waiting
        for seq, id_ in enumerate(ids, base + 1)
    ]
    if not moved:
        return
    for chunk in chunks(moved):
        text = MYSQL.records(chunk)
        session.change("insert_outgoing", moved=text)
        if session.change("delete_incoming", moved=text) != len(chunk):
            msg = "MySQL: another sequencer moved the same messages; the pass is undone and repeated"
            raise Contention(msg)
    sequences = MYSQL.records((partition_id, base + len(ids)) for partition_id, base, ids in waiting if ids)
    session.change("advance_sequence", sequences=sequences)


def move_due(session: Session, waiting: Waiting) -> None:
    """The same for delayed messages that are due."""
    moved = numbered(waiting)
    for start in range(0, len(moved), ROWS_A_STATEMENT):
        chunk = moved[start : start + ROWS_A_STATEMENT]
        text = MYSQL.records(chunk)
        session.change("insert_outgoing", moved=text)
        if session.change("delete_due", moved=text) != len(chunk):
            msg = "MySQL: another sequencer moved the same messages; the pass is undone and repeated"
            raise Contention(msg)
    if moved:
        session.change("advance_sequence", sequences=MYSQL.records(advanced(waiting)))


def chunks(moved: list[Moved]) -> Iterator[list[Moved]]:
    """Cut what is moved into statements of a bounded size."""
    for start in range(0, len(moved), ROWS_A_STATEMENT):
        yield moved[start : start + ROWS_A_STATEMENT]
