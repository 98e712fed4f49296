"""The database that a command works on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from outbox.backends.connect import open_backend, parse_url
from outbox.backends.protocol import Backend
from outbox.cli.exits import CommandError, Exit
from outbox.cli.settings import Settings
from outbox.errors import ConnectionLost, Contention, DatabaseError, ReadOnlyServer
from outbox.schema import check_schema

POOL_SIZE = 2


def shown_url(url: str) -> str:
    """Return a URL for people: the password masked, what stands in the query left out."""
    return parse_url(url).set(query={}).render_as_string(hide_password=True)


def check_file(url: str) -> None:
    """Raise `CommandError` for an SQLite file that does not exist: connecting would create it, empty."""
    parsed = parse_url(url)
    database = parsed.database or ""
    if parsed.get_backend_name() != "sqlite" or database in {"", ":memory:"} or database.startswith("file:"):
        return
    if not Path(database).exists():
        raise CommandError(
            f"there is no file {database}; `outbox schema migrate` creates it", Exit.UNREACHABLE
        )


@contextmanager
def connected(settings: Settings, /, *, ready: bool = True, reading: bool = False) -> Iterator[Backend]:
    """Open the target, checked; ``ready`` insists on the tables, ``reading`` accepts a standby.

    Raises `CommandError` or the library's errors.
    """
    url = settings.required_url()
    check_file(url)
    backend = open_backend(url, naming=settings.naming, pool_size=POOL_SIZE)
    try:
        reach(backend, reading=reading)
        if ready:
            check_schema(backend)
        yield backend
    finally:
        backend.close()


def reach(backend: Backend, *, reading: bool) -> None:
    """Connect; whatever goes wrong with the first connection means that the server is out of reach."""
    if backend.name == "sqlite" and reading:
        return  # the check writes, and a reader need not wait for the write lock
    try:
        backend.check_server()
    except ReadOnlyServer:
        if not reading:
            raise
    except (ConnectionLost, Contention):
        raise
    except DatabaseError as error:
        raise CommandError(str(error), Exit.UNREACHABLE) from error
