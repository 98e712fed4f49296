"""Probes over HTTP: whether a process is alive, and whether it can work."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Sequence
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, TypeAlias

from outbox.errors import ConfigurationError
from outbox.values.durations import whole

Check: TypeAlias = Callable[[], Sequence[str]]
"""Returns what is wrong; nothing when all is well."""

# A probe asks within milliseconds; who does not may not keep the next one waiting.
REQUEST_SECONDS = 1.0
# How long a stop waits for the thread at most.
CLOSE_SECONDS = 0.2
LARGEST_PORT = 65_535  # of TCP


class HealthServer:
    """Answers ``GET /livez`` and ``GET /readyz`` with 200 or, saying why not, with 503.

    One thread, which answers one request at a time; it speaks to nothing but the process's own memory.
    """

    def __init__(self, live: Check, ready: Check, *, port: int, host: str = "") -> None:
        """Listen at once; raises `ConfigurationError` when that address cannot be had."""
        checks = {"/livez": live, "/readyz": ready}
        port = whole(port, option="port", maximum=LARGEST_PORT)

        class Probe(ProbeHandler):
            """Knows this server's checks."""

            def check(self, path: str) -> Check | None:
                return checks.get(path)

        try:
            self._server = HTTPServer(("", 0), Probe, bind_and_activate=False)
            self._server.socket.close()
            self._server.socket = listen(host, port)
        except OSError as error:
            raise ConfigurationError(
                "port", port, f"cannot listen on it ({error}); give a free port of this machine"
            ) from error
        self.port: int = self._server.socket.getsockname()[1]
        """The port, also when 0 was given."""
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(CLOSE_SECONDS,), name="outbox-health", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Listen no more. Idempotent."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class ProbeHandler(BaseHTTPRequestHandler):
    """Answers one probe."""

    timeout = REQUEST_SECONDS

    def check(self, path: str) -> Check | None:
        """Return what to ask about, None for a path that is no probe."""
        raise NotImplementedError

    def do_GET(self) -> None:
        """Answer in plain text, a problem a line."""
        check = self.check(self.path.partition("?")[0])
        if check is None:
            self._answer(HTTPStatus.NOT_FOUND, ["there are /livez and /readyz"])
        elif problems := check():
            self._answer(HTTPStatus.SERVICE_UNAVAILABLE, problems)
        else:
            self._answer(HTTPStatus.OK, ["ok"])

    do_HEAD = do_GET  # noqa: N815 - the standard library calls it so

    def _answer(self, status: HTTPStatus, lines: Sequence[str]) -> None:
        body = "".join(f"{line}\n" for line in lines).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Log nothing: probes come every few seconds."""


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; without a host on every address, of both families where there are two."""
    if host or not socket.has_dualstack_ipv6():
        return socket.create_server((host, port))
    return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True)
