from __future__ import annotations

from pathlib import Path

import pytest

import outbox
from tests.acceptance.cli.shell import Shell
from tests.support import Database

CHANGES = {
    "a missing index": ("DROP INDEX {index}", "index on outbox_dead_letters is missing"),
    "a missing table": (
        "DROP TABLE outbox_vacuum",
        "column vacuumed_seq of outbox_vacuum is missing",
    ),
    "a column too many": (
        "ALTER TABLE outbox_body ADD COLUMN extra INTEGER",
        "column extra of outbox_body is not ours",
    ),
    "an index too many": (
        "CREATE INDEX mine ON outbox_incoming (body_id)",
        "index on outbox_incoming is not ours",
    ),
}


@pytest.fixture
def changed(database: Database, tmp_path: Path) -> Shell:
    """A shell at a database of its own, whose tables the test may change."""
    outbox.migrate(database.url)
    return Shell(database.url, tmp_path)


def drift(shell: Shell) -> list[str]:
    """Return what the doctor says of the tables."""
    return [line for line in shell("doctor").lines if line[9:].startswith("drift")]


@pytest.mark.parametrize("what", CHANGES)
def test_what_is_missing_or_too_many_is_found(changed: Shell, database: Database, what: str) -> None:
    change, said = CHANGES[what]
    on_mysql = database.backend in {"mysql", "mariadb"}
    index = "listed ON outbox_dead_letters" if on_mysql else "outbox_dead_letters_listed"
    database.execute(change.format(index=index))

    found = drift(changed)

    assert any(said in line for line in found), found
    # The table has three columns and its key, which needs no index of its own on SQLite.
    whole = 3 if database.backend == "sqlite" else 4
    assert len(found) == (whole if what == "a missing table" else 1)


@pytest.mark.backends("postgresql", "mysql", "mariadb")
def test_a_column_of_another_type_is_found(changed: Shell, database: Database) -> None:
    on_postgres = database.backend == "postgresql"
    change = "ALTER COLUMN attempts TYPE bigint" if on_postgres else "MODIFY attempts BIGINT NOT NULL"
    database.execute(f"ALTER TABLE outbox_dead_letters {change}")

    (line,) = drift(changed)

    assert line.startswith("problem")
    assert "column attempts of outbox_dead_letters is bigint" in line


@pytest.mark.backends("postgresql", "mysql", "mariadb")
def test_a_missing_check_is_found(changed: Shell, database: Database) -> None:
    database.execute("ALTER TABLE outbox_dead_letters DROP CONSTRAINT outbox_dead_letters_state")

    (line,) = drift(changed)

    assert "constraint on outbox_dead_letters is missing" in line


@pytest.mark.backends("postgresql")
def test_an_index_built_anew_under_another_name_is_no_drift(changed: Shell, database: Database) -> None:
    database.execute("ALTER INDEX outbox_dead_letters_listed RENAME TO rebuilt")

    assert drift(changed) == ["ok       drift         the tables are as the shipped SQL makes them"]
