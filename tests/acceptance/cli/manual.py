"""Run the commands of a page of the documentation, and print what they print."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

from tests.docs.pages import read_sections

PAGE = "docs/command-line.md"
SHOP = """
from outbox import Outbox

def ship(msg):
    order = msg.json()
    print(f"order {order['id']}: {len(order['lines'])} lines shipped", flush=True)

builder = (
    Outbox.builder("sqlite:///shop.db").poll_interval(0.05).queue("orders", 4).leased(ship, max_attempts=3)
)
"""
SEED = """
import shop
from outbox import testing

with shop.builder.open() as box:
    for id_, lines in enumerate(([1, 2], [3], None, [4]), 1):
        box.enqueue_now("orders", {"id": id_, "lines": lines}, partition=1)
    for _ in range(4):
        testing.drain(shop.builder)
    box.enqueue_now("orders", {"id": 5}, partition=2)
    box.enqueue_now("orders", {"id": 6, "lines": []}, partition=2)
    testing.drain(shop.builder)
"""
# What differs from run to run, and what the page shows for it.
VOLATILE = (
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ", "2026-11-21 05:07:08Z"),
    (r" (?: \d|\d\d)\.\d s", "  3.1 s"),
    (r"SQLite \S+ on Python \d+\.\d+\.\d+\S*", "SQLite 3.51.3 on Python 3.12.3"),
    (r"\bpid \d+", "pid 4711"),
    (r"\b[0-9a-f]{32}\b", "5f0c4a17e2b94c6d8a3b1e90c7d2f684"),
    # Whether the machine's SQLite has its fault is the machine's matter.
    (
        r"(?:ok     |warning)  server .*\n(?: +-> upgrade SQLite.*\n)?",
        "ok       server        SQLite 3.51.3\n",
    ),
    (r"(\d+ problems?), \d warnings?", r"\1, 2 warnings"),
)


class Manual:
    """A shop in the current folder: its module, its tables and, if wanted, a failing message or two."""

    def __init__(self, *, tables: bool = True, trouble: bool = True, mended: bool = False) -> None:
        self.environment = {**os.environ, "OUTBOX_URL": "sqlite:///shop.db"}
        Path("shop.py").write_text(dedent(SHOP))
        if tables:
            self.run("outbox schema migrate")
        if trouble:
            subprocess.run([sys.executable, "-c", SEED], env=self.path, capture_output=True, check=True)
        if mended:
            Path("shop.py").write_text(SHOP.replace("order['lines']", "order['lines'] or []"))

    @property
    def path(self) -> dict[str, str]:
        return {**self.environment, "PYTHONPATH": f"{self.environment.get('PYTHONPATH', '')}:{Path.cwd()}"}

    def follow(self, title: str, page: str = PAGE) -> None:
        """Run the commands of a section, and print their output as the page shows it."""
        print("\n".join(filter(None, (normal(self.run(command)) for command in commands(title, page)))))

    def run(self, command: str) -> str:
        """Run one command."""
        words = [sys.executable, "-m", *shlex.split(command)]
        done = subprocess.run(words, env=self.path, capture_output=True, text=True, check=False)
        return done.stdout + done.stderr

    def serve(self, title: str) -> None:
        """Run the workers of a section until they have shipped an order, then stop them."""
        (command,) = commands(title)
        words = [sys.executable, "-m", *shlex.split(command), "--log-level", "error"]
        workers = subprocess.Popen(words, env=self.path, stdout=subprocess.PIPE, text=True)
        assert workers.stdout
        lines = [workers.stdout.readline()]
        order = '{"id": 7, "lines": [1, 2]}'
        send = f"import shop, json; shop.builder.open().enqueue_now('orders', json.loads('{order}'))"
        subprocess.run([sys.executable, "-c", send], env=self.path, check=True)
        lines.append(workers.stdout.readline())
        workers.send_signal(signal.SIGTERM)
        assert workers.wait(20) == 0
        print(normal("".join([*lines, workers.stdout.read()])))
        workers.stdout.close()


def commands(title: str, page: str = PAGE) -> list[str]:
    """Return the commands of a section."""
    (section,) = (section for section in read_sections(page) if section.title == title)
    return [line for block in section.of("console") for line in block.text.splitlines()]


def normal(text: str) -> str:
    """Return an output with what differs from run to run as the page has it."""
    for pattern, shown in VOLATILE:
        text = re.sub(pattern, shown, text)
    return text.strip("\n")
