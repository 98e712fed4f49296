"""What people see: bars, tables and a status in its own place; and what scripts see, plain lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from outbox import Retry
from tests.acceptance.bench import Bench
from tests.acceptance.bench.bench import QUEUE
from tests.acceptance.cli.shell import Shell
from tests.acceptance.cli.terminal import CTRL_C, UP_AND_ERASE, Terminal
from tests.acceptance.dead_letters.office import Office

# What a terminal shows is not the database's.
pytestmark = [pytest.mark.mp, pytest.mark.backends("sqlite")]

HANDLERS = """
def ship(msg):
    print("shipped", msg.seq, flush=True)
    if msg.payload == b"boom":
        raise ValueError("the shelf is gone")
"""
WORK = [
    (("discard", "--all"), "discarding", "letters discarded"),
    (("requeue", "--all"), "requeueing", "letters requeued"),
    (("replay", "--all", "--handler", "shop_handlers:ship"), "replaying", "resolved"),
]


@pytest.mark.parametrize(("words", "label", "done"), WORK, ids=[work[1] for work in WORK])
def test_long_work_shows_how_far_it_is_and_then_what_it_did(
    shell: Shell, office: Office, words: tuple[str, ...], label: str, done: str
) -> None:
    shell.module("shop_handlers", HANDLERS)
    office.put(b"a")
    number = office.put_many(6)

    with Terminal(shell, "dead-letters", *words) as terminal:
        terminal.wait_for(r"Go on\? \[y/N\]")
        terminal.press("y\n")
        code = terminal.end()

    assert code == 0, terminal.text
    table = terminal.text.partition("Go on?")[0]
    assert f"… and {number - 10} more" in table
    assert f"{label} ━" in terminal.text
    assert f" 0/{number} " in terminal.text
    # The bar is gone at the end, and what follows stands where it was.
    last = terminal.drawn.rstrip().splitlines()[-1]
    assert "━" not in last
    assert "\x1b[2K" in terminal.drawn.rpartition("━")[2]
    assert f"{number} {done}" in last


@pytest.mark.parametrize(("words", "label", "done"), WORK, ids=[work[1] for work in WORK])
def test_without_a_terminal_there_are_plain_lines(
    shell: Shell, office: Office, words: tuple[str, ...], label: str, done: str
) -> None:
    shell.module("shop_handlers", HANDLERS)
    office.put(b"a")
    number = office.put_many(5)

    finished = shell("dead-letters", *words, "--yes")

    assert finished.stderr == ""
    assert not {"\x1b", "\r", "━"} & set(finished.stdout)
    assert label not in finished.stdout
    assert finished.lines[-1] == f"{number} {done}"


def test_what_the_handler_says_stands_above_the_bar(shell: Shell, office: Office) -> None:
    shell.module("shop_handlers", HANDLERS)
    office.put(b"a", b"boom", b"c")

    with Terminal(
        shell, "dead-letters", "replay", "--all", "--handler", "shop_handlers:ship", "--yes"
    ) as terminal:
        assert terminal.end() == 1

    lines = [line.strip() for line in terminal.text.split("\n")]
    for said in ("shipped 1", "shipped 2", "ValueError: the shelf is gone", "shipped 3"):
        assert any(line.endswith(said) and "━" not in line.rpartition("\r")[2] for line in lines), (
            terminal.drawn
        )
    assert lines[-2] == "2 resolved, 1 rejected and pending again"


def test_what_the_handler_prints_goes_to_a_file_when_the_output_does(
    shell: Shell, office: Office, tmp_path: Path
) -> None:
    shell.module("shop_handlers", HANDLERS)
    office.put(b"a", b"b")
    words = ("dead-letters", "replay", "--all", "--handler", "shop_handlers:ship", "--yes")

    with (
        (tmp_path / "output").open("w") as output,
        Terminal(shell, *words, output=output.fileno()) as terminal,
    ):
        assert terminal.end() == 0

    assert (tmp_path / "output").read_text().splitlines()[-3:] == ["shipped 1", "shipped 2", "2 resolved"]
    assert "━" in terminal.text
    assert "shipped" not in terminal.text


def test_on_a_narrow_terminal_only_the_errors_are_cut(shell: Shell, bench: Bench, office: Office) -> None:
    office.put(b"a", payload_type="application/json")
    office.database.execute("UPDATE outbox_dead_letters SET last_error = ?", "TypeError: " + "no good " * 20)
    hands = bench.by_hand(lambda queue: queue.leased(lambda msg: Retry("the warehouse " * 9, delay=60)))
    bench.send("a", partition=1)
    hands.work()

    def lines(*words: str) -> list[str]:
        with Terminal(shell, *words, columns=80) as terminal:
            assert terminal.end() == 0
        return terminal.text.strip().splitlines()

    heading, letter = lines("dead-letters", "list")
    assert heading.startswith("ID  QUEUE   PARTITION  SEQ  STATUS   ATTEMPTS  FAILED AT ")
    assert "  pending         1  2026-11-20 12:00:00Z      1  application/json  TypeError: no " in letter
    assert letter.endswith("…")
    _, _, _, heading, partition, *_ = lines("status")
    assert heading.startswith("QUEUE   PARTITION  STATE        PROCESSED  WAITING  BACKLOG  ")
    assert partition.startswith("orders          1  backing off          0        0        1  ")
    assert partition.endswith("  the warehouse the wareh…")


def test_nothing_is_touched_when_the_answer_is_ctrl_c(shell: Shell, office: Office) -> None:
    office.put(b"a")
    before = office.states()

    with Terminal(shell, "dead-letters", "discard", "--all") as terminal:
        terminal.wait_for(r"Go on\?")
        terminal.press(CTRL_C)
        code = terminal.end()

    assert (code, "Traceback" in terminal.text) == (130, False)
    assert office.states() == before


def test_a_watched_status_is_drawn_in_its_own_place_until_ctrl_c(shell: Shell, bench: Bench) -> None:
    with Terminal(shell, "status", "--watch", "--interval", "0.1") as terminal:
        terminal.wait_for(r"orders +4 +0 +0 ")
        bench.send("a", "b", partition=1)
        terminal.wait_for(r"orders +4 +2 +0 ")
        terminal.wait_for(r"orders +1 +waiting ")
        terminal.press(CTRL_C)
        code = terminal.end()

    assert (code, "Traceback" in terminal.text) == (0, False)
    # Each look but the first begins where the one before began.
    assert terminal.drawn.count(UP_AND_ERASE) >= 4
    assert terminal.drawn.split("QUEUE", 2)[1].count(UP_AND_ERASE) >= 4


@pytest.mark.backends("sqlite")
@pytest.mark.parametrize("words", [("purge",), ("queues", "drop")], ids=["purge", "drop"])
def test_emptying_a_queue_shows_how_far_it_is(shell: Shell, bench: Bench, words: tuple[str, ...]) -> None:
    bench.send(*[b"a"] * 1_200)
    with Terminal(shell, *words, QUEUE, "--yes") as terminal:
        assert terminal.end() == 0, terminal.text
    assert "deleting ━" in terminal.text
    assert "/1200 " in terminal.text
    assert bench.database.count("outbox_body") == 0


@pytest.mark.backends("sqlite")
def test_a_drain_shows_how_far_it_is(shell: Shell, bench: Bench) -> None:
    shell.module(
        "shop_app",
        "import os\nfrom outbox import Outbox\n"
        "def ship(msg): pass\n"
        "builder = Outbox.builder(os.environ['OUTBOX_URL']).queue('orders', 4).leased(ship)\n",
    )
    bench.send(b"a", b"b")
    with Terminal(shell, "run", "shop_app:builder", "--drain") as terminal:
        assert terminal.end() == 0, terminal.text
    assert "draining ━" in terminal.text
    assert bench.row().cursor == 2
