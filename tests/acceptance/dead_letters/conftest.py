from __future__ import annotations

import pytest

from tests.acceptance.bench import Bench
from tests.acceptance.bench.fixtures import bench
from tests.acceptance.dead_letters.office import Office

__all__ = ["bench", "office"]


@pytest.fixture
def office(bench: Bench) -> Office:
    """Dead letters of a queue with four partitions."""
    return Office(bench)
