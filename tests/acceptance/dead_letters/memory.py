"""Child processes that go through all letters there are, and tell how large they became."""

from __future__ import annotations

import json
import runpy
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from outbox import DeadLetterFilter, DeadLetterScope, Outbox
from outbox.dead_letters import DeadLetters

AT_ONCE = 256


def operate(url: str, number: int) -> None:
    """Do everything that the library can do with letters, on a quarter of them each; print a line for each."""
    with Outbox.builder(url).open() as outbox:
        letters = outbox.dead_letters
        letters.list(DeadLetterFilter(limit=AT_ONCE))  # so that everything is loaded
        steps: dict[str, Callable[[], int]] = {
            "count": lambda: letters.count(DeadLetterFilter().any_status()),
            "pages": lambda: sum(map(len, letters.pages(DeadLetterFilter(limit=AT_ONCE)))),
            "replay and resolve": lambda: replay(letters, number // 4),
            "requeue": lambda: sum(requeue(letters) for _ in range(0, number // 4, AT_ONCE)),
            "discard": lambda: letters.discard(DeadLetterScope(queue="orders")),
            "cleanup": letters.cleanup,
        }
        for step, act in steps.items():
            before = forget_peak()
            began = time.monotonic()
            done = act()
            seconds = time.monotonic() - began
            print(json.dumps([step, done, peak() - before, seconds]), flush=True)


def replay(letters: DeadLetters, number: int) -> int:
    """Claim and resolve letters, a page at a time."""
    pages = (letters.replay(DeadLetterScope(limit=AT_ONCE)) for _ in range(0, number, AT_ONCE))
    return sum(map(letters.resolve, pages))


def requeue(letters: DeadLetters) -> int:
    """Requeue some letters."""
    return len(letters.requeue(DeadLetterScope(limit=AT_ONCE)))


def command(words: list[str], output: str) -> None:
    """Run the command ``outbox`` with its output in a file; print its peak and how long it took."""
    began = time.monotonic()
    sys.argv = ["outbox", *words]
    with Path(output).open("w") as sys.stdout, pytest.raises(SystemExit, match=r"^0$"):
        runpy.run_module("outbox", run_name="__main__")
    print(json.dumps([peak(), time.monotonic() - began]), file=sys.__stdout__)


def script(path: str, words: list[str]) -> None:
    """Run a script to its end; print its peak."""
    sys.argv = [path, *words]
    try:
        runpy.run_path(path, run_name="__main__")
    finally:
        print(f"\npeak {peak()}")


def peak() -> float:
    """Return how large this process has been, in megabytes."""
    return int(status()["VmHWM"].split()[0]) / 1000


def forget_peak() -> float:
    """Begin anew; return how large it is now."""
    Path("/proc/self/clear_refs").write_text("5")
    return peak()


def status() -> dict[str, str]:
    """Return what the kernel says of this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}
