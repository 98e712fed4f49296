from __future__ import annotations

from tests.acceptance.bench.fixtures import bench

__all__ = ["bench"]
