from __future__ import annotations

import json
from pathlib import Path

import pytest

from outbox import Outbox, PartitionCountMismatch
from tests.support import Database, Spawn
from tests.support.gate import open_gate, wait_at

ROUNDS = 5
COUNTS = [2, 4, 8, 16]


def register_at_each(gates: list[str], url: str, count: int) -> None:
    """Register one queue a gate; print for each the count that was found, our own if it was taken."""
    results = []
    with Outbox.builder(url).open() as outbox:
        for gate in gates:
            wait_at(gate)
            try:
                outbox.register_queue(Path(gate).name, count)
            except PartitionCountMismatch as error:
                results.append(error.found)
            else:
                results.append(count)
    print(json.dumps(results))


@pytest.mark.mp
def test_of_processes_that_register_different_counts_one_wins_and_the_others_are_told(
    migrated: Database, spawn: Spawn, tmp_path: Path
) -> None:
    gates = [tmp_path / f"race{n}" for n in range(ROUNDS)]
    children = [
        spawn(register_at_each, [str(gate) for gate in gates], migrated.url, count) for count in COUNTS
    ]
    for gate in gates:
        open_gate(gate, children)
    results = [json.loads(child.succeed().splitlines()[-1]) for child in children]

    for gate, found in zip(gates, zip(*results, strict=True), strict=True):
        (winner,) = set(found)
        assert winner in COUNTS
        registered = "FROM outbox_partitions WHERE queue = ?"
        assert migrated.value(f"SELECT count(*) {registered}", gate.name) == winner
        for table in ("processor", "vacuum"):
            cursors = f"SELECT count(*) FROM outbox_{table} WHERE partition_id IN (SELECT id {registered})"
            assert migrated.value(cursors, gate.name) == winner
