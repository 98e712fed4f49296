"""MySQL and MariaDB: a few statements a step, in one transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from json import dumps
from typing import Any

from benchmarks.bare.script import LEASE, MAX_BYTES, SEQUENCE_LIMIT, TOKEN, VACUUM_LIMIT, Bare
from benchmarks.servers import connect
from outbox.statements import Rows

TYPE = b"application/octet-stream"


class BareMysql(Bare):
    """READ COMMITTED, as the library's own connections."""

    dialect = "mysql"
    step: int
    """From one id to the next: the server's auto_increment_increment."""

    def _connect(self, url: str) -> Any:
        connection = connect(url, autocommit=False)
        cursor = connection.cursor()
        for command in self.catalog["own_session"].compact.split(";"):
            cursor.execute(command)
        cursor.execute(self.catalog["last_insert_id"].compact)
        self.step = cursor.fetchone()[1]
        cursor.close()
        return connection

    def rows(self, statement: str, **parameters: Any) -> Rows:
        known = self.catalog[statement]
        self.cursor.execute(known.pyformat, parameters)
        return known.fetch(self.cursor)

    def change(self, statement: str, **parameters: Any) -> None:
        self.cursor.execute(self.catalog[statement].pyformat, parameters)

    def enqueue_one(self, body: bytes) -> None:
        self.enqueue_many([self._partition()], [body])

    def enqueue_many(self, partition_ids: Sequence[int], bodies: Sequence[bytes]) -> None:
        statement = self.catalog["insert_body"].repeated(len(bodies), "%s")
        kind = TYPE.hex()
        self.cursor.execute(statement, [x for body in bodies for x in (body.hex(), kind, None)])
        self.change(
            "insert_incoming",
            partition_ids=dumps(partition_ids),
            first_id=self.cursor.lastrowid,
            step=self.step,
            kept=0,
        )
        self.connection.commit()

    def sequence_once(self) -> int:
        rows = self.rows("sequence", partition_ids=dumps(self.ids), limit=SEQUENCE_LIMIT)
        waiting: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
        for partition_id, base, has_more, body_id in map(
            rows.getter("id", "sequence", "has_more", "body_id"), rows
        ):
            found = [] if body_id is None else [body_id]
            if has_more:
                oldest = self.rows("oldest_incoming", partition_id=partition_id, limit=SEQUENCE_LIMIT)
                found = oldest.values()
            waiting[partition_id, base] += found
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
            solo=False,
            one_if_failed=False,
            inline_bytes=MAX_BYTES // self.limit,
        )
        found = _messages(rows)
        if found:
            taken = dumps(sorted({id_ for id_, _ in found}))
            self.change("lease", partition_ids=taken, token=TOKEN, lease=LEASE)
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
        self.change("settle", settlements=dumps(settlements), lease=LEASE)
        self.connection.commit()
        return found

    def vacuum_once(self) -> int:
        left, ranges = VACUUM_LIMIT, []
        for row in sorted(self.rows("vacuum", partition_ids=dumps(self.ids)).named()):
            size = min(row.processed_seq - row.vacuumed_seq, left)
            if size > 0:
                ranges.append((row.partition_id, row.vacuumed_seq, size))
                left -= size
        if ranges:
            self.change("delete_processed", ranges=dumps(ranges))
            self.change("advance_vacuum", ranges=dumps(ranges))
        self.connection.commit()
        return VACUUM_LIMIT - left


def _messages(rows: Rows) -> list[tuple[int, int]]:
    """Return partition and number of what was read, in order."""
    return sorted(found for found in map(rows.getter("partition_id", "seq"), rows) if found[1] is not None)
