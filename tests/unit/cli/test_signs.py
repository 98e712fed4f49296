"""What a process of workers shows tells the truth."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from outbox.cli.serving import keep_alive
from outbox.cli.signs import SignsOfLife
from outbox.cli.systemd import notify
from outbox.errors import ConnectionLost


@pytest.fixture(params=["path", "abstract"])
def manager(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[socket.socket]:
    """A socket such as systemd listens at."""
    name = f"@{tmp_path}" if request.param == "abstract" else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(name.replace("@", "\0"))
        listening.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", name)
        yield listening


def test_the_file_is_left_alone_once_a_worker_thread_has_ended_and_an_outage_leaves_it_fresh(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    alive = tmp_path / "alive"
    # Healthy, an outage, healthy again, a dead thread.
    problems = [[], ["sequencer: the server is away"], [], ["the thread vacuum has ended"]]
    living = [True, True, True, False]
    touched: list[bool] = []
    handle: Any = SimpleNamespace(problems=lambda: problems[len(touched)], alive=lambda: living[len(touched)])
    signs = SignsOfLife(alive, None)

    def wait(_seconds: float) -> bool:
        touched.append(alive.exists())
        alive.unlink(missing_ok=True)
        return len(touched) == len(living)

    signs.started(handle)
    with caplog.at_level("INFO"):
        keep_alive(handle, SimpleNamespace(wait=wait), signs, lambda: False)  # type: ignore[arg-type]
    assert touched == living
    assert caplog.messages == [
        "not healthy: sequencer: the server is away",
        "healthy again",
        "not healthy: the thread vacuum has ended",
    ]


def test_systemd_is_told_of_the_start_each_look_and_the_stop(manager: socket.socket) -> None:
    signs = SignsOfLife(None, None)
    handle: Any = SimpleNamespace(alive=lambda: True)
    signs.waiting(ConnectionLost("the server is away"))
    signs.started(handle)
    signs.look(["vacuum is stuck"])
    signs.stopping()
    assert [manager.recv(1000).decode().splitlines() for _ in range(4)] == [
        ["EXTEND_TIMEOUT_USEC=15000000", "STATUS=waiting for the database: the server is away"],
        ["READY=1", "STATUS=running"],
        ["WATCHDOG=1", "STATUS=vacuum is stuck"],
        ["STOPPING=1", "STATUS=stopping"],
    ]


def test_without_systemd_there_is_nothing_to_tell(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nothing"))
    notify("READY=1")
    monkeypatch.delenv("NOTIFY_SOCKET")
    notify("READY=1")
