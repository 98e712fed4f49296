"""What a MySQL or MariaDB client says."""

from __future__ import annotations

from collections.abc import Callable

_NAMES = {0x0E: "PING", 0x16: "PREPARE", 0x17: "EXECUTE", 0x1F: "RESET"}
_QUIT = 0x01
_QUERY = 0x03
# Between command and text newer clients say that there are no query attributes.
_NO_ATTRIBUTES = b"\x00\x01"


class Client:
    """Parse the client's half: one statement for each command. Nothing compressed or encrypted."""

    def __init__(self, note: Callable[[str], None]) -> None:
        self._note = note
        self._buffer = b""

    def feed(self, data: bytes) -> None:
        self._buffer += data
        while len(self._buffer) >= 4:
            length = int.from_bytes(self._buffer[:3], "little")
            if len(self._buffer) < 4 + length:
                return
            number, body = self._buffer[3], self._buffer[4 : 4 + length]
            self._buffer = self._buffer[4 + length :]
            # A command begins a new count; what the client says to log in goes on with the server's.
            if number == 0:
                self._command(body)

    def _command(self, body: bytes) -> None:
        if body[0] == _QUERY:
            text = body[3:] if body[1:3] == _NO_ATTRIBUTES else body[1:]
            self._note(text.decode(errors="replace"))
        elif body[0] != _QUIT:
            self._note(_NAMES.get(body[0], f"COMMAND {body[0]:#04x}"))
