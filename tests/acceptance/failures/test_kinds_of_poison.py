"""Every kind of poison in one queue: where each ends, that nothing else does, and how an operator ends it."""

from __future__ import annotations

import os
import signal
from functools import partial
from pathlib import Path

import pytest

from outbox import LeaseConfig, OutboxMessage, Retry
from tests.acceptance.bench import Bench, all_delivered, builder_for
from tests.acceptance.cli.shell import Shell
from tests.support import Child, Spawn, eventually

pytestmark = [pytest.mark.mp, pytest.mark.slow]

ATTEMPTS = 3
PATIENT = 2
"""The partition of the message that waits for its downstream."""
# Nobody waits for its end; a turn on a busy machine must fit into it.
LEASE = LeaseConfig(60.0)
PATIENCE = 40.0
HEADERS = "the message's headers are no JSON object of strings"
STARTS = f"given up after {ATTEMPTS} starts without a result: process died or lease ran out"
MENDED = """
def ship(msg):
    print("mended", msg.json()["kind"], flush=True)
"""


def work(url: str, up: str, number: int) -> None:
    """Deliver with threads until nothing is left; the downstream of some messages is up when a file is there."""
    dying = number < ATTEMPTS

    def ship(msg: OutboxMessage) -> Retry | None:
        kind = msg.json()["kind"]
        print(f"call {kind}\n", end="", flush=True)
        if kind == "invalid":
            raise ValueError("no such item")
        if kind == "killer":
            # A death counts as a failure of each message that is under way. In the first process the patient one may
            # be in the killer's own turn; later it rests, or three deaths would end it too.
            if number:
                eventually(
                    lambda: handle.outbox.status().partitions[PATIENT].state == "backing off", PATIENCE
                )
            os.kill(os.getpid(), signal.SIGKILL)
        if kind == "patient" and not Path(up).exists():
            return Retry("the warehouse is away", delay=5.0 if dying else 0.05, counts=False)
        return None

    declared = builder_for(url, lambda queue: queue.leased(ship, lease=LEASE, max_attempts=ATTEMPTS))
    with declared.start() as handle:
        eventually(lambda: all_delivered(handle.outbox), PATIENCE)
    print("finished", flush=True)


def send(bench: Bench) -> None:
    """Send one message of each kind to a partition of its own, and one behind it that is in order."""
    for partition, kind in enumerate(("invalid", "garbled", "patient", "killer")):
        first, _ = bench.send({"kind": kind}, {"kind": "healthy"}, partition=partition)
        if kind == "garbled":
            bench.database.execute("UPDATE outbox_body SET headers = '{' WHERE id = ?", first)


def has_been_patient(child: Child, bench: Bench) -> bool:
    assert child.lines.count("call patient") > 2 * ATTEMPTS, (bench.row(2), bench.dead(2), child.lines)
    return True


def run_until_it_survives(bench: Bench, spawn: Spawn, up: Path) -> list[Child]:
    """Start one process after the other; let the downstream come back when the last killer is gone.

    The leases of the dead are ended by hand.
    """
    children: list[Child] = []
    for number in range(ATTEMPTS + 1):
        child = spawn(work, bench.database.url, str(up), number)
        children.append(child)
        if len(children) > ATTEMPTS:
            eventually(partial(has_been_patient, child, bench), PATIENCE)
            up.touch()
        if child.wait(PATIENCE) == 0:
            return children
        bench.end_leases()
    raise AssertionError(f"still dying: {children[-1].output}")


def test_each_kind_ends_where_it_should_and_an_operator_ends_the_rest(
    bench: Bench, spawn: Spawn, tmp_path: Path
) -> None:
    send(bench)

    children = run_until_it_survives(bench, spawn, tmp_path / "up")

    calls = [line.split()[1] for child in children for line in child.lines if line.startswith("call ")]
    assert [(letter.seq, letter.reason) for letter in bench.dead(0)] == [(1, "ValueError: no such item")]
    assert [(letter.seq, letter.reason) for letter in bench.dead(1)] == [(1, HEADERS)]
    assert bench.dead(2) == []
    assert [(letter.seq, letter.reason) for letter in bench.dead(3)] == [(1, STARTS)]
    assert calls.count("killer") == ATTEMPTS
    assert "garbled" not in calls
    assert [bench.row(partition).cursor for partition in range(4)] == [2, 2, 2, 2]

    # The next morning, with the handler mended.
    shell = Shell(bench.database.url, tmp_path)
    shell.module("shop", MENDED)
    found = shell("dead-letters", "list", "--json", "--payload").json
    assert sorted(letter["payload"]["kind"] for letter in found) == ["garbled", "invalid", "killer"]
    done = shell("dead-letters", "replay", "--queue", "orders", "--handler", "shop:ship", "--yes")
    assert sorted(line for line in done.lines if line.startswith("mended")) == [
        "mended garbled",
        "mended invalid",
        "mended killer",
    ]
    assert done.lines[-1] == "3 resolved"
    assert shell("dead-letters", "count").lines == ["0"]
