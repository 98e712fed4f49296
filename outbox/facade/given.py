"""An opened outbox, once more on a connection of the caller's: for tests that are rolled back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from outbox.backends import connect
from outbox.connections.adapt import adapt
from outbox.connections.connection import ProducerConnection
from outbox.connections.django import DjangoConnection
from outbox.connections.driver import DriverConnection
from outbox.connections.sqlalchemy import SqlalchemyConnection
from outbox.errors import ConfigurationError, TransactionRequired
from outbox.facade.opened import OpenedBackend
from outbox.facade.options import Options
from outbox.installation import Installation


def on_given(options: Options, opened: OpenedBackend, conn: object) -> OpenedBackend:
    """Return the same queues and handlers on ``conn``, in the transaction that is open there.

    Raises `UnsupportedConnection`, `WrongDatabase`, `TransactionRequired`, and `ConfigurationError` where
    transactional handlers would get another kind of connection than from the workers.
    """
    connection = adapt(conn, opened.backend.catalog.backend)
    if not connection.in_transaction():
        raise TransactionRequired(connection.kind, "what is delivered", "leave conn out")
    catalog = opened.place.catalog(connection)
    if catalog.dialect.is_embedded:
        # Its statements for workers name columns by their tables, which SQLite does not take qualified.
        catalog = opened.backend.catalog
    handed = connection_for_handlers(options, opened, connection)
    underneath = adapt(connection.driver_connection())
    assert isinstance(underneath, DriverConnection)
    backend = connect.on_given(underneath, handed, catalog=catalog, naming=opened.backend.naming)
    installation = Installation(backend)
    consumers = [replace(consumer, names=installation) for consumer in opened.consumers]
    return replace(opened, backend=backend, consumers=consumers, notifies=False, installation=installation)


def connection_for_handlers(options: Options, opened: OpenedBackend, connection: ProducerConnection) -> Any:
    """Return what transactional handlers get of a connection: of the kind that the workers give them."""
    if isinstance(connection, DjangoConnection) and not is_url(options.target):
        return connection.wrapper  # the outbox is the framework's, whose handlers get this
    if not is_engine(options.target):
        return connection.driver_connection()
    if isinstance(connection, SqlalchemyConnection):
        return connection.connection
    if any(consumer.transactional is not None for consumer in opened.consumers):
        problem = (
            "transactional handlers of an outbox over an Engine get a SQLAlchemy Connection; "
            "give a Connection or Session of that Engine"
        )
        raise ConfigurationError("conn", connection.kind, problem)
    return connection.driver_connection()


def is_url(target: object) -> bool:
    """Tell whether a target names a database, to which the workers connect by a driver."""
    from sqlalchemy import URL

    return isinstance(target, (str, URL))


def is_engine(target: object) -> bool:
    """Tell whether a target is SQLAlchemy's Engine."""
    from sqlalchemy import Engine

    return isinstance(target, Engine)
