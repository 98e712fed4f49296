"""Leases that are extended while their handler still runs."""

from __future__ import annotations

import threading

import pytest

from outbox import ConnectionLost, DatabaseError, LeaseConfig, OutboxMessage, WorkerTuning
from outbox.workers.claim import Claim
from outbox.workers.turn import Turn
from tests.acceptance.bench import Bench, Row
from tests.support import eventually

# The cancel points are near, so renewals are due soon; the leases end long after a slow machine has come to.
RENEWED = LeaseConfig(30, headroom=28.5, renewals=5)
SOON = LeaseConfig(30, headroom=29.3, renewals=1)


def locked_until(bench: Bench, partition: int = 0) -> object:
    return bench.database.value(
        "SELECT locked_until FROM outbox_processor WHERE partition_id = ?", bench.ids[partition]
    )


def test_renewals_keep_the_lease_of_a_slow_handler(bench: Bench) -> None:
    seen: list[tuple[int, int]] = []
    others: list[int] = []
    other = bench.by_hand(lambda queue: queue.leased(lambda msg: others.append(msg.seq)))

    def handler(msg: OutboxMessage) -> None:
        seen.append((msg.seq, msg.attempts))
        ends: set[object] = set()

        def extended_twice() -> bool:
            other.insist()
            ends.add(locked_until(bench))
            return len(ends) >= 3

        eventually(extended_twice)
        eventually(lambda: msg.remaining() > 0.0)

    bench.on_threads(lambda queue: queue.leased(handler, lease=RENEWED))
    bench.send("a")
    eventually(lambda: bench.row() == Row(cursor=1, attempts=0, error=None, token=None, held=False))
    assert (seen, others) == ([(1, 0)], [])


def test_a_lease_is_renewed_so_many_times_and_no_more(bench: Bench) -> None:
    ends: list[object] = []

    def handler(msg: OutboxMessage) -> None:
        before = locked_until(bench)
        eventually(lambda: hands.keep_leases() or locked_until(bench) != before)
        ends.append(locked_until(bench))
        eventually(lambda: msg.remaining() == 0.0)
        hands.keep_leases()
        ends.append(locked_until(bench))

    hands = bench.by_hand(lambda queue: queue.leased(handler, lease=SOON))
    bench.send("a")
    hands.turn()
    assert ends[0] == ends[1]
    assert bench.row().cursor == 1


@pytest.mark.parametrize("renewals", [0, 3])
def test_a_quick_handler_needs_no_renewal(bench: Bench, renewals: int) -> None:
    ends: list[object] = []

    def handler(_msg: OutboxMessage) -> None:
        ends.append(locked_until(bench))
        hands.keep_leases()
        ends.append(locked_until(bench))

    hands = bench.by_hand(lambda queue: queue.leased(handler, lease=LeaseConfig(30, renewals=renewals)))
    bench.send("a")
    hands.turn()
    assert ends[0] == ends[1]


def test_a_lease_that_was_lost_is_not_renewed(bench: Bench) -> None:
    rows: list[Row] = []

    def handler(msg: OutboxMessage) -> None:
        bench.end_lease()
        eventually(lambda: msg.remaining() == 0.0)
        rows.append(bench.row())
        hands.keep_leases()
        assert bench.held_for() == 0.0
        rows.append(bench.row())

    hands = bench.by_hand(lambda queue: queue.leased(handler, lease=SOON))
    bench.send("a")
    hands.turn()
    assert rows[0] == rows[1]


def test_each_batch_that_is_read_on_has_all_its_renewals(bench: Bench) -> None:
    extended: list[int] = []

    def handler(msg: OutboxMessage) -> None:
        before = locked_until(bench)

        def renewed() -> bool:
            hands.keep_leases()
            return locked_until(bench) != before

        eventually(renewed)
        extended.append(msg.seq)

    tuning = WorkerTuning.processor().batch_size(1)
    hands = bench.by_hand(lambda queue: queue.leased(handler, lease=SOON, tuning=tuning))
    bench.send("a", "b")
    hands.turn()
    assert extended == [1, 2]
    assert bench.row().cursor == 2


def test_a_turn_whose_renewal_fails_does_not_keep_the_others_from_theirs(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = threading.Event()
    begun = [threading.Event(), threading.Event()]

    def handler(msg: OutboxMessage) -> None:
        begun[msg.partition].set()
        assert done.wait(20)

    hands = bench.by_hand(lambda queue: queue.leased(handler, lease=RENEWED))
    keeper = hands.pipeline.keeper
    renew = keeper._renew
    failed: list[object] = []
    error = DatabaseError("not this one")

    def renew_all_but_the_first(turn: Turn, claim: Claim) -> None:
        if not failed:
            failed.append(turn)
        if turn is failed[0]:
            raise error
        assert not isinstance(error, ConnectionLost), "one outage was enough"
        renew(turn, claim)

    monkeypatch.setattr(keeper, "_renew", renew_all_but_the_first)

    def work(partition: int) -> None:
        processor = hands.pipeline.processor()
        while not begun[partition].is_set():
            processor.run_once()

    threads = []
    for partition in (0, 1):
        bench.send("a", partition=partition)
        hands.sequence()
        threads.append(threading.Thread(target=work, args=(partition,)))
        threads[-1].start()
        assert begun[partition].wait(20)
    before = locked_until(bench), locked_until(bench, 1)

    def renewed() -> bool:
        with pytest.raises(DatabaseError, match="not this one"):
            hands.keep_leases()
        return locked_until(bench, 1) != before[1]

    eventually(renewed)
    assert locked_until(bench) == before[0]
    error = ConnectionLost("the server is away")
    with pytest.raises(ConnectionLost):
        hands.keep_leases()
    done.set()
    for thread in threads:
        thread.join()
    assert bench.row(1).cursor == 1
