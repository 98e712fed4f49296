"""Every verb once as a process of its own: the same answer and exit code as inside of this one."""

from __future__ import annotations

import pytest

from outbox.cli.app import app
from tests.acceptance.cli.shell import COMMAND, Shell
from tests.acceptance.cli.test_usage import verbs
from tests.acceptance.dead_letters.office import Office
from tests.support import Spawn

pytestmark = [pytest.mark.mp, pytest.mark.backends("sqlite")]

SHOP = """
from outbox import Outbox
builder = Outbox.builder({url!r}).queue("orders", 4).leased(print)
def ship(msg):
    pass
"""
# Words, exit code, and what standard output contains.
CASES: dict[str, tuple[str, int, str]] = {
    "": ("--version", 0, "outbox "),
    "schema": ("schema --help", 0, "Usage: outbox schema"),
    "schema print": ("schema print --backend mysql", 0, "CREATE TABLE"),
    "schema migrate": ("schema migrate", 0, "nothing to do"),
    "schema status": ("schema status --json", 0, '"ready": true'),
    "schema grants": ("schema grants worker app --backend postgresql", 0, "GRANT SELECT ON"),
    "schema new-epoch": ("schema new-epoch", 0, "epoch 2 of installation "),
    "schema rollback": ("schema rollback --yes", 0, "undone 0001_create_tables"),
    "status": ("status", 0, "1 pending"),
    "dead-letters": ("dead-letters --help", 0, "Usage: outbox dead-letters"),
    "dead-letters list": ("dead-letters list", 0, "orders"),
    "dead-letters count": ("dead-letters count", 0, "1"),
    "dead-letters show": ("dead-letters show 1", 0, "no good"),
    "dead-letters replay": ("dead-letters replay 1 --handler shop:ship --yes", 0, "1 resolved"),
    "dead-letters resolve": ("dead-letters resolve 1 2", 1, "1 letter resolved, 1 unchanged"),
    "dead-letters reject": ("dead-letters reject 1 --reason no", 0, "1 letter rejected"),
    "dead-letters requeue": ("dead-letters requeue 1 --yes", 0, "1 letter requeued"),
    "dead-letters discard": ("dead-letters discard 1 --yes", 0, "1 letter discarded"),
    "dead-letters cleanup": ("dead-letters cleanup --yes", 0, "0 letters deleted"),
    "dead-letters groups": ("dead-letters groups", 0, "NEWEST  GROUP"),
    "dead-letters rehearse": ("dead-letters rehearse --help", 0, "Usage: outbox dead-letters rehearse"),
    "hold": ("hold", 0, "all queues are held"),
    "metrics": ("metrics --help", 0, "Usage: outbox metrics"),
    "parked": ("parked --help", 0, "Usage: outbox parked"),
    "parked list": ("parked list", 0, "no key is parked"),
    "parked discard": ("parked discard --help", 0, "Usage: outbox parked discard"),
    "parked release": ("parked release --help", 0, "Usage: outbox parked release"),
    "plan": ("plan shop:builder", 0, "threads"),
    "purge": ("purge --help", 0, "Usage: outbox purge"),
    "queues": ("queues --help", 0, "Usage: outbox queues"),
    "queues pause": ("queues pause orders", 0, "queue orders is paused"),
    "queues resume": ("queues resume orders", 0, ""),
    "queues resize": ("queues resize orders 16", 0, "queue orders has 16 partitions now"),
    "queues keep": ("queues keep orders 7d", 0, "queue orders keeps what was delivered for 7 d"),
    "queues redeliver": ("queues redeliver orders --help", 0, "Usage: outbox queues redeliver"),
    "queues rename": ("queues rename orders bills", 0, "queue orders is called bills now"),
    "queues drop": ("queues drop orders --help", 0, "Usage: outbox queues drop"),
    "queues skip": ("queues skip --help", 0, "Usage: outbox queues skip"),
    "web": ("web --help", 0, "Usage: outbox web"),
    "healthcheck": ("healthcheck --liveness-file nowhere", 1, ""),
    "relay": ("relay --to nats://localhost --queue nowhere", 2, ""),
    "doctor": ("doctor --strict", 1, "1 letter pending"),
}


def test_every_verb_is_among_them() -> None:
    assert {*CASES, "run"} == {" ".join(verb) for verb in verbs(app)}


@pytest.mark.parametrize("verb", CASES)
def test_a_process_answers_as_the_command_does(shell: Shell, office: Office, verb: str) -> None:
    words, code, printed = CASES[verb]
    shell.module("shop", SHOP.format(url=shell.url))
    assert office.put(b"a") == [1]

    done = shell.process(*words.split())

    assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stderr
    assert printed in done.stdout


def test_run_is_a_process_that_ends_at_a_signal(shell: Shell, office: Office, spawn: Spawn) -> None:
    shell.module("shop", SHOP.format(url=shell.url))
    child = spawn.command(*COMMAND, "run", "shop:builder", env=shell.environment)
    child.wait_for_line("started")
    child.terminate()
    assert child.wait() == 0
