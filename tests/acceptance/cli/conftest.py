from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.acceptance.bench import Bench
from tests.acceptance.bench.fixtures import bench
from tests.acceptance.cli.shell import COMMAND, Shell
from tests.acceptance.dead_letters.conftest import office
from tests.support import Child, Database, Spawn

__all__ = ["bench", "office", "shell", "start"]


@pytest.fixture
def shell(migrated: Database, tmp_path: Path) -> Shell:
    """A shell at a database with empty tables."""
    return Shell(migrated.url, tmp_path)


Start = Callable[..., Child]
APP = """
import os, time
from outbox import Outbox

def ship(msg):
    print("shipping", msg.json(), flush=True)
    time.sleep({seconds})
    print("shipped", msg.json(), flush=True)

def make(url):
    return Outbox.builder(url).poll_interval(0.05).queue("orders", 4).leased(ship)

builder = make(os.environ["OUTBOX_URL"])
"""


@pytest.fixture
def start(shell: Shell, bench: Bench, spawn: Spawn) -> Start:
    """Start ``outbox run``; the queue exists."""

    def start(*words: str, seconds: float = 0) -> Child:
        shell.module("shop_app", APP.format(seconds=seconds))
        child = spawn.command(*COMMAND, "run", *words, env=shell.environment)
        child.wait_for_line("started")
        return child

    return start
