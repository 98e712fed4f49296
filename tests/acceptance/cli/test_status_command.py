from __future__ import annotations

import json
import signal
import subprocess

import pytest

from outbox import Retry
from tests.acceptance.bench import Bench
from tests.acceptance.cli.shell import COMMAND, Shell
from tests.acceptance.dead_letters.office import Office
from tests.support import Spawn


def test_an_empty_database_has_nothing_to_tell(shell: Shell) -> None:
    assert shell("status").lines == [
        "no queues are registered",
        "",
        "dead letters: 0 pending, 0 reprocessing, 0 resolved, 0 discarded",
    ]


def test_it_shows_who_is_stuck_and_why(shell: Shell, bench: Bench, office: Office) -> None:
    office.fail("poison", partition=3)
    hands = bench.by_hand(
        lambda queue: queue.leased(lambda msg: Retry("the warehouse\nis \x1b[31mclosed", delay=60))
    )
    bench.send("a", "b", "c", partition=1)
    hands.work()
    bench.send("d", partition=2)

    done = shell("status")
    queue, stuck, waiting = done.lines[1].split(), done.lines[4], done.lines[5]

    assert queue[:4] == ["orders", "4", "1", "3"]
    assert stuck.split()[:3] == ["orders", "1", "backing"]
    assert stuck.endswith("the warehouse")
    assert waiting.split()[:3] == ["orders", "2", "waiting"]
    assert done.lines[-1] == "dead letters: 1 pending, 0 reprocessing, 0 resolved, 0 discarded"
    assert "\x1b" not in done.stdout


def test_a_message_that_is_handled_for_the_first_time_does_not_fail(shell: Shell, bench: Bench) -> None:
    seen: list[list[str]] = []
    hands = bench.by_hand(lambda queue: queue.leased(lambda msg: seen.append(shell("status").lines)))
    bench.send("a", partition=1)
    hands.work()

    ((heading, queue, _, _, partition, *_),) = seen
    assert heading.split()[-2:] == ["LEASED", "FAILING"]
    assert queue.split()[-2:] == ["1", "0"]
    assert partition.split()[:3] == ["orders", "1", "leased"]
    assert partition.split()[-2].count(":") == 3


def test_a_message_whose_failures_do_not_count_fails_all_the_same(shell: Shell, bench: Bench) -> None:
    away = Retry("the warehouse is away", delay=0, counts=False)
    hands = bench.by_hand(lambda queue: queue.leased(lambda msg: away))
    bench.send("a", partition=1)
    hands.turn()

    _, queue, _, _, partition, *_ = shell("status").lines
    assert queue.split()[-1] == "1"
    assert partition.split()[:3] == ["orders", "1", "failing"]
    assert partition.endswith("the warehouse is away")


def test_scripts_get_every_partition_as_json(shell: Shell, bench: Bench) -> None:
    bench.send("a", partition=1)

    found = shell("status", "--json").json

    assert [row["incoming"] for row in found["partitions"]] == [0, 1, 0, 0]
    assert [row["state"] for row in found["partitions"]] == ["idle", "waiting", "idle", "idle"]
    assert found["dead_letters"] == dict.fromkeys(("pending", "reprocessing", "resolved", "discarded"), 0)


def test_one_queue_may_be_chosen_and_idle_partitions_shown(shell: Shell, bench: Bench) -> None:
    bench.producer.register_queue("audit", 2)

    assert [line.split()[0] for line in shell("status").lines[1:3]] == ["audit", "orders"]
    chosen = shell("status", "--queue", "audit", "--all").lines
    assert [line.split()[:3] for line in chosen[4:6]] == [["audit", "0", "idle"], ["audit", "1", "idle"]]
    assert not any("orders" in line for line in chosen)


@pytest.mark.mp
def test_watching_looks_again_until_it_is_interrupted(shell: Shell, bench: Bench, spawn: Spawn) -> None:
    child = spawn.command(*COMMAND, "status", "--watch", "--json", "--interval", "0.1", env=shell.environment)
    child.wait_for_line('"incoming": 0')

    bench.send("a", partition=0)
    child.wait_for_line('"incoming": 1')
    child.interrupt()

    assert child.wait() == 0
    assert child.errors == ""
    assert all(json.loads(line) for line in child.lines)


@pytest.mark.mp
@pytest.mark.parametrize(
    "words",
    [("status", "--watch", "--interval", "0.01"), ("status", "--watch", "--json", "--interval", "0.01")],
)
def test_a_closed_pipe_ends_it_quietly(shell: Shell, bench: Bench, words: tuple[str, ...]) -> None:
    process = subprocess.Popen(
        [*COMMAND, *words], env=shell.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout
    assert process.stderr
    assert process.stdout.readline()
    process.stdout.close()

    assert process.wait(20) == 128 + signal.SIGPIPE
    assert process.stderr.read() == ""
    process.stderr.close()
