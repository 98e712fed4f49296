"""The page on Django: what a reader copies from its first section works as it stands."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

import pytest

from tests.contrib.django.environments import ROOT
from tests.docs.pages import Section, read_sections
from tests.support import Child, Spawn, eventually

pytestmark = [pytest.mark.framework, pytest.mark.mp]


def first() -> Section:
    return next(one for one in read_sections("docs/django.md") if one.title == "The first message")


def write(place: Path, text: str) -> None:
    """Write a block to the file that its first line names, at the end of one that is there."""
    named = re.match(r"# (\S+\.py)(, at its end)?\n", text)
    assert named, text
    with (place / named[1]).open("a" if named[2] else "w") as file:
        file.write(f"\n{text}\n")


def test_a_message_is_delivered_after_a_few_commands(python: Path, spawn: Spawn, tmp_path: Path) -> None:
    env = {"PATH": f"{python.parent}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    children: list[Child] = []
    expected = ""
    for block in first().blocks:
        if block.language == "python":
            write(tmp_path, block.text)
        elif block.language == "text":
            expected = block.text
        for command in block.text.splitlines() if block.language == "sh" else ():
            if command.startswith("pip install"):
                continue  # the environment has what setup.cfg says of this very extra
            line = f"cd {shlex.quote(str(tmp_path))} && exec {command}"
            children.append(spawn.command("bash", "-c", line, env=env))
            if not command.endswith("outbox run"):
                children[-1].succeed(60)
    worker = children[-1]
    eventually(lambda: expected in worker.lines, 30)
    worker.terminate()
    assert worker.wait(60) == 0, worker.errors
