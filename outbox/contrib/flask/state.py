"""What belongs to one application: its outbox, opened once in each process."""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from flask import Flask
from werkzeug.utils import import_string

from outbox.backends.engines import renew_in_child, survive_forks
from outbox.contrib.flask.joining import AppContext
from outbox.errors import ConfigurationError
from outbox.facade import OutboxBuilder
from outbox.facade.handle import OutboxHandle
from outbox.facade.outbox import Outbox

# Held for a moment, in a child that has one thread or a few.
_beginning = threading.Lock()

BuilderFactory: TypeAlias = Callable[[Any], OutboxBuilder]


@dataclass
class Opened:
    """What one process has opened."""

    pid: int = field(default_factory=os.getpid)
    lock: threading.RLock = field(default_factory=threading.RLock)
    box: Outbox | None = None
    handle: OutboxHandle | None = None
    replaced: Outbox | None = None
    """What was opened before the workers were started, and may still be in use."""


class AppOutbox:
    """The outbox of one application. Thread-safe.

    A forked child begins anew: what its parent had opened stays the parent's.
    """

    def __init__(self, app: Flask, db: Any, factory: BuilderFactory | str | None) -> None:
        self.app = app
        self.db = db
        self._factory = factory
        self._opened = Opened()
        # Never collected in a child, whose parent may still use it.
        self._left_to_parents: list[Opened] = []

    @property
    def session(self) -> Any:
        """The application's ``db.session``."""
        if self.db is None:
            problem = "give it to init_app, or enqueue on a connection: ext.box.enqueue(conn, …)"
            raise ConfigurationError("db", None, problem)
        return self.db.session

    @property
    def box(self) -> Outbox:
        """The outbox of this process."""
        opened = self._mine()
        if opened.box is not None:
            return opened.box
        with opened.lock:
            if opened.box is None:
                with self.context():
                    opened.box = self.builder().open()
                atexit.register(self._close, opened)
            return opened.box

    def start(self) -> OutboxHandle:
        """Start the workers of this process, once."""
        opened = self._mine()
        with opened.lock:
            if opened.handle is None:
                with self.context():
                    opened.handle = self.builder().start()
                opened.replaced, opened.box = opened.box, opened.handle.outbox
                atexit.register(self._close, opened)
            return opened.handle

    def builder(self) -> OutboxBuilder:
        """Return the application's builder, whose handlers run inside the application context."""
        factory = self._factory or self.app.config.get("OUTBOX_BUILDER")
        if isinstance(factory, str):
            factory = import_string(factory)
        if not callable(factory):
            problem = "give a function of an Engine that returns an OutboxBuilder, or its name"
            raise ConfigurationError("OUTBOX_BUILDER", factory, problem)
        builder = factory(self.target())
        if not isinstance(builder, OutboxBuilder):
            problem = f"it returned a {type(builder).__name__}; let it return the OutboxBuilder"
            raise ConfigurationError("OUTBOX_BUILDER", getattr(factory, "__name__", factory), problem)
        # Outermost: the wrappers of the application may want its context.
        wrappers = (AppContext(self), *builder.options.wrappers)
        return builder._with(wrappers=wrappers)  # noqa: SLF001 - `around` adds inside those that are there

    def target(self) -> Any:
        """Return where the outbox is: what ``OUTBOX_URL`` says, or else the Engine of ``db``."""
        url = self.app.config.get("OUTBOX_URL")
        if url is not None:
            return url
        if self.db is None:
            raise ConfigurationError(
                "OUTBOX_URL", None, "set it, or give init_app the application's SQLAlchemy"
            )
        with self.context():
            engine = self.db.engine
        survive_forks(engine)
        return engine

    def context(self) -> AbstractContextManager[Any]:
        """Return an application context."""
        return self.app.app_context()

    def close(self) -> None:
        """Stop the workers and close what this process has opened; the next use opens it again."""
        self._close(self._mine())

    def begin_request(self) -> None:
        """See that no socket of a parent's is used; start the workers, if the application says so."""
        renew_in_child()
        if self.app.config.get("OUTBOX_START"):
            self.start()

    def _mine(self) -> Opened:
        """Return what this process has opened: a child begins anew, as soon as it asks."""
        if self._opened.pid != os.getpid():
            renew_in_child()
            with _beginning:
                if self._opened.pid != os.getpid():
                    self._left_to_parents.append(self._opened)
                    self._opened = Opened()
        return self._opened

    @staticmethod
    def _close(opened: Opened) -> None:
        if opened.pid != os.getpid():
            return
        with opened.lock:
            handle, boxes = opened.handle, (opened.replaced, opened.box)
            opened.handle = opened.box = opened.replaced = None
        if handle is not None:
            handle.stop()
        for box in boxes:
            if box is not None and (handle is None or box is not handle.outbox):
                box.close()
