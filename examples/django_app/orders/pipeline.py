"""The outbox of this application: its queue, its handler, and the one outbox of the process."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.db import close_old_connections, connection
from sqlalchemy import URL

from outbox import Outbox, OutboxBuilder, OutboxHandle, OutboxMessage, Partitions, Reject

BACKENDS = {"sqlite": "sqlite", "postgresql": "postgresql", "mysql": "mysql"}

_lock = threading.Lock()
_outbox: Outbox | None = None
_handle: OutboxHandle | None = None


def database_url(django_connection: Any) -> URL:
    """Return the URL of the database that Django is configured for; the workers connect by themselves."""
    settings = django_connection.settings_dict
    return URL.create(
        BACKENDS[django_connection.vendor],
        username=settings["USER"] or None,
        password=settings["PASSWORD"] or None,
        host=settings["HOST"] or None,
        port=int(settings["PORT"]) if settings["PORT"] else None,
        database=str(settings["NAME"]),
    )


def with_django_connections(
    handler: Callable[[OutboxMessage], Reject | None],
) -> Callable[[OutboxMessage], Reject | None]:
    """Do in a worker thread what Django does around a request: drop connections past their age."""

    @wraps(handler)
    def wrapper(message: OutboxMessage) -> Reject | None:
        close_old_connections()
        try:
            return handler(message)
        finally:
            close_old_connections()

    return wrapper


@with_django_connections
def ship(message: OutboxMessage) -> Reject | None:
    from orders.models import Order

    order = message.json()
    if not order["item"]:
        return Reject("nothing to ship")
    # Delivered a second time, this changes nothing: that is all that "at least once" asks for.
    Order.objects.filter(pk=order["id"]).update(state="shipped")
    return None


def declare() -> OutboxBuilder:
    """Declare the queue; the web and the workers use the same declaration."""
    url = database_url(connection)
    return Outbox.builder(url).queue("orders", Partitions.of(4)).leased(ship, max_attempts=10)


def current_outbox() -> Outbox:
    """Return the outbox of this process: that of its workers, else one that only enqueues.

    Opened when it is first asked for, which in a server that forks is after the fork.
    """
    global _outbox
    with _lock:
        if _outbox is None:
            _outbox = declare().open()
        return _outbox


def start_workers() -> OutboxHandle:
    """Start the worker threads of this process; after the fork, if there is one."""
    global _outbox, _handle
    with _lock:
        _handle = declare().start()
        _outbox = _handle.outbox
        return _handle


def stop_workers() -> bool:
    """Stop them; return whether all have ended."""
    global _outbox, _handle
    with _lock:
        handle, _handle, _outbox = _handle, None, None
    return handle is None or handle.stop()
