"""What the sequencer has written."""

from __future__ import annotations

from tests.acceptance.bench import Bench
from tests.support import Database


def numbered(bench: Bench, partition: int = 0) -> list[tuple[int, int]]:
    """Return ``(seq, message id)`` of a partition's sequenced messages, in order."""
    rows = bench.database.query(
        "SELECT seq, body_id FROM outbox_outgoing WHERE partition_id = ? ORDER BY seq", bench.ids[partition]
    )
    return [(seq, message_id) for seq, message_id in rows]


def ids_in_order(bench: Bench, partition: int = 0) -> list[int]:
    """Return the sequenced message ids of a partition, after checking that their numbers have no gap."""
    rows = numbered(bench, partition)
    assert [seq for seq, _ in rows] == list(range(1, len(rows) + 1))
    return [message_id for _, message_id in rows]


def sequences(database: Database) -> list[int]:
    """Return the partitions' counters, in the order of their ids."""
    return [value for (value,) in database.query("SELECT sequence FROM outbox_partitions ORDER BY id")]
