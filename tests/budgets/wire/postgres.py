"""What a PostgreSQL client says, and the notifications that the server says to it."""

from __future__ import annotations

import struct
from collections.abc import Callable

# A start-up message carries one of these instead of a protocol version when it asks for encryption.
_ASKS_FOR_ENCRYPTION = {80877103, 80877104}
_NOTIFICATION = b"A"


class Client:
    """Parse the client's half: one statement for each simple query and each Execute."""

    def __init__(self, note: Callable[[str], None]) -> None:
        self._note = note
        self._buffer = b""
        self._started = False
        self._prepared: dict[bytes, str] = {}
        self._bound = ""

    def feed(self, data: bytes) -> None:
        self._buffer += data
        while message := self._next():
            self._take(*message)

    def _next(self) -> tuple[bytes, bytes] | None:
        head = 1 if self._started else 0
        if len(self._buffer) < head + 4:
            return None
        (length,) = struct.unpack_from("!I", self._buffer, head)
        if len(self._buffer) < head + length:
            return None
        kind, body = self._buffer[:head], self._buffer[head + 4 : head + length]
        self._buffer = self._buffer[head + length :]
        return kind, body

    def _take(self, kind: bytes, body: bytes) -> None:
        if not self._started:
            self._started = struct.unpack_from("!I", body)[0] not in _ASKS_FOR_ENCRYPTION
        elif kind == b"Q":
            self._note(body.rstrip(b"\0").decode())
        elif kind == b"P":
            name, text, _ = body.split(b"\0", 2)
            self._prepared[name] = text.decode()
        elif kind == b"B":
            _, name, _ = body.split(b"\0", 2)
            self._bound = self._prepared[name]
        elif kind == b"E":
            self._note(self._bound)


class Server:
    """Pass the server's half on, without the notifications while they are to be lost."""

    def __init__(self, lost: Callable[[], bool]) -> None:
        self._lost = lost
        self._buffer = b""
        self.dropped = 0

    def pass_on(self, data: bytes) -> bytes:
        # The answer to a request for encryption is a single letter without a length: no.
        if not self._buffer and data == b"N":
            return data
        self._buffer += data
        passed = b""
        while len(self._buffer) >= 5:
            (length,) = struct.unpack_from("!I", self._buffer, 1)
            if len(self._buffer) < 1 + length:
                break
            message, self._buffer = self._buffer[: 1 + length], self._buffer[1 + length :]
            if message[:1] == _NOTIFICATION and self._lost():
                self.dropped += 1
            else:
                passed += message
        return passed
