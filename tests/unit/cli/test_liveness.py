"""The liveness file tells the truth."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from outbox.cli.serving import keep_alive


def test_the_file_is_left_alone_once_a_worker_thread_has_ended_and_an_outage_leaves_it_fresh(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    alive = tmp_path / "alive"
    # Healthy, an outage, healthy again, a dead thread.
    healthy, living = [True, False, True, False], [True, True, True, False]
    touched: list[bool] = []
    handle: Any = SimpleNamespace(
        healthy=lambda: healthy[len(touched)],
        alive=lambda: living[len(touched)],
        stats=lambda: SimpleNamespace(
            failing={} if len(touched) == 3 else {"sequencer": "the server is away"}
        ),
    )

    def wait(_seconds: float) -> bool:
        touched.append(alive.exists())
        alive.unlink(missing_ok=True)
        return len(touched) == len(living)

    with caplog.at_level("INFO"):
        keep_alive(handle, SimpleNamespace(wait=wait), alive)  # type: ignore[arg-type]
    assert touched == living
    assert caplog.messages == [
        "not healthy: sequencer: the server is away",
        "healthy again",
        "not healthy: a worker thread has ended, and the liveness file is left alone",
    ]
