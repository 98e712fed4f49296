"""Messages that kill their process: they are found, and no other message is given up for them."""

from __future__ import annotations

import os
import signal

import pytest

from outbox import Batch, LeaseConfig, OutboxMessage, Retry
from tests.acceptance.bench import (
    PARTITIONS,
    Bench,
    Hands,
    Letter,
    all_delivered,
    builder_for,
    warm_up,
)
from tests.support import Child, Spawn, eventually

# Nobody waits for its end, see `run_until_it_survives`; a turn on a busy machine must fit into it.
LEASE = LeaseConfig(60.0)
# In sum two seconds of one core; other tests may be running.
PATIENCE = 30.0


def explode(msg: OutboxMessage) -> Retry | None:
    """Say what was delivered; die of a bomb, fail once at a nuisance."""
    print(f"call {msg.partition} {msg.seq} {msg.attempts}\n", end="", flush=True)
    if msg.json() == "bomb":
        os.kill(os.getpid(), signal.SIGKILL)
    if msg.json() == "nuisance" and msg.attempts == 0:
        return Retry("once", delay=0.01)
    return None


def work_through(url: str, max_attempts: int) -> None:
    """Deliver, message by message, until every partition is at its end."""
    hands = Hands(
        builder_for(
            url, lambda queue: queue.leased(explode, lease=LEASE, max_attempts=max_attempts), processors=1
        )
    )
    finish(hands)


def work_through_in_batches(url: str, max_attempts: int) -> None:
    """Do the same with a handler of batches that marks nothing."""

    def handler(batch: Batch) -> None:
        for msg in batch:
            explode(msg)

    declared = builder_for(
        url, lambda queue: queue.leased_batch(handler, lease=LEASE, max_attempts=max_attempts)
    )
    finish(Hands(declared.processors(1)))


def work_in_groups(url: str, max_attempts: int) -> None:
    """Learn that the handler is quick, then take all partitions in one turn, with a bomb in the last."""
    declared = builder_for(url, lambda queue: queue.leased(explode, lease=LEASE, max_attempts=max_attempts))
    hands = Hands(declared.processors(1))
    warm_up(hands)
    with hands.outbox.transaction() as conn:
        for partition in range(PARTITIONS):
            hands.outbox.enqueue(conn, "orders", "bomb" if partition == 3 else "quiet", partition=partition)
    hands.turn()


def work_on_threads(url: str, max_attempts: int) -> None:
    """Deliver with four threads until every partition is at its end."""
    declared = builder_for(url, lambda queue: queue.leased(explode, lease=LEASE, max_attempts=max_attempts))
    with declared.start() as handle:
        eventually(lambda: all_delivered(handle.outbox), PATIENCE)
    print("finished", flush=True)


def finish(hands: Hands) -> None:
    eventually(lambda: hands.work() or all_delivered(hands.outbox), PATIENCE)
    print("finished", flush=True)


def calls(children: list[Child], partition: int) -> list[tuple[int, int]]:
    """Return seq and attempts of what was delivered in a partition, in order."""
    found = [line.split() for child in children for line in child.lines]
    return [(int(words[2]), int(words[3])) for words in found if words[:2] == ["call", str(partition)]]


def run_until_it_survives(bench: Bench, spawn: Spawn, function: object, limit: int) -> list[Child]:
    """Start one process after the other until one gets through; let the leases of the dead run out."""
    children: list[Child] = []
    for _ in range(10):
        bench.end_leases()
        children.append(spawn(function, bench.database.url, limit))  # type: ignore[arg-type]
        if children[-1].wait(PATIENCE + 10) == 0:
            return children
    raise AssertionError(f"ten processes died: {[child.output for child in children]}")


@pytest.mark.mp
@pytest.mark.parametrize("function", [work_through, work_through_in_batches])
def test_a_head_that_kills_its_process_three_times_is_dead_lettered_without_a_fourth_call(
    bench: Bench, spawn: Spawn, function: object
) -> None:
    bench.send("bomb", "quiet", "quiet")
    children = run_until_it_survives(bench, spawn, function, 3)
    assert calls(children, 0) == [(1, 0), (1, 1), (1, 2), (2, 0), (3, 0)]
    ((seq, reason, attempts),) = bench.dead()
    assert (seq, attempts) == (1, 3)
    assert reason == "given up after 3 starts without a result: process died or lease ran out"
    assert bench.row()[:3] == (3, 0, None)


@pytest.mark.mp
@pytest.mark.parametrize("function", [work_through, work_through_in_batches])
def test_a_killer_in_the_middle_of_a_batch_is_dead_lettered_alone(
    bench: Bench, spawn: Spawn, function: object
) -> None:
    bench.send("quiet", "quiet", "bomb", "quiet")
    children = run_until_it_survives(bench, spawn, function, 2)
    assert [(seq, attempts) for seq, _, attempts in bench.dead()] == [(3, 2)]
    assert calls(children, 0).count((3, 0)) + calls(children, 0).count((3, 1)) >= 2
    assert calls(children, 0)[-1] == (4, 0)


@pytest.mark.mp
def test_a_head_that_failed_before_is_not_given_up_for_the_killer_behind_it(
    bench: Bench, spawn: Spawn
) -> None:
    bench.send("nuisance", "bomb", "quiet")
    children = run_until_it_survives(bench, spawn, work_through, 2)
    assert [(seq, attempts) for seq, _, attempts in bench.dead()] == [(2, 2)]
    assert calls(children, 0) == [(1, 0), (1, 1), (2, 0), (2, 1), (3, 0)]


@pytest.mark.mp
def test_with_a_single_attempt_the_killer_goes_after_one_call_and_takes_nobody_along(
    bench: Bench, spawn: Spawn
) -> None:
    bench.send("quiet", "bomb", "quiet")
    bench.send("quiet", "quiet", partition=1)
    children = run_until_it_survives(bench, spawn, work_through, 1)
    assert [(seq, attempts) for seq, _, attempts in bench.dead()] == [(2, 1)]
    assert bench.dead(1) == []
    assert calls(children, 0) == [(1, 0), (2, 0), (3, 0)]
    assert calls(children, 1) == [(1, 0), (2, 0)]


@pytest.mark.mp
def test_a_killer_in_a_group_turn_dead_letters_no_other_message(bench: Bench, spawn: Spawn) -> None:
    first = spawn(work_in_groups, bench.database.url, 2)
    assert first.wait() == -signal.SIGKILL
    # All four were held when it died, and each is charged with a start.
    assert [bench.row(n).attempts for n in range(PARTITIONS)] == [1, 1, 1, 1]
    children = run_until_it_survives(bench, spawn, work_on_threads, 2)
    assert [bench.dead(n) for n in range(3)] == [[], [], []]
    assert [(seq, attempts) for seq, _, attempts in bench.dead(3)] == [(4, 2)]
    assert [calls(children, n)[-1] for n in range(3)] == [(4, 1)] * 3
    assert calls([first, *children], 3)[-2:] == [(4, 0), (4, 1)]


@pytest.mark.mp
def test_killers_in_two_partitions_are_dead_lettered_and_all_others_delivered(
    bench: Bench, spawn: Spawn
) -> None:
    # Each killer may charge what runs beside it once, before it is a suspect itself.
    for partition, middle in enumerate(["bomb", "quiet", "bomb", "quiet"]):
        bench.send("quiet", middle, "quiet", partition=partition)
    children = run_until_it_survives(bench, spawn, work_on_threads, 3)
    for partition in range(PARTITIONS):
        assert [letter.seq for letter in bench.dead(partition)] == ([] if partition % 2 else [2])
        assert {seq for seq, _ in calls(children, partition)} == {1, 2, 3}


def test_an_exhausted_head_keeps_its_last_failure_in_the_reason(bench: Bench) -> None:
    lenient = bench.by_hand(lambda queue: queue.leased(lambda _msg: Retry("out of paper")))
    bench.send("a", "b")
    for _ in range(3):
        lenient.work()
        bench.end_backoff()
    seen: list[int] = []
    strict = bench.by_hand(lambda queue: queue.leased(lambda msg: seen.append(msg.seq), max_attempts=3))
    strict.work()
    reason = "given up after 3 failed deliveries; last error: out of paper"
    assert bench.dead() == [Letter(1, reason, 3)]
    assert seen == [2]
