"""For tests: run the pipeline without threads, and check a failure tracker of your own."""

from outbox.testing.drain import DrainCounts, drain
from outbox.testing.failure_tracker_contract import FailureTrackerContract

__all__ = ["DrainCounts", "FailureTrackerContract", "drain"]
