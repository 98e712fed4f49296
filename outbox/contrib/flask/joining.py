"""Handlers inside the application context, and its session inside the outbox's transaction."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeAlias

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from outbox.errors import ConfigurationError
from outbox.handlers.around import Delivery
from outbox.values.message import OutboxMessage
from outbox.values.results import HandlerResult, Success

SessionHandler: TypeAlias = Callable[[Session, OutboxMessage], HandlerResult]


class Application(Protocol):
    """What handlers run inside."""

    db: Any
    """Its Flask-SQLAlchemy, or None."""

    def context(self) -> AbstractContextManager[Any]:
        """Return an application context."""


class AppContext:
    """Wraps each call of a handler: a fresh application context, whose session is removed afterwards.

    Around a transactional handler ``db.session`` is a Session on the connection that the handler is given:
    what is left in it is flushed when the handler succeeds, and committed with the acknowledgement.
    """

    def __init__(self, state: Application) -> None:
        self._state = state

    def __call__(self, delivery: Delivery, call_next: Callable[[], HandlerResult]) -> HandlerResult:
        """Call the handler."""
        with self._state.context():
            joined = join(self._state, delivery.conn)
            try:
                result = call_next()
                if joined is not None and (result is None or isinstance(result, Success)):
                    joined.commit()  # a savepoint: the transaction is the outbox's
                return result
            finally:
                remove(self._state, joined)


def join(state: Application, conn: Any) -> Session | None:
    """Let ``db.session`` be on a connection of SQLAlchemy's; None when there is none, or no ``db``."""
    if state.db is None or not isinstance(conn, Connection):
        return None
    factory = state.db.session.session_factory
    kind = type("JoinedSession", (Joined, factory.class_), {})
    # Its commit and its rollback end a savepoint, not the outbox's transaction.
    options = {**factory.kw, "bind": conn, "join_transaction_mode": "create_savepoint"}
    session: Session = kind(**options)
    state.db.session.registry.set(session)
    return session


class Joined(Session):
    """Uses the connection it was given where it would use that connection's Engine.

    Flask-SQLAlchemy chooses an Engine by the model, and would leave the transaction by that.
    """

    def get_bind(self, *args: Any, **options: Any) -> Any:
        """Return the connection, or the Engine of another database."""
        found: Any = super().get_bind(*args, **options)
        connection: Any = self.bind
        return connection if getattr(found, "engine", found) is connection.engine else found


def remove(state: Application, joined: Session | None) -> None:
    """Give back what the session holds, whatever the handler did to it."""
    if state.db is not None:
        state.db.session.remove()
    if joined is not None:
        joined.close()


def joined_session(state: Application, conn: Any) -> Session:
    """Return the Session that a handler marked as transactional is given."""
    if state.db is None or not isinstance(conn, Connection):
        problem = (
            "its transactional handlers take a Session, which needs init_app(app, db) and an outbox over "
            "db.engine on a driver of the workers, not one over OUTBOX_URL"
        )
        raise ConfigurationError("outbox", type(conn).__name__, problem)
    session: Session = state.db.session()
    return session
