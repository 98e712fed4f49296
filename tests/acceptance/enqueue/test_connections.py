from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any, NamedTuple

import pytest
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from outbox import Outbox
from tests.acceptance.enqueue.support import (
    QUEUE,
    assert_nothing_written,
    deliver,
    sales,
    sell,
    stored,
)
from tests.connections.support import dsn, family
from tests.support import Database


class Application(NamedTuple):
    """What an application gives to enqueue, and how it ends its transaction."""

    given: Any
    commit: Callable[[], object]
    rollback: Callable[[], object]


@contextmanager
def driver_connection(database: Database) -> Iterator[Application]:
    connection = database.connect()
    yield Application(connection, connection.commit, connection.rollback)


@contextmanager
def driver_cursor(database: Database) -> Iterator[Application]:
    connection = database.connect()
    with closing(connection.cursor()) as cursor:
        yield Application(cursor, connection.commit, connection.rollback)


@contextmanager
def sqlalchemy_connection(database: Database) -> Iterator[Application]:
    with database.engine().connect() as connection:
        yield Application(connection, connection.commit, connection.rollback)


@contextmanager
def sqlalchemy_session(database: Database) -> Iterator[Application]:
    with Session(database.engine()) as session:
        yield Application(session, session.commit, session.rollback)


@contextmanager
def sqlalchemy_scoped_session(database: Database) -> Iterator[Application]:
    session = scoped_session(sessionmaker(database.engine()))
    yield Application(session, session.commit, session.rollback)
    session.remove()


@contextmanager
def another_driver(database: Database) -> Iterator[Application]:
    connection: Any
    if database.backend == "postgresql":
        import psycopg2

        connection = psycopg2.connect(database.url)
    else:
        import pymysql

        connection = pymysql.connect(**dsn(database))
    with closing(connection):
        yield Application(connection, connection.commit, connection.rollback)


@contextmanager
def django_connection(database: Database) -> Iterator[Application]:
    # In this order: importing the helper configures Django.
    from tests.connections.test_django import default_database  # isort: skip
    from django.db import connection, transaction

    with default_database(family(database), database.url):
        transaction.set_autocommit(False)
        yield Application(connection, transaction.commit, transaction.rollback)
        transaction.rollback()


WAYS = [
    driver_connection,
    driver_cursor,
    sqlalchemy_connection,
    sqlalchemy_session,
    sqlalchemy_scoped_session,
    pytest.param(another_driver, marks=pytest.mark.filterwarnings("default")),
    django_connection,
]


@pytest.mark.parametrize("way", WAYS)
def test_messages_come_and_go_with_the_transaction_of_any_accepted_connection(
    outbox: Outbox, tables: Database, way: Callable[[Database], Any]
) -> None:
    if way is another_driver and tables.backend == "sqlite":
        way = driver_connection
    with way(tables) as application:
        sell(application.given, 1)
        single = outbox.enqueue(application.given, QUEUE, {"id": 1}, partition=0)
        assert_nothing_written(tables)
        application.commit()
        assert [row.id for row in stored(tables)] == [single]

        sell(application.given, 2)
        outbox.enqueue(application.given, QUEUE, {"id": 2})
        application.rollback()
        assert [row.id for row in stored(tables)] == [single]

        # Still open, still the application's.
        sell(application.given, 3)
        application.commit()
    assert sales(tables) == [1, 3]
    assert [(msg.id, msg.json()) for msg in deliver(tables)] == [(single, {"id": 1})]
