"""An HTTP endpoint that answers what a test tells it to."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Reply:
    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    drip: float = 0.0
    """Seconds between the bytes of an answer that never ends."""
    drop: bool = False
    """Close the connection without an answer."""


@dataclass
class Received:
    path: str
    headers: dict[str, str]
    body: bytes
    client: tuple[str, int]


class Endpoint:
    """Listens on loopback; takes the replies one after the other, then answers 204."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.replies: deque[Reply] = deque()
        self.ended = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        return self._server.server_address[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hooks?tenant=a"

    def close(self) -> None:
        self.ended.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                endpoint.received.append(Received(self.path, headers, body, self.client_address))
                endpoint.answer(self, endpoint.replies.popleft() if endpoint.replies else Reply())

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        return Handler

    def answer(self, handler: BaseHTTPRequestHandler, reply: Reply) -> None:
        if reply.drop:
            handler.close_connection = True
            return
        if reply.drip:
            handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
            while not self.ended.is_set():
                try:
                    handler.wfile.write(b"x")
                except OSError:
                    return
                time.sleep(reply.drip)
            return
        handler.send_response(reply.status)
        for name, value in {"content-length": "0", **reply.headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
