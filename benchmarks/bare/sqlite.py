"""SQLite: a few statements a step, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from json import dumps
from typing import Any

from benchmarks.bare.script import LEASE, SEQUENCE_LIMIT, TOKEN, VACUUM_LIMIT, Bare

TYPE = "application/octet-stream"


class BareSqlite(Bare):
    """The default durability: every commit is synchronised."""

    dialect = "sqlite"

    def run(self, statement: str, **parameters: Any) -> list[Any]:
        rows: list[Any] = self.connection.execute(self.catalog[statement].named, parameters).fetchall()
        return rows

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
        rows = self.run("sequence", partition_ids=dumps(self.ids), limit=SEQUENCE_LIMIT)
        moves = dumps([(id_, last - n, body_id) for id_, last, n, body_id in rows])
        self.run("move_incoming", moves=moves)
        self.run("clear_incoming", moves=moves)
        self.connection.commit()
        return sum(n for _, _, n, _ in rows)

    def process_group(self, ids: Sequence[int]) -> int:
        self.run("begin_write")
        cursors = {row[0]: row[1] for row in self.run("examine", partition_ids=dumps(ids)) if row[5]}
        found = self._read(cursors)
        self.run("lease", partition_ids=dumps(list(found)), token=TOKEN, lease=LEASE)
        self.connection.commit()
        handled = 0
        while found:
            handled += sum(map(len, found.values()))
            found = self._settle({id_: rows[-1][0] for id_, rows in found.items()})
        return handled

    def _read(self, cursors: dict[int, int]) -> dict[int, list[Any]]:
        read = {
            id_: self.run("read_batch", partition_id=id_, cursor_seq=cursor, limit=self.limit)
            for id_, cursor in cursors.items()
        }
        return {id_: rows for id_, rows in read.items() if rows}

    def _settle(self, cursors: dict[int, int]) -> dict[int, list[Any]]:
        """Advance to the last numbers read, and read on."""
        self.run("begin_write")
        self.run("check_fence", partition_ids=dumps(list(cursors)), token=TOKEN)
        found = self._read(cursors)
        settlements = [(id_, cursor, 0, None, 0, id_ in found) for id_, cursor in cursors.items()]
        self.run("settle", settlements=dumps(settlements), lease=LEASE)
        self.connection.commit()
        return found

    def vacuum_once(self) -> int:
        self.run("begin_write")
        planned = self.run("vacuum", partition_ids=dumps(self.ids), limit=VACUUM_LIMIT)
        if planned:
            plan = dumps(planned)
            self.run("vacuum_bodies", plan=plan)
            self.run("vacuum_outgoing", plan=plan)
            self.run("advance_vacuum", plan=plan)
        self.connection.commit()
        return sum(upto - after for _, after, upto in planned)
