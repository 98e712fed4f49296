"""The doctor on rows that somebody deleted."""

from __future__ import annotations

import json

import pytest

from outbox.doctor.checks.leftovers import MANY
from outbox.runtime.directive import Idle
from tests.acceptance.bench import Bench
from tests.acceptance.cli.shell import Shell

SEQUENCED = 4


@pytest.mark.parametrize(
    ("deleted", "text", "processed"),
    [
        ((1,), "message 1 has been deleted", "1"),
        ((1, 2), "messages 1 to 2 have been deleted", "2"),
        ((1, 2, 3, 4), "messages 1 and all after it have been deleted", "the partition's sequence"),
    ],
    ids=str,
)
def test_a_partition_that_stands_still_behind_a_deleted_row_is_a_problem(
    shell: Shell, bench: Bench, deleted: tuple[int, ...], text: str, processed: str
) -> None:
    hands = bench.by_hand(lambda queue: queue.leased(print))
    bench.send(*range(SEQUENCED), partition=2)
    hands.sequence()
    for seq in deleted:
        bench.database.execute(
            "DELETE FROM outbox_outgoing WHERE partition_id = ? AND seq = ?", bench.ids[2], seq
        )

    done = shell("doctor", "--json")

    assert done.returncode == 1, done.stdout + done.stderr
    [finding] = [row for row in json.loads(done.stdout) if row["check"] == "gaps"]
    assert finding["level"] == "problem"
    assert f"queue orders, partition 2: {text}" in finding["text"]
    assert f"set processed_seq to {processed} where partition_id is {bench.ids[2]} " in finding["advice"]


def test_a_row_that_is_missing_further_behind_is_found_when_its_turn_comes(
    shell: Shell, bench: Bench
) -> None:
    hands = bench.by_hand(lambda queue: queue.leased(print))
    bench.send(*range(SEQUENCED))
    hands.sequence()
    bench.database.execute("DELETE FROM outbox_outgoing WHERE partition_id = ? AND seq = 3", bench.ids[0])
    assert "gaps" not in shell("doctor", "--json").stdout
    hands.work()
    assert "message 3 has been deleted" in shell("doctor", "--json").stdout


def test_delivered_messages_that_no_process_removes_are_a_warning(shell: Shell, bench: Bench) -> None:
    hands = bench.by_hand(lambda queue: queue.leased_batch(lambda _batch: None))
    bench.send(*range(MANY - 1))
    hands.work()
    assert warnings_of(shell) == []
    bench.send("one more", partition=1)
    assert warnings_of(shell) == []
    hands.work()
    [finding] = warnings_of(shell)
    assert f"queue orders: {MANY} delivered messages" in finding["text"]
    while hands.pipeline.vacuum().run_once() != Idle():
        pass
    assert warnings_of(shell) == []


def warnings_of(shell: Shell) -> list[dict[str, str]]:
    findings = json.loads(shell("doctor", "--json").stdout)
    return [row for row in findings if row["check"] == "leftovers" and row["level"] != "ok"]
