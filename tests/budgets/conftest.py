from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.budgets.line import Declare, Line
from tests.budgets.wire import Wire, tapped
from tests.support import Database


@pytest.fixture
def wire(migrated: Database) -> Iterator[Wire]:
    """A migrated database whose statements are counted."""
    with tapped(migrated.url) as wire:
        yield wire


@pytest.fixture
def line(wire: Wire) -> Iterator[Callable[[Declare], Line]]:
    """Make the workers of one process, to be moved by hand."""
    lines: list[Line] = []

    def make(declare: Declare) -> Line:
        lines.append(Line(wire, declare))
        return lines[-1]

    yield make
    for one in lines:
        one.close()
