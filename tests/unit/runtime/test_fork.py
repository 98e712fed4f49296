from __future__ import annotations

import os
import warnings

import pytest

from outbox.errors import ForkedProcess
from outbox.runtime.fork import ForkGuard


def test_the_process_that_made_the_guard_passes() -> None:
    ForkGuard().check()


def test_a_forked_child_is_refused_with_what_to_do() -> None:
    guard = ForkGuard()
    reader, writer = os.pipe()
    with warnings.catch_warnings():
        # Python 3.12 warns about forking with threads, which is the situation the guard is for.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        try:
            guard.check()
        except ForkedProcess as error:
            os.write(writer, str(error).encode())
        finally:
            os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    with os.fdopen(reader) as pipe:
        assert "start the outbox after the fork" in pipe.read()


def test_another_pid_is_another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    guard = ForkGuard()
    monkeypatch.setattr(os, "getpid", lambda: -1)
    with pytest.raises(ForkedProcess, match="before fork"):
        guard.check()
