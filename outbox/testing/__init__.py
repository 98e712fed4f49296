"""For the tests of applications: run the pipeline without threads and without sleeping."""

from outbox.testing.drain import DrainCounts, drain

__all__ = ["DrainCounts", "drain"]
