"""The three folders of backends, compared: who has read one finds the way in the others."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

import outbox.backends
from outbox.backends import mysql, postgresql, protocol, sqlite
from outbox.statements import Catalog, Naming

PARTS = tuple(part for part in protocol.Backend.__mro__ if part.__module__ == protocol.__name__)
BACKENDS = (postgresql.PostgresBackend, mysql.MysqlBackend, sqlite.SqliteBackend)
# PostgreSQL alone pushes wake-ups, keeps plans, can tell an outage from an exhausted pool, takes the user's pool
# too, has settings for one transaction, knows a pooler, and says of a connection in use what became of its
# transaction.
POSTGRESQL_ALONE = {
    "engine_source",
    "idleness",
    "settings",
    "kept_plans",
    "user_transaction",
    "listener",
    "notifier",
    "outage",
    "plan_chooser",
    "pooler",
    "wakeup_format",
}
# SQLite alone has one writer at a time, a file that may be moved, and locks that a fork copies.
SQLITE_ALONE = {"writer_lock", "file_watch", "forks"}
# SQLite's connections are closed after a user's code had them.
SERVERS_ALONE = {"resetting"}
# Steps of a statement that PostgreSQL runs as a whole; what they are steps of stands above them.
SAME_STEP = {
    "sequence": {"insert_outgoing", "delete_incoming"},
    "lease_and_read": {"lease"},
    "settle_and_read": {"settle", "insert_dead_letters"},
    "vacuum": {"advance_vacuum"},
    "create_cursors": {"create_vacuum_cursors"},
}


def files(folder: str) -> set[str]:
    [root] = outbox.backends.__path__
    return {path.stem for path in (Path(root) / folder).glob("*.py")}


def test_every_folder_has_the_same_files() -> None:
    common = files("sqlite") - SQLITE_ALONE
    assert files("mysql") == common | SERVERS_ALONE == files("postgresql") - POSTGRESQL_ALONE
    assert files("postgresql") > POSTGRESQL_ALONE


@pytest.mark.parametrize("step", sorted(set.union(*SAME_STEP.values())))
def test_a_step_has_one_name_wherever_it_is_a_statement_of_its_own(step: str) -> None:
    assert step in Catalog.load("mysql", Naming())
    assert step in Catalog.load("sqlite", Naming())


@pytest.mark.parametrize("kind", BACKENDS)
@pytest.mark.parametrize("part", PARTS)
def test_an_operation_is_called_in_one_way(part: type, kind: type) -> None:
    for name, declared in vars(part).items():
        if inspect.isfunction(declared) and not name.startswith("_"):
            # The first is `self`, which a part may annotate with the whole that it is of.
            mine = list(inspect.signature(getattr(kind, name)).parameters.values())[1:]
            assert mine == list(inspect.signature(declared).parameters.values())[1:]


@pytest.mark.parametrize("kind", BACKENDS)
def test_a_backend_is_the_sum_of_its_parts(kind: type) -> None:
    own = {name for name, value in vars(kind).items() if inspect.isfunction(value) and name[0] != "_"}
    assert own <= {"close", "connection", "dedicated", "listen", "notify", "reading", "writing"}
