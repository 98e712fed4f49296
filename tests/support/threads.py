"""No thread of the library may outlive a test."""

from __future__ import annotations

import threading

from tests.support.eventually import eventually


def library_threads() -> list[str]:
    """Return the names of the library's threads that are alive."""
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("outbox-")]


def assert_no_library_threads(timeout: float = 5.0) -> None:
    """Wait until the library's threads are gone; fail naming those that are not."""
    eventually(lambda: not library_threads() or _fail(), timeout, what="every outbox-* thread ended")


def _fail() -> bool:
    raise AssertionError(f"still alive: {', '.join(library_threads())}")
