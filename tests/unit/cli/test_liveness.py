"""The liveness file tells the truth."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from outbox.cli.run import keep_alive


def test_the_file_is_left_alone_while_a_worker_fails_and_touched_again_after_that(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    alive = tmp_path / "alive"
    moods = [True, False, False, True]
    touched: list[object] = []
    handle: Any = SimpleNamespace(
        healthy=lambda: moods[len(touched)],
        stats=lambda: SimpleNamespace(failing={"sequencer": "the server is away"}),
    )

    def wait(_seconds: float) -> bool:
        touched.append(alive.exists())
        alive.unlink(missing_ok=True)
        return len(touched) == len(moods)

    with caplog.at_level("INFO"):
        keep_alive(handle, SimpleNamespace(wait=wait), alive)  # type: ignore[arg-type]
    assert touched == moods
    assert caplog.messages == [
        "not healthy, the liveness file is left alone: sequencer: the server is away",
        "healthy again",
    ]
