"""The agents themselves: each instruments a process, in which everything works as it does without it."""

from __future__ import annotations

import os
import threading
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import outbox
from outbox import Outbox, Partitions
from tests.connections.support import connections
from tests.support import Database, Spawn
from tests.support.databases.mysql import MysqlDatabase
from tests.support.databases.postgres import PostgresDatabase
from tests.support.databases.sqlite import SqliteDatabase

OPENTELEMETRY = {
    "psycopg": "PsycopgInstrumentor",
    "psycopg2": "Psycopg2Instrumentor",
    "mysql": "MySQLInstrumentor",
    "mysqlclient": "MySQLClientInstrumentor",
    "pymysql": "PyMySQLInstrumentor",
    "sqlite3": "SQLite3Instrumentor",
    "sqlalchemy": "SQLAlchemyInstrumentor",
}


def opentelemetry() -> None:
    for module, name in OPENTELEMETRY.items():
        instrumentor = getattr(import_module(f"opentelemetry.instrumentation.{module}"), name)()
        instrumentor.instrument(skip_dep_check=True)


def datadog() -> None:
    os.environ["DD_TRACE_ENABLED"] = (
        "false"  # there is no agent to send to; the drivers are wrapped all the same
    )
    import_module("ddtrace").patch(
        psycopg=True, sqlite3=True, mysql=True, pymysql=True, mysqldb=True, sqlalchemy=True
    )


def elastic() -> None:
    import_module("elasticapm").instrument()


def newrelic() -> None:
    os.environ["NEW_RELIC_DEVELOPER_MODE"] = "true"
    import_module("newrelic.agent").initialize()


AGENTS = {"opentelemetry": opentelemetry, "datadog": datadog, "elastic": elastic, "newrelic": newrelic}


def enqueue_and_deliver(agent: str, backend: str, url: str) -> None:
    """The child's program: everything that touches a connection, in an instrumented process."""
    AGENTS[agent]()
    database = found(backend, url)
    outbox.migrate(url)
    with Outbox.builder(url).queue("orders", Partitions.of(1)).enqueue_only().open() as box:
        for raw in connections(database).values():
            print(type(raw).__module__, type(raw).__qualname__)
            box.enqueue(raw, "orders", {"id": 7})
            box.enqueue(raw.cursor(), "orders", {"id": 8})
            raw.commit()
            raw.close()
    engine = database.engine()
    with engine.begin() as conn, Outbox.builder(url).queue("orders", 1).enqueue_only().open() as box:
        box.enqueue(conn, "orders", {"id": 9})
    for number, target in enumerate((url, engine)):
        deliver(target, number)
    engine.dispose()
    print("delivered")


def found(backend: str, url: str) -> Database:
    if backend == "sqlite":
        return SqliteDatabase(Path(url.removeprefix("sqlite:///")))
    if backend == "postgresql":
        return PostgresDatabase(url, url.rpartition("/")[2])
    return MysqlDatabase(backend, url)


def deliver(target: Any, number: int) -> None:
    done = {"leased": threading.Event(), "transactional": threading.Event()}

    def write(conn: Any, msg: object) -> None:
        (conn.exec_driver_sql if hasattr(conn, "exec_driver_sql") else conn.cursor().execute)("SELECT 1")
        done["transactional"].set()

    builder = Outbox.builder(target).stats_interval(0)
    builder.queue(f"leased-{number}", 1).leased(lambda msg: done["leased"].set())
    builder.queue(f"transactional-{number}", 1).transactional(write)
    with builder.start() as handle:
        for mode, event in done.items():
            handle.outbox.enqueue_now(f"{mode}-{number}", 1)
            assert event.wait(20), f"{mode} message not delivered: {handle.stats().failing}"


@pytest.mark.mp
@pytest.mark.slow
@pytest.mark.parametrize("agent", AGENTS)
def test_an_instrumented_process_enqueues_and_delivers(agent: str, database: Database, spawn: Spawn) -> None:
    child = spawn(enqueue_and_deliver, agent, database.backend, database.url)
    assert child.succeed(timeout=120).splitlines()[-1] == "delivered"
