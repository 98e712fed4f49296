from __future__ import annotations

import pytest

from tests.acceptance.cli.shell import COMMAND, Shell
from tests.acceptance.dead_letters.office import Office
from tests.support import Spawn

HANDLERS = """
import os, time
from outbox import Batch, Reject

def ship(msg):
    print("shipped", msg.id, msg.seq, msg.queue, msg.partition, msg.payload.decode(), flush=True)
    if msg.payload == b"empty":
        return Reject("empty order")
    if msg.payload == b"boom":
        raise ValueError("the shelf is gone")

def audit(conn, msg):
    conn.execute("INSERT ...")

async def later(msg):
    pass

def lazily(msg):
    yield msg

async def later_and_lazily(msg):
    yield msg

class Shipping:
    def __init__(self, msg):
        pass

def ship_all(batch):
    for msg in batch:
        if msg.payload == b"boom":
            batch.reject("no such shelf")
        else:
            batch.ack()

def ship_typed(letters: Batch):
    ship_all(letters)

def hang(msg):
    print("hangs", flush=True)
    time.sleep(600)

def slow(msg):
    print("slow", msg.seq, flush=True)
    time.sleep(0.3)
"""


@pytest.fixture
def handlers(shell: Shell) -> Shell:
    shell.module("shop_handlers", HANDLERS)
    return shell


def test_a_handler_that_was_fixed_gets_the_message_as_it_was(handlers: Shell, office: Office) -> None:
    (letter,) = office.fail("a", partition=2)

    done = handlers("dead-letters", "replay", letter.id, "--handler", "shop_handlers:ship", "--yes")

    assert done.lines[-2:] == [f'shipped {letter.message_id} {letter.seq} orders 2 "a"', "1 resolved"]
    assert done.returncode == 0
    assert office.states() == {letter.id: "resolved"}


def test_each_letter_is_called_once_and_what_fails_is_pending_again(handlers: Shell, office: Office) -> None:
    ids = office.put(b"boom", b"a", b"empty", b"b")

    done = handlers("dead-letters", "replay", "--all", "--handler", "shop_handlers:ship", "--yes", "--json")

    assert done.returncode == 1
    assert done.stdout == '{"resolved": 2, "rejected": 2, "lost": 0, "skipped": 0}\n'
    printed = [line for line in done.stderr.splitlines() if line.startswith("shipped")]
    assert [line.split()[-1] for line in printed] == ["boom", "a", "empty", "b"]
    assert "ValueError: the shelf is gone" in done.stderr
    assert list(office.states().values()) == ["pending", "resolved", "pending", "resolved"]
    rows = office.database.query(
        "SELECT last_error, attempts FROM outbox_dead_letters WHERE status = 'pending' ORDER BY id"
    )
    assert rows == [("ValueError: the shelf is gone", 2), ("empty order", 2)]
    assert ids


def test_letters_whose_claim_ran_out_are_claimed_again_and_none_is_called_twice(
    handlers: Shell, office: Office
) -> None:
    office.put(b"a", b"b", b"c")

    done = handlers(
        "dead-letters", "replay", "--all", "--handler", "shop_handlers:slow", "--timeout", "0.2", "--yes"
    )

    assert done.lines[-4:] == ["slow 1", "slow 2", "slow 3", "3 resolved"]
    assert set(office.states().values()) == {"resolved"}


@pytest.mark.mp
def test_what_was_claimed_by_a_command_that_died_can_be_replayed(
    handlers: Shell, office: Office, spawn: Spawn
) -> None:
    office.put(b"a", b"b")
    words = ("dead-letters", "replay", "--all", "--handler", "shop_handlers:hang", "--yes")
    child = spawn.command(*COMMAND, *words, env=handlers.environment)
    child.wait_for_line("hangs")
    child.kill()
    again = ("dead-letters", "replay", "--all", "--handler", "shop_handlers:ship", "--yes")
    assert handlers(*again).lines == ["0 resolved"]

    office.end_claims()

    assert handlers(*again).lines[-1] == "2 resolved"


def test_nothing_is_claimed_when_there_is_nobody_to_ask(handlers: Shell, office: Office) -> None:
    office.put(b"a")
    before = office.states()

    handlers.fails(5, "dead-letters", "replay", "--all", "--handler", "shop_handlers:ship")
    handlers.fails(2, "dead-letters", "replay", "--handler", "shop_handlers:ship", "--yes")
    handlers.fails(2, "dead-letters", "replay", "--all", "--handler", "shop_handlers:none", "--yes")
    assert office.states() == before


def test_a_handler_that_wants_a_connection_is_refused_before_it_spoils_the_letters(
    handlers: Shell, office: Office
) -> None:
    office.put(b"a")
    before = office.letters.list()

    said = handlers.fails(2, "dead-letters", "replay", "--all", "--handler", "shop_handlers:audit", "--yes")

    assert "shop_handlers:audit cannot be called with a message: " in said
    assert "requeue" in said
    assert office.letters.list() == before


@pytest.mark.parametrize("name", ["later", "lazily", "later_and_lazily", "Shipping"])
def test_a_handler_whose_body_would_never_run_is_refused_before_it_spoils_the_letters(
    handlers: Shell, office: Office, name: str
) -> None:
    office.put(b"a")
    before = office.letters.list()
    words = ("--all", "--handler", f"shop_handlers:{name}", "--yes")

    said = handlers.fails(2, "dead-letters", "replay", *words)

    assert f"shop_handlers:{name} cannot be called with a message: it is a" in said
    assert office.letters.list() == before


@pytest.mark.parametrize("name", ["ship_all", "ship_typed"])
def test_a_batch_handler_gets_batches(handlers: Shell, office: Office, name: str) -> None:
    ids = office.put(b"a", b"boom", b"c")
    words = ("--all", "--handler", f"shop_handlers:{name}", "--yes")

    done = handlers("dead-letters", "replay", *words)

    assert (done.returncode, done.lines[-1]) == (1, "2 resolved, 1 rejected and pending again")
    assert office.states() == dict(zip(ids, ["resolved", "pending", "resolved"], strict=True))


def test_a_claim_lasts_by_the_clock_of_the_database(shell: Shell, office: Office) -> None:
    (letter,) = office.put(b"a")
    shell.module("sitecustomize", "import time\nright = time.time\ntime.time = lambda: right() - 90\n")
    assert len(shell.process("dead-letters", "replay", letter, "--timeout", "60", "--json").json) == 1
    shell.module("sitecustomize", "")

    again = shell("dead-letters", "replay", letter, "--json")

    assert (again.returncode, again.stdout.strip()) == (1, "[]")
    assert again.stderr.startswith("outbox: 1 letter left out (not there, completed, claimed by another, ")


LOUD = """
import os, subprocess, sys
print("imported")

def ship(msg):
    print("printed")
    os.write(1, b"written\\n")
    subprocess.run([sys.executable, "-c", "print('by a child')"], check=True)
"""


@pytest.mark.mp
def test_whatever_writes_to_standard_output_while_handlers_run_leaves_json_alone(
    shell: Shell, office: Office
) -> None:
    shell.module("loud", LOUD)
    office.put(b"a", b"b")
    words = ("dead-letters", "replay", "--all", "--handler", "loud:ship", "--yes", "--json")

    done = shell.process(*words)

    assert done.json == {"resolved": 2, "rejected": 0, "lost": 0, "skipped": 0}
    assert sorted(done.stderr.splitlines()) == sorted(["imported", *["printed", "written", "by a child"] * 2])


def test_a_named_letter_that_a_limit_left_out_is_told_by_the_exit_code(
    handlers: Shell, office: Office
) -> None:
    first, second = office.put(b"a", b"b")
    words = ("--limit", 1, "--handler", "shop_handlers:ship", "--yes")

    done = handlers("dead-letters", "replay", first, second, *words)

    assert (done.returncode, office.states()) == (1, {first: "resolved", second: "pending"})
