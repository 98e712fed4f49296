"""The caller's connection in the place of a pool: what would be a transaction is a savepoint in the caller's.

For tests that deliver inside a transaction which is rolled back. Nothing here begins, commits or closes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any

from outbox.connections.driver import Driver
from outbox.statements import Catalog

Run = Callable[[str], object]


def runner(driver: Driver, raw: Any, catalog: Catalog) -> Run:
    """Return what runs a statement without parameters on a driver's connection."""

    def run(statement: str) -> None:
        with closing(driver.open_cursor(raw)) as cursor:
            cursor.execute(catalog[statement].compact)

    return run


@contextmanager
def part(run: Run) -> Iterator[None]:
    """Make what a block does one part of the caller's transaction: all of it, or nothing at an exception."""
    run("begin_part")
    try:
        yield
    except BaseException:
        # The error in hand is the one to report, also when the code in the block ended the transaction.
        with suppress(Exception):
            run("undo_part")
            run("end_part")
        raise
    run("end_part")
