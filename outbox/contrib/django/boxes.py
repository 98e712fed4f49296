"""The outboxes of this process: opened at their first use, and again after a fork."""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

from outbox.contrib.django.conf import DEFAULT, outbox_settings
from outbox.errors import ConfigurationError

if TYPE_CHECKING:
    from outbox.facade import OutboxBuilder
    from outbox.facade.outbox import Outbox


NESTED = (
    "enqueue_now is durable and cannot be nested within an atomic block: use enqueue, which is a part of it"
)


class LazyOutbox:
    """Stands for an outbox of the setting ``OUTBOX``; opens it when something is first asked of it.

    So a module may import it while Django is being set up, and a server may fork after that. In a child
    it is opened anew, and Django's connection of the parent is left to the parent. Thread-safe.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._opened: Outbox | None = None
        # What belongs to the parent must not be closed by this process, not even by the collector.
        self._abandoned: list[Any] = []

    def __getattr__(self, attribute: str) -> Any:
        return getattr(self.opened(), attribute)

    def enqueue_now(self, queue: str, payload: object, **options: Any) -> int:
        """Write one message in a transaction of its own; see `outbox.Outbox.enqueue_now`.

        Raises `RuntimeError` in an ``atomic`` block, whose connection it would take; not in a TestCase.
        """
        from django.db import connections

        wrapper: Any = connections[outbox_settings()[self._name].database]
        if wrapper.atomic_blocks and not wrapper.atomic_blocks[-1]._from_testcase:  # noqa: SLF001 - as for durable=True
            raise RuntimeError(NESTED)
        return self.opened().enqueue_now(queue, payload, **options)

    def opened(self) -> Outbox:
        """Return the outbox itself."""
        opened = self._opened
        if opened is not None:
            return opened
        with self._lock:
            if self._opened is None:
                self._opened = builder(self._name).open()
            return self._opened

    def close(self) -> None:
        """Close what is open; the next use opens it again."""
        with self._lock:
            opened, self._opened = self._opened, None
            if opened is not None:
                opened.close()

    def after_fork(self) -> None:
        """Begin anew in a child: its lock may have been held by a thread that it does not have."""
        self._lock = threading.Lock()
        opened, self._opened = self._opened, None
        if opened is not None:
            self._abandoned += [opened, *leave_to_parent(outbox_settings()[self._name].database)]


def leave_to_parent(alias: str) -> list[Any]:
    """Let this thread connect anew, and return what must be kept so that it is not closed.

    A database in memory was copied with the process, and a transaction that is open goes on to be its user's.
    A pool (OPTIONS, Django 5.1) lacks in a child the threads that make its connections.
    """
    from django.db import connections

    wrapper: Any = connections[alias]
    in_memory = wrapper.vendor == "sqlite" and wrapper.is_in_memory_db()
    if in_memory or wrapper.in_atomic_block:
        return []
    pools: dict[str, Any] = getattr(wrapper, "_connection_pools", {})
    left, wrapper.connection = [wrapper.connection, pools.pop(alias, None)], None
    return left


class Boxes(Mapping[str, "Outbox"]):
    """The outboxes of ``OUTBOX`` by name, each opened at its first use."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._boxes: dict[str, LazyOutbox] = {}

    def __getitem__(self, name: str) -> Outbox:
        return cast("Outbox", self.lazy(name))

    def __iter__(self) -> Iterator[str]:
        return iter(outbox_settings())

    def __len__(self) -> int:
        return len(outbox_settings())

    def lazy(self, name: str) -> LazyOutbox:
        """Return what stands for one of them; the name is looked up when it is opened."""
        with self._lock:
            return self._boxes.setdefault(name, LazyOutbox(name))

    def known(self) -> list[LazyOutbox]:
        """Return those that this process has asked for."""
        return list(self._boxes.values())

    def after_fork(self) -> None:
        """Begin anew in a child."""
        self._lock = threading.Lock()
        for lazy in self.known():
            lazy.after_fork()


boxes = Boxes()
box: Outbox = boxes[DEFAULT]
"""The outbox named ``default``."""

os.register_at_fork(after_in_child=boxes.after_fork)


def builder(name: str = DEFAULT) -> OutboxBuilder:
    """Return a new builder of an outbox of ``OUTBOX``, for workers in this process: ``builder().start()``.

    Raises `ConfigurationError` for a name that is not in ``OUTBOX``.
    """
    from outbox.contrib.django.declaring import declared

    found = outbox_settings()
    if name not in found:
        raise ConfigurationError("OUTBOX", name, f"there is no such outbox; there are {', '.join(found)}")
    return declared(found[name])


def enqueue(queue: str, payload: object, *, using: str = DEFAULT, **options: Any) -> int:
    """Write one message in the open ``atomic`` block of the outbox's own database; return its id.

    ``using`` names the outbox; everything else is as in `outbox.Outbox.enqueue`.
    """
    from django.db import connections

    opened = boxes.lazy(using).opened()
    return opened.enqueue(connections[outbox_settings()[using].database], queue, payload, **options)


@atexit.register
def close() -> None:
    """Close the outboxes of this process, as before their database is dropped; they open again when used."""
    for lazy in boxes.known():
        lazy.close()
