"""The extension: one object for any number of applications."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Flask, current_app

from outbox.contrib.flask.commands import outbox_command
from outbox.contrib.flask.joining import SessionHandler, joined_session
from outbox.contrib.flask.state import AppOutbox, BuilderFactory
from outbox.errors import ConfigurationError
from outbox.facade.handle import OutboxHandle
from outbox.facade.outbox import Outbox
from outbox.schema import migrate

EXTENSION = "outbox"


class FlaskOutbox:
    """Knows no application: what belongs to one is kept in its ``extensions``, as Flask wants it.

    Configuration of an application:

    - ``OUTBOX_BUILDER``: a function of an Engine (or of what ``OUTBOX_URL`` says) that returns the
      `OutboxBuilder` with its queues, or its name as ``package.module:function``;
    - ``OUTBOX_URL``: another target than ``db.engine``, such as a URL for the workers' driver;
    - ``OUTBOX_START``: True runs the workers in the web processes, from the first request of each on.
    """

    def __init__(self, app: Flask | None = None, db: Any = None) -> None:
        if app is not None:
            self.init_app(app, db)

    def init_app(self, app: Flask, db: Any = None, *, builder: BuilderFactory | str | None = None) -> None:
        """Add the outbox to an application; opens nothing, so that a server may fork afterwards.

        ``db`` is the application's Flask-SQLAlchemy, ``builder`` takes the place of ``OUTBOX_BUILDER``.
        """
        state = AppOutbox(app, db, builder)
        app.extensions[EXTENSION] = state
        app.cli.add_command(outbox_command(state))
        # Before whatever else may use the application's database in a request.
        app.before_request_funcs.setdefault(None, []).insert(0, state.begin_request)

    @property
    def box(self) -> Outbox:
        """The current application's `Outbox`, opened at the first use in each process."""
        return state_of(current_app).box

    def enqueue(self, queue: str, payload: object, **options: Any) -> int:
        """Write one message in the transaction of ``db.session``; return its id.

        The options are those of `outbox.Outbox.enqueue`. The message is there if the session commits.
        """
        state = state_of(current_app)
        return state.box.enqueue(state.session, queue, payload, **options)

    def transactional(self, handler: SessionHandler) -> Callable[[Any, Any], Any]:
        """Make a transactional handler of a function of a Session and a message; a decorator.

        The Session is ``db.session``'s, bound to the outbox's own connection: what the handler writes through
        it, or through ``db.session``, is committed together with the acknowledgement or not at all.
        Leave commit and rollback to the outbox; a ``commit()`` of the handler ends a savepoint.
        """

        @wraps(handler)
        def on_connection(conn: Any, msg: Any) -> Any:
            return handler(joined_session(state_of(current_app), conn), msg)

        # A handler is checked by its parameters, and these are not those of the wrapped function.
        del on_connection.__wrapped__
        return on_connection

    def start(self, app: Flask | None = None) -> OutboxHandle:
        """Start the workers in this process, for the current application or another one; return their handle.

        They are stopped when the process ends. Call it after a fork; a second call returns the same handle.
        """
        return state_of(app or current_app).start()

    def migrate(self, app: Flask | None = None) -> list[str]:
        """Create or upgrade the tables and register the queues; return the migrations applied now.

        For a deployment's one step, or the start of a program: the first use in a request then finds
        everything there, and on SQLite waits for no transaction of the request's own.
        """
        state = state_of(app or current_app)
        with state.context():
            builder = state.builder()
            options = builder.options
            applied = migrate(options.target, prefix=options.prefix, schema=options.schema)
            builder.open().close()
            return applied


def state_of(app: Any) -> AppOutbox:
    """Return what the extension keeps of an application; raises `ConfigurationError` before `init_app`."""
    state = app.extensions.get(EXTENSION)
    if state is None:
        raise ConfigurationError("app", app.name, "call init_app(app) of your FlaskOutbox first")
    found: AppOutbox = state
    return found
