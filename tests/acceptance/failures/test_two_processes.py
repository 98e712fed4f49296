"""Two processes that drain one table."""

from __future__ import annotations

import time
from datetime import datetime, timezone
from pathlib import Path

import pytest

from outbox import FailureEntry, FailureKey, SqlFailureTracker
from tests.support import Database, Spawn

MANY = 400
HIGHEST = 9


def drain(url: str, starting_shot: str) -> None:
    """Drain everything, from the highest counts to the lowest, and print which messages it was."""
    with SqlFailureTracker(url) as tracker:
        tracker.drain_exceeded(HIGHEST + 1)
        print("ready", flush=True)
        while not Path(starting_shot).exists():
            time.sleep(0.001)
        seqs = [
            entry.key.seq
            for threshold in range(HIGHEST, 0, -1)
            for entry in tracker.drain_exceeded(threshold)
        ]
    print("drained", *seqs, flush=True)


@pytest.mark.mp
def test_two_processes_drain_disjoint_sets_that_add_up(
    migrated: Database, spawn: Spawn, tmp_path: Path
) -> None:
    now = datetime.now(timezone.utc)
    shot = tmp_path / "starting shot"
    with SqlFailureTracker(migrated.url) as tracker:
        tracker.restore(
            FailureEntry(FailureKey(1, seq), 1 + seq % HIGHEST, now, now, "no") for seq in range(MANY)
        )
        children = [spawn(drain, migrated.url, str(shot)) for _ in range(2)]
        for child in children:
            child.wait_for_line("ready")
        shot.touch()
        drained = [seq for child in children for seq in child.succeed().split("drained")[1].split()]
        # What both passed over at the very end because the other one had it locked is nobody's.
        left = [entry.key.seq for entry in tracker.drain_exceeded(1)]
    assert sorted([*map(int, drained), *left]) == list(range(MANY))
