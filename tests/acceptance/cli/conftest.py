from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.bench.fixtures import bench
from tests.acceptance.cli.shell import Shell
from tests.acceptance.dead_letters.conftest import office
from tests.support import Database

__all__ = ["bench", "office", "shell"]


@pytest.fixture
def shell(migrated: Database, tmp_path: Path) -> Shell:
    """A shell at a database with empty tables."""
    return Shell(migrated.url, tmp_path)
