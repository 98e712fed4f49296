from __future__ import annotations

from pathlib import Path

import pytest

import outbox
from tests.acceptance.cli.shell import Shell
from tests.acceptance.schema.shape import tables
from tests.support import Database

NAMES = ["0001_create_tables", "0002_keys_and_features"]


@pytest.fixture
def bare(database: Database, tmp_path: Path) -> Shell:
    """A shell at a database without tables."""
    if database.backend == "sqlite":
        database.query("SELECT 1")  # the file
    return Shell(database.url, tmp_path)


def test_tables_come_and_go(bare: Shell, database: Database) -> None:
    assert bare("schema", "status").returncode == 4
    assert "run: outbox schema migrate" in bare.fails(4, "status")

    assert bare("schema", "migrate").lines == [f"applied {name}" for name in NAMES]
    assert bare("schema", "migrate").lines == ["nothing to do: the tables are up to date"]
    assert bare("schema", "status").lines[1:] == [f"{name:<22}  applied" for name in NAMES]

    done = bare("schema", "rollback", "--yes")
    assert done.lines[1:] == [f"undone {name}" for name in reversed(NAMES)]
    assert "with 0 queues, 0 undelivered messages and 0 dead letters" in done.lines[0]
    assert tables(database) == set()


def test_scripts_get_json(bare: Shell) -> None:
    status = bare("schema", "status", "--json")
    assert status.returncode == 4
    assert '"ready": false' in status.stdout

    assert bare("schema", "migrate", "--json").json == {"applied": NAMES}
    assert bare("schema", "status", "--json").json == {
        "ready": True,
        "migrations": [{"name": name, "applied": True} for name in NAMES],
        "unknown": [],
    }
    assert bare("schema", "rollback", "--yes", "--json").json == {"undone": NAMES[::-1]}


def test_a_prefix_is_repeated_in_the_advice(bare: Shell) -> None:
    assert bare.fails(4, "status", "--prefix", "shop").endswith("run: outbox schema migrate --prefix shop")


def test_nothing_is_dropped_when_there_is_nobody_to_ask(shell: Shell, migrated: Database) -> None:
    before = tables(migrated)

    assert "--yes" in shell.fails(5, "schema", "rollback")
    assert tables(migrated) == before


def test_the_tables_are_dropped_when_the_answer_is_yes(shell: Shell, migrated: Database) -> None:
    done = shell.answer("y", "schema", "rollback")

    assert (done.returncode, done.lines[-1]) == (0, f"undone {NAMES[0]}"), done.stderr
    assert tables(migrated) == set()


def test_nothing_is_dropped_when_the_answer_is_no(shell: Shell, migrated: Database) -> None:
    before = tables(migrated)

    done = shell.answer("n", "schema", "rollback")

    assert (done.returncode, "nothing was changed" in done.stderr) == (5, True)
    assert tables(migrated) == before


def test_the_question_says_what_is_dropped_where_the_output_is_json(shell: Shell, migrated: Database) -> None:
    before = tables(migrated)

    done = shell.answer("n", "schema", "rollback", "--json")

    assert (done.returncode, done.stdout) == (5, "")
    assert "This drops the tables outbox_* in " in done.stderr
    assert "0 dead letters. Drop them? [y/N]" in done.stderr
    assert tables(migrated) == before


def test_tables_that_are_not_there_cannot_be_dropped(bare: Shell) -> None:
    assert "no tables with the prefix outbox" in bare.fails(4, "schema", "rollback", "--yes")


def test_the_printed_sql_is_that_of_the_library(bare: Shell, backend: str) -> None:
    printed = bare("schema", "print", "--prefix", "shop").stdout
    steps = outbox.migrations(backend, prefix="shop")

    assert printed == "".join(f"-- {step.name}\n\n{step.up.strip()}\n\n" for step in steps)
    assert bare("schema", "print", "--backend", backend, "--json").json == [
        {"name": step.name, "up": step.up, "down": step.down} for step in outbox.migrations(backend)
    ]


def test_the_printed_sql_makes_the_tables(bare: Shell, database: Database) -> None:
    script = bare("schema", "print").stdout
    if database.backend == "sqlite":
        database.connect().executescript(script)
    else:
        bodies = [line for line in script.splitlines() if not line.strip().startswith("--")]
        with database.session() as session:
            for command in "\n".join(bodies).split(";"):
                if command.strip():
                    session.execute(command)

    assert bare("schema", "status").returncode == 0
    assert "drift         the tables are as the shipped SQL makes them" in bare("doctor").stdout


@pytest.mark.backends("sqlite")
def test_looking_at_a_file_that_does_not_exist_does_not_create_it(tmp_path: Path) -> None:
    shell = Shell(f"sqlite:///{tmp_path}/typing-mistake.db", tmp_path)

    assert "there is no file" in shell.fails(3, "status")
    assert list(tmp_path.iterdir()) == []


def test_an_epoch_begins_on_command(shell: Shell, migrated: Database) -> None:
    ((name, before),) = migrated.query("SELECT installation, epoch FROM outbox_installation")

    assert shell("schema", "new-epoch").lines == [f"epoch {before + 1} of installation {name} begins"]
    assert shell("schema", "new-epoch", "--json").json == {"installation": name, "epoch": before + 2}
