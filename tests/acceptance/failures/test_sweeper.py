"""The sweeper gives up what keeps failing, and nothing else."""

from __future__ import annotations

import logging

import pytest

import outbox
from outbox import OutboxMessage, Retry, SqlFailureTracker
from tests.acceptance.bench import PARTITIONS, Bench, Letter, Row
from tests.acceptance.failures.support import REASON, THRESHOLD, Ward, accusation, guarded
from tests.support import Database, eventually

modes = pytest.mark.parametrize("mode", ["leased", "transactional"])


def bad_ones(msg: OutboxMessage) -> Retry | None:
    return Retry("bad") if msg.json() == "bad" else None


@modes
def test_a_head_at_the_threshold_is_dead_lettered_in_its_rest_and_the_successors_flow(
    bench: Bench, mode: str
) -> None:
    ward = Ward(bench, bad_ones, mode=mode)
    bench.send("a", "bad", "c")
    ward.work(THRESHOLD - 1)
    ward.sweep()
    assert bench.dead() == []
    ward.work()
    assert bench.held_for() > 0
    ward.sweep()
    assert bench.dead() == [Letter(2, REASON, THRESHOLD)]
    assert bench.row() == Row(cursor=2, attempts=0, error=None, token=None, held=False)
    ward.hands.work()
    assert bench.row().cursor == 3
    assert ward.told() == []


@modes
def test_threads_with_the_outboxs_own_table_quarantine_the_poison_and_deliver_the_rest(
    bench: Bench, mode: str
) -> None:
    delivered: list[int] = []

    def handler(msg: OutboxMessage) -> Retry | None:
        if msg.json() == "bad":
            # The last failure rests for an hour: it is the sweeper that ends this.
            return Retry("bad", delay=0.01 if msg.attempts < THRESHOLD - 1 else 3600)
        delivered.append(msg.seq)
        return None

    handle = bench.on_threads(guarded(handler, None, mode=mode))
    bench.send("a", "bad", "c", "bad", "e")
    eventually(lambda: bench.row().cursor == 5, 20)
    assert delivered == [1, 3, 5]
    assert bench.dead() == [Letter(2, REASON, THRESHOLD), Letter(4, REASON, THRESHOLD)]
    assert handle.stop(20)
    assert bench.database.count("outbox_failures") == 0


def test_failures_in_several_processes_add_up(bench: Bench) -> None:
    with SqlFailureTracker(bench.database.url) as tracker:
        one, two = (Ward(bench, bad_ones, tracker) for _ in range(2))
        bench.send("bad")
        one.work()
        two.work(2)
        two.told()
        one.sweep()
        assert bench.dead() == [Letter(1, REASON, THRESHOLD)]


def test_a_delivered_message_is_never_dead_lettered_whatever_the_tracker_says(bench: Bench) -> None:
    ward = Ward(bench, lambda _msg: None)
    bench.send("a", "b", "c")
    ward.work()
    for seq in (1, 2, 3):
        ward.accuse(seq, failures=1000)
    before = bench.row()
    ward.sweep()
    assert (bench.dead(), bench.row(), ward.told()) == ([], before, [])


def test_a_message_that_is_not_the_head_yet_waits_for_its_turn(bench: Bench) -> None:
    ward = Ward(bench, bad_ones)
    bench.send("a", "b")
    ward.hands.sequence()
    ward.accuse(2)
    ward.sweep()
    assert (bench.dead(), ward.told()) == ([], [(2, THRESHOLD)])
    assert bench.row() == Row(cursor=0, attempts=0, error=None, token=None, held=False)


def test_entries_of_partitions_that_do_not_exist_are_dropped(bench: Bench) -> None:
    ward = Ward(bench, bad_ones)
    entry = accusation(bench, 1)
    ward.tracker.restore(
        [
            outbox.FailureEntry(
                outbox.FailureKey(10**12, 1), 99, entry.last_failed_at, entry.last_failed_at, ""
            )
        ]
    )
    ward.sweep()
    assert ward.told() == []


def test_a_message_must_have_been_failing_for_the_minimum_age(bench: Bench) -> None:
    ward = Ward(bench, bad_ones, min_age=600)
    bench.send("bad")
    ward.work(THRESHOLD + 2)
    ward.sweep()
    assert (bench.dead(), ward.told()) == ([], [(1, THRESHOLD + 2)])
    ward.accuse(1, failures=1, failing_for=601)
    ward.sweep()
    assert [letter.attempts for letter in bench.dead()] == [THRESHOLD + 3]


def test_a_sweep_gives_up_no_more_than_its_share_and_says_so(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    ward = Ward(bench, lambda _msg: Retry("downstream is away"), max_per_sweep=1)
    for partition in range(PARTITIONS):
        bench.send("a", partition=partition)
    ward.hands.sequence()
    for partition in range(PARTITIONS):
        ward.accuse(1, partition)
    for swept in range(1, PARTITIONS + 1):
        with caplog.at_level(logging.WARNING):
            caplog.clear()
            ward.sweep()
        assert bench.database.count("outbox_dead_letters") == swept
        assert ("more than 1 messages" in caplog.text) == (swept < PARTITIONS)


def test_one_partition_whose_head_cannot_be_dead_lettered_does_not_stop_the_others(
    database: Database,
) -> None:
    outbox.migrate(database.url)
    bench = Bench(database)
    ward = Ward(bench, bad_ones)
    for partition in range(PARTITIONS):
        bench.send("bad", partition=partition)
    ward.work(1)
    database.execute("CREATE UNIQUE INDEX once ON outbox_dead_letters (partition_id, seq)")
    copy = "message_id, partition_id, seq, payload, payload_type, created_at, attempts"
    database.execute(
        f"INSERT INTO outbox_dead_letters ({copy}) "
        "SELECT o.body_id, o.partition_id, o.seq, b.payload, b.payload_type, b.created_at, 1 "
        "FROM outbox_outgoing o JOIN outbox_body b ON b.id = o.body_id WHERE o.partition_id = ?",
        bench.ids[0],
    )
    for partition in range(PARTITIONS):
        ward.accuse(1, partition)
    before = bench.row(0)
    ward.sweep()
    assert [bench.row(partition).cursor for partition in range(PARTITIONS)] == [0, 1, 1, 1]
    assert bench.row(0) == before == Row(cursor=0, attempts=1, error="bad", token=None, held=True)
    assert [seq for seq, count in ward.told() if count >= THRESHOLD] == [1]
    bench.close()


def test_a_restore_that_fails_is_made_up_for(bench: Bench) -> None:
    class Moody(outbox.InMemoryFailureTracker):
        mood = "good"

        def restore(self, entries: object) -> None:
            if self.mood == "bad":
                raise RuntimeError("not now")
            super().restore(entries)  # type: ignore[arg-type]

    tracker = Moody()
    ward = Ward(bench, bad_ones, tracker, min_age=600)
    bench.send("bad")
    ward.work(THRESHOLD)
    ward.told()
    tracker.mood = "bad"
    ward.sweep()
    ward.sweep()
    tracker.mood = "good"
    ward.sweep()
    assert ward.told() == [(1, THRESHOLD)]


def test_stale_counts_below_the_threshold_are_tidied_up_now_and_then(bench: Bench) -> None:
    ward = Ward(bench, bad_ones)
    bench.send("a", "bad")
    ward.work()
    ward.accuse(1, failures=1)
    ward.sweep()
    assert ward.told() == [(1, 1), (2, 1)]
    ward.sweeper._tidy_at = 0
    ward.sweep()
    assert ward.told() == [(2, 1)]
    assert bench.dead() == []


def test_options_of_the_quarantine_are_checked_at_once(bench: Bench) -> None:
    builder = outbox.Outbox.builder(bench.database.url)
    wrong: list[dict[str, object]] = [
        {"threshold": 0},
        {"threshold": 1.5},
        {"threshold": 3, "interval": 0},
        {"threshold": 3, "min_age": -1},
        {"threshold": 3, "max_per_sweep": 0},
        {"threshold": 3, "tracker": object()},
    ]
    for options in wrong:
        with pytest.raises(outbox.ConfigurationError):
            builder.quarantine(**options)  # type: ignore[arg-type]
