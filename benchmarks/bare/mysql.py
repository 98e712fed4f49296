"""MySQL and MariaDB: a few statements a step, in one transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from json import dumps
from operator import itemgetter
from typing import Any

from benchmarks.bare.script import LEASE, MAX_BYTES, SEQUENCE_LIMIT, TOKEN, VACUUM_LIMIT, Bare
from benchmarks.servers import connect

TYPE = b"application/octet-stream"
LEASE_US = round(LEASE * 1_000_000)


class BareMysql(Bare):
    """READ COMMITTED, as the library's own connections."""

    dialect = "mysql"

    def _connect(self, url: str) -> Any:
        connection = connect(url, autocommit=False)
        cursor = connection.cursor()
        cursor.execute(self.catalog["workers_isolation"].compact)
        cursor.close()
        return connection

    def rows(self, statement: str, **parameters: Any) -> list[Any]:
        self.cursor.execute(self.catalog[statement].pyformat, parameters)
        rows: list[Any] = self.cursor.fetchall()
        return rows

    def change(self, statement: str, **parameters: Any) -> None:
        self.cursor.execute(self.catalog[statement].pyformat, parameters)

    def enqueue_one(self, body: bytes) -> None:
        self.enqueue_many([self._partition()], [body])

    def enqueue_many(self, partition_ids: Sequence[int], bodies: Sequence[bytes]) -> None:
        statement = self.catalog["insert_body"].repeated(len(bodies), "%s")
        kind = TYPE.hex()
        self.cursor.execute(statement, [x for body in bodies for x in (body.hex(), kind, None)])
        self.change("insert_incoming", partition_ids=dumps(partition_ids), first_id=self.cursor.lastrowid)
        self.connection.commit()

    def sequence_once(self) -> int:
        rows = self.rows("sequence", partition_ids=dumps(self.ids), limit=SEQUENCE_LIMIT)
        waiting: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
        for partition_id, base, has_more, body_id in rows:
            found = [(body_id,)]
            if has_more:
                found = self.rows("oldest_incoming", partition_id=partition_id, limit=SEQUENCE_LIMIT)
            waiting[partition_id, base] += [id_ for (id_,) in found if id_ is not None]
        moved = [
            (partition_id, seq, id_)
            for (partition_id, base), ids in waiting.items()
            for seq, id_ in enumerate(sorted(ids), base + 1)
        ]
        for start in range(0, len(moved), 10_000):
            text = dumps(moved[start : start + 10_000])
            self.change("insert_outgoing", moved=text)
            self.change("delete_incoming", moved=text)
        ends = [(partition_id, base + len(ids)) for (partition_id, base), ids in waiting.items()]
        self.change("advance_sequence", sequences=dumps(ends))
        self.connection.commit()
        return len(moved)

    def process_group(self, ids: Sequence[int]) -> int:
        rows = self.rows(
            "lease_and_read",
            requests=dumps([(id_, self.limit) for id_ in ids]),
            alone=False,
            cautious=False,
            inline_bytes=MAX_BYTES // self.limit,
        )
        found = _messages(rows)
        if found:
            taken = dumps(sorted({id_ for id_, _ in found}))
            self.change("start_leases", partition_ids=taken, token=TOKEN, lease_us=LEASE_US)
        self.connection.commit()
        handled = 0
        while found:
            handled += len(found)
            found = self._settle(dict(found))
        return handled

    def _settle(self, cursors: dict[int, int]) -> list[tuple[int, int]]:
        """Advance to the last numbers read, and read on."""
        rows = self.rows(
            "settle_and_read",
            settlements=dumps([(id_, cursor, self.limit) for id_, cursor in cursors.items()]),
            token=TOKEN,
            inline_bytes=MAX_BYTES // self.limit,
        )
        found = _messages(rows)
        kept = {id_ for id_, _ in found}
        settlements = [(id_, cursor, 0, None, int(id_ in kept), 0) for id_, cursor in cursors.items()]
        self.change("settle", settlements=dumps(settlements), lease_us=LEASE_US)
        self.connection.commit()
        return found

    def vacuum_once(self) -> int:
        left, ranges = VACUUM_LIMIT, []
        for partition_id, vacuumed, processed in sorted(self.rows("vacuum", partition_ids=dumps(self.ids))):
            size = min(processed - vacuumed, left)
            if size > 0:
                ranges.append((partition_id, vacuumed, size))
                left -= size
        if ranges:
            self.change("delete_processed", ranges=dumps(ranges))
            self.change("advance_vacuum", ranges=dumps(ranges))
        self.connection.commit()
        return VACUUM_LIMIT - left


def _messages(rows: list[Any]) -> list[tuple[int, int]]:
    """Return partition and number of what was read, in order."""
    return sorted((row[:2] for row in rows if row[1] is not None), key=itemgetter(0, 1))
