"""Worker processes that are killed while keys are parked and released."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from outbox import LeaseConfig, Outbox, OutboxMessage, WorkerTuning
from outbox.facade import OutboxBuilder
from tests.support import Database, Spawn, eventually

QUEUE = "orders"
KEYS = 4
EACH = 60
# Nothing here is worth a long rest after a failure.
QUICK = WorkerTuning.processor_adaptive().replace(retry_base=0.05, retry_max=0.1)

pytestmark = pytest.mark.mp


def builder(url: str, folder: str) -> OutboxBuilder:
    """Declare the queue; what is delivered is appended to a file, and a key fails while its file is there."""

    def handle(msg: OutboxMessage) -> None:
        if (Path(folder) / f"bad-{msg.key}").exists() and int(msg.payload) % 7 == 0:
            raise ValueError("bad")
        with (Path(folder) / f"seen-{msg.key}").open("a") as seen:
            seen.write(f"{int(msg.payload)}\n")
        time.sleep(0.001)

    declared = Outbox.builder(url).stats_interval(0).poll_interval(0.05).queue(QUEUE, 1)
    return declared.leased(
        handle, max_attempts=3, on_give_up="park_key", lease=LeaseConfig(1.0), tuning=QUICK
    )


def work(url: str, folder: str) -> None:
    """Work until killed."""
    with builder(url, folder).start():
        print("works", flush=True)
        time.sleep(60)


def seen(folder: Path, key: str) -> list[int]:
    """Return what was delivered of a key."""
    path = folder / f"seen-{key}"
    return [int(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_no_kill_loses_or_overtakes_a_message(migrated: Database, spawn: Spawn, tmp_path: Path) -> None:
    keys = [f"key-{n}" for n in range(KEYS)]
    (tmp_path / "bad-key-0").touch()
    with builder(migrated.url, str(tmp_path)).open() as shop:
        workers = [spawn(work, migrated.url, str(tmp_path)) for _ in range(2)]
        for worker in workers:
            worker.wait_for_line("works")
        for number in range(1, EACH + 1):
            with shop.transaction() as conn:
                for key in keys:
                    shop.enqueue(conn, QUEUE, b"%d" % number, key=key)
            if number % 20 == 0:
                shop.parked.release(QUEUE, "key-0")
                workers[0].kill()
                workers[0] = spawn(work, migrated.url, str(tmp_path))
        (tmp_path / "bad-key-0").unlink()

        def all_delivered() -> bool:
            for key in shop.parked.list():
                shop.parked.release(QUEUE, key.key)
            return all(seen(tmp_path, key)[-1:] == [EACH] for key in keys)

        eventually(all_delivered, 40)
        for worker in workers:
            worker.kill()

    for key in keys:
        highest = 0
        for number in seen(tmp_path, key):
            assert number <= highest + 1, f"{key}: {number} after {highest}"
            highest = max(highest, number)
        assert highest == EACH
