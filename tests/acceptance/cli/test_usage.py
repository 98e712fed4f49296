from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
import pytest

from outbox.cli.app import app
from tests.acceptance.cli.shell import COMMAND, Shell


def verbs(group: click.Group, *names: str) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = [names]
    for name, command in group.commands.items():
        found += verbs(command, *names, name) if isinstance(command, click.Group) else [(*names, name)]
    return found


@pytest.fixture
def nowhere(tmp_path: Path) -> Shell:
    return Shell("postgresql://app:hunter2@127.0.0.1:1/shop", tmp_path)


@pytest.mark.parametrize("verb", verbs(app), ids=" ".join)
def test_every_command_explains_itself(verb: tuple[str, ...], nowhere: Shell) -> None:
    done = nowhere(*verb, "--help")

    assert done.returncode == 0
    assert "Usage: " in done.stdout
    assert "--json" in done.stdout
    assert "Examples:\n    $ " in done.stdout


def test_the_exit_codes_are_documented(nowhere: Shell) -> None:
    shown = nowhere("--help").stdout

    assert [f"{code:>5}  " in shown for code in (0, 1, 2, 3, 4, 5, 6, 130, 141)] == [True] * 9


@pytest.mark.parametrize("words", [(), ("schema",), ("dead-letters",)], ids=str)
def test_a_group_without_a_command_shows_which_there_are(words: tuple[str, ...], nowhere: Shell) -> None:
    done = nowhere(*words)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Usage: outbox")
    assert "Commands:" in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("nonsense",),
        ("status", "--nonsense"),
        ("status", "--interval", "soon"),
        ("status", "--prefix", "1st"),
        ("status", "--schema", "a.b"),
        ("dead-letters", "show"),
        ("dead-letters", "show", "first"),
        ("dead-letters", "list", "--status", "lost"),
        ("dead-letters", "replay", "--handler", "nowhere"),
        ("run", "nowhere:builder"),
        ("run", "json:builder"),
        ("run", "json:dumps.nothing"),
        ("run", "json:JSONEncoder"),
    ],
    ids=" ".join,
)
def test_wrong_usage_is_one_sentence(words: tuple[str, ...], nowhere: Shell) -> None:
    nowhere.fails(2, *words)


def test_without_a_database_it_says_how_to_give_one(nowhere: Shell) -> None:
    assert "--url or set OUTBOX_URL" in nowhere.fails(2, "status", OUTBOX_URL="")


def test_a_database_that_nobody_knows_is_refused_without_its_password(nowhere: Shell) -> None:
    said = nowhere.fails(2, "status", "--url", "oracle://app:hunter2@db/shop")

    assert "oracle" in said
    assert "hunter2" not in said


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://app:hunter2@127.0.0.1:1/shop",
        "postgresql://127.0.0.1:1/shop?user=app&password=hunter2",
        "mysql://app:hunter2@127.0.0.1:1/shop",
        "mariadb://app:hunter2@127.0.0.1:1/shop",
        "sqlite:////nowhere/at/all/shop.db",
    ],
)
@pytest.mark.parametrize(
    "words", [("status",), ("schema", "migrate"), ("doctor",), ("dead-letters", "list")], ids=" ".join
)
def test_a_server_that_is_not_there_is_said_without_its_password(
    url: str, words: tuple[str, ...], nowhere: Shell
) -> None:
    said = nowhere.fails(3, *words, OUTBOX_URL=url)

    assert "hunter2" not in said


def test_the_traceback_is_shown_when_asked_for_and_holds_no_password(nowhere: Shell) -> None:
    for done in (nowhere("status", "--traceback"), nowhere("status", OUTBOX_TRACEBACK="1")):
        assert done.returncode == 3
        assert "Traceback" in done.stderr
        assert "hunter2" not in done.stderr


def test_options_stand_before_or_after_the_command(nowhere: Shell) -> None:
    before = nowhere("--prefix", "shop", "schema", "print", "--backend", "sqlite")
    after = nowhere("schema", "print", "--backend", "sqlite", "--prefix", "shop")

    assert before.stdout == after.stdout
    assert "CREATE TABLE shop_body" in after.stdout


def test_what_is_typed_counts_more_than_the_environment(nowhere: Shell) -> None:
    words = ("schema", "print", "--backend", "sqlite")
    typed = nowhere("--prefix", "typed", *words, OUTBOX_PREFIX="environment")

    assert "typed_body" in typed.stdout
    assert "environment_body" not in typed.stdout


def test_without_its_libraries_the_command_names_the_extra(tmp_path: Path) -> None:
    (tmp_path / "click.py").write_text("raise ModuleNotFoundError('No module named click', name='click')")
    done = subprocess.run(
        COMMAND, env=Shell("", tmp_path).environment | {"PYTHONPATH": f"{tmp_path}:{Path.cwd()}"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 2
    assert 'pip install "outbox-pipeline[cli]"' in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert sys.executable not in done.stderr


@pytest.mark.parametrize("flags", [{}, {"OUTBOX_TRACEBACK": "1"}])
def test_a_password_in_somebody_elses_error_is_masked(nowhere: Shell, flags: dict[str, str]) -> None:
    nowhere.module(
        "leaky",
        "import os\nfrom urllib.parse import urlsplit\nurl = os.environ['OUTBOX_URL']\n"
        "raise ValueError(f'{url} refused {urlsplit(url).password}')",
    )

    done = nowhere("run", "leaky:builder", **flags)

    assert done.returncode == 1
    assert "ValueError: postgresql://app:***@127.0.0.1:1/shop refused ***" in done.stderr
    assert "hunter2" not in done.stderr
