"""Sequencing on SQLite.

Statements: `pending` 1; `sequence` 5 (BEGIN, number, INSERT, DELETE, COMMIT), or 3 when nothing waits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from outbox.backends.due import Waiting, advanced, before, numbered, passed_due
from outbox.backends.records import Ids, Look, Pending, Sequenced
from outbox.backends.retry import retry_contention
from outbox.backends.sqlite.session import Operations, Session
from outbox.statements.dialect import SQLITE
from outbox.values.bounds import LARGEST_ID


class Passed(NamedTuple):
    """A partition that `sequence` gave numbers to."""

    partition_id: int
    last_seq: int
    moved: int
    last_body_id: int


class Sequencing(Operations):
    """See `outbox.backends.protocol.Sequencing`."""

    @retry_contention
    def pending(self, partition_ids: Sequence[int]) -> Look:
        rows = self._db.query("pending", partition_ids=SQLITE.integers(partition_ids)).named()
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
        del notify, durable  # no other process could hear it; every commit of a connection waits, or none
        ids = SQLITE.integers(partition_ids)
        # No partition is ever locked elsewhere: all come back.
        moved = dict.fromkeys(partition_ids, (0, 0))
        with self._db.writing() as session:
            below = first_of(session, "first_waiting", behind) if behind else None
            below = LARGEST_ID if below is None else below
            passed = session.query("sequence", partition_ids=ids, limit=limit, below=below).read(Passed)
            if passed:
                moves = SQLITE.records(
                    (row.partition_id, row.last_seq - row.moved, row.last_body_id) for row in passed
                )
                session.query("insert_outgoing", moves=moves)
                session.query("delete_incoming", moves=moves)
                moved.update((row.partition_id, (row.last_seq - row.moved + 1, row.moved)) for row in passed)
        return [Sequenced(partition_id, *moved[partition_id]) for partition_id in sorted(moved)]

    @retry_contention
    def sequence_due(
        self, partition_ids: Ids, limit: int, *, durable: bool = True, behind: Ids = ()
    ) -> list[Sequenced]:
        del durable  # every commit of a connection waits, or none
        with self._db.writing() as session:
            ids = SQLITE.integers(partition_ids)
            waiting: Waiting = [
                (row.id, row.sequence, session.query("oldest_due", partition_id=row.id, limit=limit).named())
                for row in session.query("sequence_due", partition_ids=ids).named()
            ]
            if behind:
                waiting = before(waiting, first_of(session, "first_due", behind))
            moved = numbered(waiting)
            if moved:
                session.query("insert_due", moved=SQLITE.records(moved))
                session.query("delete_due", moved=SQLITE.records(moved))
                session.query("advance_sequence", sequences=SQLITE.records(advanced(waiting)))
        return passed_due(waiting)


def first_of(session: Session, statement: str, behind: Sequence[int]) -> int | None:
    """Return the first of what is to be readdressed, None when there is nothing."""
    found: list[int | None] = session.query(statement, partition_ids=SQLITE.integers(behind)).values()
    return found[0]
