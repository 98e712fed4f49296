"""A process that is killed between any two statements of a leased turn."""

from __future__ import annotations

import signal
from itertools import count

import pytest

from outbox import LeaseConfig, OutboxMessage, Reject, WorkerTuning
from tests.acceptance.bench import Bench, Hands, builder_for
from tests.budgets.wire import tapped
from tests.support import Spawn

MESSAGES = 5
# Read in two batches: one settlement reads on under its lease, one releases it.
BATCH = 4
REJECTED = 3
TUNING = WorkerTuning.processor_adaptive().replace(batch_size=BATCH)
# Nobody waits for its end, see `Bench.end_lease`; a turn on a busy machine must fit into it.
LEASE = LeaseConfig(60.0)
# What a turn sends at least.
STATEMENTS = {"postgresql": 3, "mysql": 10, "mariadb": 10, "sqlite": 16}


def answer(msg: OutboxMessage) -> Reject | None:
    return Reject("no") if msg.seq % MESSAGES == REJECTED else None


def deliver_and_die(url: str, number: int) -> None:
    """Run one turn that says what it hands over, and be killed before its n-th statement."""

    def handler(msg: OutboxMessage) -> Reject | None:
        print("got", msg.seq, flush=True)
        return answer(msg)

    with tapped(url) as wire:
        hands = Hands(builder_for(wire.url, lambda queue: queue.leased(handler, lease=LEASE, tuning=TUNING)))
        hands.look()
        wire.tap.die_at(number)
        hands._processor.run_once()


def rejected(upto: int) -> list[int]:
    return [seq for seq in range(1, upto + 1) if seq % MESSAGES == REJECTED]


def settled(bench: Bench) -> int:
    """Return the cursor, after checking that what was rejected before it is dead, and nothing else."""
    cursor = bench.row().cursor
    assert [letter.seq for letter in bench.dead()] == rejected(cursor)
    return cursor


@pytest.mark.mp
@pytest.mark.slow
def test_wherever_a_turn_is_killed_cursor_and_dead_letters_move_together_and_another_process_goes_on(
    bench: Bench, spawn: Spawn
) -> None:
    seen: list[int] = []
    ends: set[int] = set()

    def handler(msg: OutboxMessage) -> Reject | None:
        seen.append(msg.seq)
        return answer(msg)

    others = bench.by_hand(lambda queue: queue.leased(handler))
    for number in count(1):
        bench.send(*range(MESSAGES))
        others.sequence()
        child = spawn(deliver_and_die, bench.database.url, number)
        status = child.wait()
        seen += [int(line.split()[1]) for line in child.lines]
        cursor = settled(bench)
        if status == 0:
            break
        assert status == -signal.SIGKILL
        ends.add(cursor % MESSAGES)
        handed_over = len(seen)
        bench.end_lease()
        others.work()
        # What was settled does not come again, everything else does.
        assert seen[handed_over:] == list(range(cursor + 1, number * MESSAGES + 1))
        assert settled(bench) == number * MESSAGES
    assert number > STATEMENTS[bench.database.backend]
    assert ends == {0, BATCH}
    assert cursor == number * MESSAGES
    assert list(dict.fromkeys(seen)) == list(range(1, cursor + 1))
