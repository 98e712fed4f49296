"""A door in front of a server, with eyes."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable

from tests.budgets.wire import mysql, postgres
from tests.budgets.wire.tap import Tap

_CHUNK = 1 << 16


class Proxy:
    """Pass every connection on to a server, noting each statement before the server gets it.

    So whoever has an answer knows that its statement is counted. `lose_notifications` drops what
    PostgreSQL's NOTIFY would deliver; `cut` breaks every connection.
    """

    def __init__(self, family: str, host: str, port: int) -> None:
        self.tap = Tap()
        self.lose_notifications = False
        self._family = family
        self._server = (host, port)
        self._door = socket.create_server(("127.0.0.1", 0))
        self._lock = threading.Lock()
        self._sockets: set[socket.socket] = set()
        self._filters: list[postgres.Server] = []
        self._start(self._answer_the_door)

    @property
    def port(self) -> int:
        """Where clients connect to."""
        port: int = self._door.getsockname()[1]
        return port

    @property
    def connections(self) -> int:
        """How many connections are open."""
        with self._lock:
            return len(self._sockets) // 2

    @property
    def dropped(self) -> int:
        """How many notifications were lost."""
        return sum(one.dropped for one in self._filters)

    def cut(self) -> None:
        """Break every connection."""
        with self._lock:
            sockets = list(self._sockets)
        for one in sockets:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        # A shutdown ends the accept in the other thread; closing alone does not.
        with contextlib.suppress(OSError):
            self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()
        self.cut()

    def _answer_the_door(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._door.accept()
                self._connect(client)

    def _connect(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(self._server)
        except OSError:
            client.close()
            return
        for one in (client, server):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            self._sockets |= {client, server}
        listen, pass_on = self._parsers()
        self._start(lambda: self._pump(client, server, listen))
        self._start(lambda: self._pump(server, client, pass_on))

    def _parsers(self) -> tuple[Callable[[bytes], bytes], Callable[[bytes], bytes]]:
        if self._family == "postgresql":
            client: postgres.Client | mysql.Client = postgres.Client(self.tap.note)
            server = postgres.Server(lambda: self.lose_notifications)
            self._filters.append(server)
            return _listening(client.feed), server.pass_on
        client = mysql.Client(self.tap.note)
        return _listening(client.feed), lambda data: data

    def _pump(self, source: socket.socket, sink: socket.socket, through: Callable[[bytes], bytes]) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(_CHUNK):
                sink.sendall(through(data))
        for one in (source, sink):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        with self._lock:
            self._sockets.discard(source)
        source.close()

    def _start(self, run: Callable[[], None]) -> None:
        threading.Thread(target=run, name="wire", daemon=True).start()


def _listening(feed: Callable[[bytes], None]) -> Callable[[bytes], bytes]:
    def through(data: bytes) -> bytes:
        feed(data)
        return data

    return through
