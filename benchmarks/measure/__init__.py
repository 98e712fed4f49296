"""Time, processor time, log volume and statements of a stretch of work, and how calm the host was."""

from benchmarks.measure.observer import Observer
from benchmarks.measure.phase import Phase

__all__ = ["Observer", "Phase"]
