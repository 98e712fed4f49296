"""What every test server can do: start, stop, be killed, come back on the same port."""

from __future__ import annotations

import signal
import subprocess
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar

from tests.servers.account import Account
from tests.servers.ports import free_port
from tests.servers.undertaker import Undertaker

READY_WITHIN = 60.0
STOPPED_WITHIN = 60.0


class ServerFailed(RuntimeError):
    """A test server did not do what it was told; the message ends with the tail of its log."""


class Daemon(ABC):
    """One server process with a data directory of its own on a loopback port of its own.

    The port stays the same for the object's life. Call it from one thread at a time; `start` and `stop` do
    nothing when there is nothing to do.
    """

    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM
    ready_within: ClassVar[float] = READY_WITHIN

    def __init__(self, name: str, directory: Path, undertaker: Undertaker) -> None:
        self.name = name
        self.port = free_port()
        self._directory = directory
        self._undertaker = undertaker
        self._account = Account()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        """The server's process id while it runs."""
        return self._process.pid if self._process is not None and self.running else None

    @property
    def data(self) -> Path:
        return self._directory / "data"

    def start(self) -> None:
        """Start the server and return once it answers; the first start also creates its data."""
        if self.running:
            return
        if not self._directory.exists():
            for folder in (self._directory, self._temporary):
                folder.mkdir()
                self._account.own(folder)
            self._initialise()
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command(), stdout=log, **self._options())
        self._undertaker.watch(self._process.pid)
        self._wait_until_ready()

    def stop(self) -> None:
        """Shut the server down in good order and wait for its end."""
        self._end(self.stop_signal)

    def kill(self) -> None:
        """Kill the server with SIGKILL, as a power cut would."""
        self._end(signal.SIGKILL)

    def close(self) -> None:
        """End it for good; what it wrote is not needed any more."""
        self.kill()

    def restart(self) -> None:
        self.stop()
        self.start()

    def pause(self) -> None:
        """Let it stand still, its connections open: it answers nothing until `resume`."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on after a `pause`."""
        self._signal(signal.SIGCONT)

    @abstractmethod
    def _initialise(self) -> None:
        """Create the data directory."""

    @abstractmethod
    def _command(self) -> list[str]:
        """Return the command line of the server, which stays in the foreground."""

    @abstractmethod
    def _probe(self) -> None:
        """Connect and ask something; raise when that fails."""

    def _run(self, *command: str) -> None:
        with self._log.open("ab") as log:
            done = subprocess.run(command, stdout=log, check=False, **self._options())
        if done.returncode:
            raise self._failure(f"could not be set up: {Path(command[0]).name} failed")

    def _options(self) -> dict[str, Any]:
        environment = {
            "PATH": "/usr/bin:/bin:/usr/sbin:/sbin",
            "LC_ALL": "C.UTF-8",
            "HOME": str(self._directory),
            # In a shared folder, a MariaDB that starts deletes the temporary tables of those that run.
            "TMPDIR": str(self._temporary),
        }
        return {
            "cwd": self._directory,
            "env": environment,
            "stdin": subprocess.DEVNULL,
            "stderr": subprocess.STDOUT,
            "start_new_session": True,
            **self._account.popen_options,
        }

    @property
    def _temporary(self) -> Path:
        return self._directory / "tmp"

    @property
    def _log(self) -> Path:
        return self._directory / "log"

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + self.ready_within
        while True:
            try:
                return self._probe()
            except Exception as error:
                if not self.running:
                    raise self._failure("ended instead of starting") from error
                if time.monotonic() > deadline:
                    raise self._failure(f"did not answer within {self.ready_within:g} s") from error
                time.sleep(0.05)

    def _signal(self, what: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(what)

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        self._signal(how)
        self._process.wait(STOPPED_WITHIN)
        self._undertaker.forget(self._process.pid)
        self._process = None

    def _failure(self, what: str) -> ServerFailed:
        tail = self._log.read_text(errors="replace")[-3_000:] if self._log.exists() else "(no log)"
        return ServerFailed(f"the test server {self.name} {what}:\n{tail}")


class Server(Daemon):
    """A database server."""

    admin_database: ClassVar[str]

    @property
    def url(self) -> str:
        """The URL of the database that administrative connections use."""
        return self.url_of(self.admin_database)

    @abstractmethod
    def url_of(self, database: str) -> str:
        """Return the URL of one database of this server, as the library takes it."""
