"""The database that a command works on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from outbox.backends.connect import file_of_url, open_backend, parse_url
from outbox.backends.protocol import Backend
from outbox.cli.exits import CommandError, Exit
from outbox.cli.settings import Settings
from outbox.errors import ConnectionLost, Contention, DatabaseError, ReadOnlyServer
from outbox.facade.outbox import Outbox
from outbox.schema import check_schema
from outbox.statements.tables import DEFAULT_PREFIX

POOL_SIZE = 2  # a command reads on one connection while it changes letters on another


def shown_url(url: str) -> str:
    """Return a URL for people: the password masked, what stands in the query left out."""
    return parse_url(url).set(query={}).render_as_string(hide_password=True)


def check_file(url: str) -> None:
    """Raise `CommandError` for an SQLite file that does not exist: connecting would create it, empty."""
    file = file_of_url(url)
    if file is not None and not file.exists():
        raise CommandError(f"there is no file {file}; `outbox schema migrate` creates it", Exit.UNREACHABLE)


@contextmanager
def connected(settings: Settings, /, *, ready: bool = True, reading: bool = False) -> Iterator[Backend]:
    """Open the target, checked; ``ready`` insists on the tables, ``reading`` accepts a standby.

    Raises `CommandError` or the library's errors.
    """
    target = settings.required_target()
    if isinstance(target, str):
        check_file(target)
    backend = open_backend(target, naming=settings.naming, pool_size=POOL_SIZE)
    try:
        reach(backend, reading=reading)
        if ready:
            check_schema(backend)
        yield backend
    finally:
        backend.close()


@contextmanager
def opened(settings: Settings) -> Iterator[Outbox]:
    """Open an outbox that knows no queue of its own; raises as `connected` does."""
    url = settings.required_url()
    check_file(url)
    builder = Outbox.builder(url).schema(settings.schema)
    with builder.table_prefix(settings.prefix or DEFAULT_PREFIX).open() as outbox:
        yield outbox


def reach(backend: Backend, *, reading: bool) -> None:
    """Connect; whatever goes wrong with the first connection means that the server is out of reach."""
    try:
        backend.check_server(reading=reading)
    except (ConnectionLost, Contention, ReadOnlyServer):
        raise
    except DatabaseError as error:
        raise CommandError(str(error), Exit.UNREACHABLE) from error
