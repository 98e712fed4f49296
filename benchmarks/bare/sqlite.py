"""SQLite: a few statements a step, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from json import dumps
from typing import Any

from benchmarks.bare.script import LEASE, SEQUENCE_LIMIT, TOKEN, VACUUM_LIMIT, Bare
from outbox.statements import Rows
from outbox.values.bounds import LARGEST_ID

TYPE = "application/octet-stream"


class BareSqlite(Bare):
    """The default durability: every commit is synchronised."""

    dialect = "sqlite"

    def run(self, statement: str, **parameters: Any) -> Rows:
        known = self.catalog[statement]
        return known.fetch(self.connection.execute(known.named, parameters))

    def enqueue_one(self, body: bytes) -> None:
        self.enqueue_many([self._partition()], [body])

    def enqueue_many(self, partition_ids: Sequence[int], bodies: Sequence[bytes]) -> None:
        statement = self.catalog["insert_body"].repeated(len(bodies), "?")
        self.run("begin_write")
        last = self.connection.execute(
            statement, [x for body in bodies for x in (body, TYPE, None)]
        ).lastrowid
        first = last - len(bodies) + 1
        self.run("insert_incoming", partition_ids=dumps(partition_ids), first_id=first)
        self.connection.commit()

    def sequence_once(self) -> int:
        self.run("begin_write")
        ids = dumps(self.ids)
        rows = self.run("sequence", partition_ids=ids, limit=SEQUENCE_LIMIT, below=LARGEST_ID).named()
        moves = dumps([(row.partition_id, row.last_seq - row.moved, row.last_body_id) for row in rows])
        self.run("insert_outgoing", moves=moves)
        self.run("delete_incoming", moves=moves)
        self.connection.commit()
        return sum(row.moved for row in rows)

    def process_group(self, ids: Sequence[int]) -> int:
        self.run("begin_write")
        examined = self.run("examine", partition_ids=dumps(ids)).named()
        cursors = {row.partition_id: row.processed_seq for row in examined if row.behind}
        found = self._read(cursors)
        self.run("lease", partition_ids=dumps(list(found)), token=TOKEN, lease=LEASE)
        self.connection.commit()
        handled = 0
        while found:
            handled += sum(map(len, found.values()))
            found = self._settle({id_: seqs[-1] for id_, seqs in found.items()})
        return handled

    def _read(self, cursors: dict[int, int]) -> dict[int, list[int]]:
        read = {
            id_: self.run("read_batch", partition_id=id_, cursor_seq=cursor, limit=self.limit)
            for id_, cursor in cursors.items()
        }
        return {id_: list(map(rows.getter("seq"), rows)) for id_, rows in read.items() if rows}

    def _settle(self, cursors: dict[int, int]) -> dict[int, list[int]]:
        """Advance to the last numbers read, and read on."""
        self.run("begin_write")
        self.run("check_fence", settlements=dumps(list(cursors.items())), token=TOKEN)
        found = self._read(cursors)
        settlements = [(id_, cursor, 0, None, 0, id_ in found) for id_, cursor in cursors.items()]
        self.run("settle", settlements=dumps(settlements), lease=LEASE)
        self.connection.commit()
        return found

    def vacuum_once(self) -> int:
        self.run("begin_write")
        planned = self.run("vacuum", partition_ids=dumps(self.ids), limit=VACUUM_LIMIT).named()
        if planned:
            plan = dumps(planned)
            self.run("delete_bodies", plan=plan)
            self.run("delete_outgoing", plan=plan)
            self.run("advance_vacuum", plan=plan)
        self.connection.commit()
        return sum(row.upto - row.vacuumed_seq for row in planned)
