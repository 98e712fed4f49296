"""The fixture, for the ``conftest`` modules that want it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.acceptance.bench.bench import Bench
from tests.support import Database


@pytest.fixture
def bench(migrated: Database) -> Iterator[Bench]:
    """A queue with four partitions on a fresh database."""
    bench = Bench(migrated)
    yield bench
    bench.close()
