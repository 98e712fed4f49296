"""A probe that costs milliseconds and asks nothing of the database."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from outbox.cli.liveness import answer_quickly
from tests.acceptance.cli.shell import Shell

HEAVY = {"click", "rich", "sqlalchemy", "tenacity", "psycopg", "mysql", "logging"}
LOOK = """
import sys
sys.argv[1:] = {words!r}
from outbox.cli.main import main
try:
    main()
except SystemExit as end:
    print(end.code, *sys.modules)
"""


@pytest.fixture
def alive(tmp_path: Path) -> Path:
    path = tmp_path / "alive"
    path.touch()
    return path


def look(path: Path, max_age: str = "10s") -> tuple[str, ...]:
    return ("healthcheck", "--liveness-file", str(path), "--max-age", max_age)


@pytest.fixture
def nowhere(tmp_path: Path) -> Shell:
    """A shell whose database is away."""
    return Shell("postgresql://127.0.0.1:1/shop", tmp_path)


def test_a_fresh_file_is_alive_whatever_the_database_does(nowhere: Shell, alive: Path) -> None:
    assert nowhere(*look(alive)).lines == ["alive"]
    assert nowhere(*look(alive), "--json").json == {"alive": True}
    assert answer_quickly([*look(alive)]) == 0


@pytest.mark.parametrize(("seconds", "said"), [(-60, "1 min ago"), (60, "in the future")])
def test_an_old_file_is_not_nor_one_of_another_time(
    nowhere: Shell, alive: Path, seconds: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    os.utime(alive, (time.time() + seconds,) * 2)

    assert said in nowhere.fails(1, *look(alive))
    assert answer_quickly([*look(alive)]) == 1
    assert said in capsys.readouterr().err
    assert nowhere(*look(alive, "2m")).returncode == 0


def test_a_file_that_is_not_there_says_who_makes_it(nowhere: Shell, tmp_path: Path) -> None:
    assert "outbox run --liveness-file" in nowhere.fails(1, *look(tmp_path / "nowhere"))


@pytest.mark.parametrize(
    "words", [(), ("--liveness-file", "x", "--max-age", "soon"), ("--nonsense", "x", "y", "z")]
)
def test_whatever_else_is_typed_goes_to_the_command(nowhere: Shell, words: tuple[str, ...]) -> None:
    assert answer_quickly(["healthcheck", *words]) is None
    nowhere.fails(2, "healthcheck", *words)


def test_the_probe_imports_nothing_but_what_it_needs(alive: Path) -> None:
    program = LOOK.format(words=[*look(alive)])
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    code, *modules = done.stdout.split()
    assert code == "0"
    assert HEAVY.isdisjoint(modules)
    assert {name for name in modules if name.startswith("outbox")} == {
        "outbox", "outbox.cli", "outbox.cli.main", "outbox.cli.liveness", "outbox.values", "outbox.values.readable",
    }  # fmt: skip


def test_a_process_answers_like_that(nowhere: Shell, alive: Path) -> None:
    assert nowhere.process(*look(alive)).returncode == 0
    os.utime(alive, (0, 0))
    done = nowhere.process(*look(alive))
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (1, "", 1)
