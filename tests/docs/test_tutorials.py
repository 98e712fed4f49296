"""The pages of the frameworks: what a reader saves and types, saved and typed, until a message is delivered."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, Block, read_sections
from tests.docs.test_commands import is_installable
from tests.servers.ports import free_port
from tests.support import Child, Spawn, eventually

TUTORIALS = {
    "docs/flask.md": (
        "examples/flask_shop/shop.py",
        '{"letters":1,"orders":[["teapot","shipped"]]}',
    ),
    "docs/fastapi.md": (
        "examples/fastapi_shop/shop.py",
        '{"orders":[["teapot","shipped"],["mug","shipped"]]}',
    ),
}


def blocks(page: str, language: str) -> list[Block]:
    (section,) = (
        section for section in read_sections(page) if section.title == "From nothing to a delivered message"
    )
    return section.of(language)


@pytest.mark.parametrize("page", TUTORIALS)
def test_the_page_shows_the_example(page: str) -> None:
    [code] = blocks(page, "python")
    assert code.text + "\n" == (ROOT / TUTORIALS[page][0]).read_text()


class Reader:
    """Types commands in a folder, where ``shop.py`` is saved."""

    def __init__(self, folder: Path, spawn: Spawn) -> None:
        self.folder = folder
        self.spawn = spawn
        self.port = str(free_port())
        self.servers: list[Child] = []
        self.environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)]),
            "SHOP_DATABASE": f"sqlite:///{folder}/shop.db",
        }

    def type(self, line: str) -> str:
        """Run a command; return what it prints, nothing for one that goes on in the background."""
        words = [word.replace("5000", self.port).replace("8000", self.port) for word in shlex.split(line)]
        if words[0] == "pip":
            assert any(is_installable(word) for word in words[2:]), "it installs what there is"
            return ""
        if words[0] == "curl":
            return self.ask([*words, "--silent", "--show-error", "--fail"])
        command = [sys.executable, "-m", *words]
        if command[-1] == "&":
            self.servers.append(self.spawn.command(*command[:-1], env=self.environment))
            return ""
        return subprocess.run(
            command, env=self.environment, cwd=self.folder, check=True, capture_output=True, text=True
        ).stdout

    def ask(self, words: list[str]) -> str:
        """Ask until the server, which has just been started, answers."""

        def answered() -> str:
            assert all(server.running for server in self.servers), [server.errors for server in self.servers]
            return subprocess.run(words, check=False, capture_output=True, text=True).stdout

        return eventually(answered, 30)


@pytest.mark.mp
@pytest.mark.parametrize("page", TUTORIALS)
def test_what_the_page_says_delivers_a_message(page: str, spawn: Spawn, tmp_path: Path) -> None:
    example, wanted = TUTORIALS[page]
    (tmp_path / "shop.py").write_text((ROOT / example).read_text())
    reader = Reader(tmp_path, spawn)
    lines = [line for block in blocks(page, "sh") for line in block.text.splitlines()]
    for line in lines:
        reader.type(line)
    eventually(lambda: "".join(reader.type(lines[-1]).split()) == wanted, 30)
    for server in reversed(reader.servers):
        server.interrupt()
        server.wait(30)
