"""What a process of workers shows to the program that watches it: a file, an HTTP port, systemd's socket."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from outbox.cli.exits import CommandError
from outbox.cli.systemd import notify
from outbox.errors import OutboxError
from outbox.facade.handle import OutboxHandle
from outbox.facade.health import HealthServer

if TYPE_CHECKING:
    from typing_extensions import Self

log = logging.getLogger("outbox.cli")

# For one attempt to connect; systemd adds it to what a start may take, in microseconds.
ATTEMPT = 15_000_000


class SignsOfLife:
    """A context: begins before the workers do, so that a wrong path or port is known at once.

    Alive means that the threads are, whatever the database does: to restart every process would not end an
    outage.
    """

    def __init__(self, liveness_file: Path | None, health_port: int | None) -> None:
        self._file = liveness_file
        self._port = health_port
        self._handle: OutboxHandle | None = None
        self._not_ready = ["starting"]
        self._server: HealthServer | None = None

    def __enter__(self) -> Self:
        self.touch()
        if self._port is not None:
            self._server = HealthServer(self._dead, self._unready, port=self._port)
            log.info(
                "probes are answered on port %d",
                self._server.port,
                extra={"event": "outbox.health_port", "port": self._server.port},
            )
        return self

    def __exit__(self, *_: object) -> None:
        self.forget()
        if self._server is not None:
            self._server.close()

    def waiting(self, error: OutboxError) -> None:
        """Say that the workers wait for the database."""
        self._not_ready = [f"starting: {error}"]
        self.touch()
        notify(f"EXTEND_TIMEOUT_USEC={ATTEMPT}", f"STATUS=waiting for the database: {error}")

    def started(self, handle: OutboxHandle) -> None:
        """Say that the workers run."""
        self._handle, self._not_ready = handle, []
        notify("READY=1", "STATUS=running")

    def look(self, problems: Sequence[str]) -> None:
        """Say how the workers are; called every second."""
        if self._handle is not None and self._handle.alive():
            self.touch()
            notify("WATCHDOG=1", f"STATUS={'; '.join(problems) or 'running'}")

    def stopping(self) -> None:
        """Say that handlers finish their messages."""
        self._not_ready = ["stopping"]
        notify("STOPPING=1", "STATUS=stopping")

    def touch(self) -> None:
        """Set the file's time; raises `CommandError` when that fails, since an orchestrator relies on it."""
        if self._file is not None:
            try:
                self._file.touch()
            except OSError as error:
                raise CommandError(
                    f"cannot touch the liveness file {self._file}: {error.strerror}"
                ) from error

    def forget(self) -> None:
        """Remove the file, so that a process that is gone does not look alive."""
        if self._file is not None:
            self._file.unlink(missing_ok=True)

    def _dead(self) -> list[str]:
        running = self._handle is not None and not self._not_ready
        return self._problems() if running and not (self._handle and self._handle.alive()) else []

    def _unready(self) -> list[str]:
        return self._not_ready or self._problems()

    def _problems(self) -> list[str]:
        return self._handle.problems() if self._handle is not None else []
