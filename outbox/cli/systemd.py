"""Tell systemd how the process is: what a unit with ``Type=notify`` waits for."""

from __future__ import annotations

import os
import socket
from contextlib import suppress


def notify(*assignments: str) -> None:
    """Send assignments such as ``READY=1`` to the manager that started this process; without one do nothing.

    See sd_notify(3). A manager that does not listen is none of the workers' business.
    """
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as manager:
        # "@" stands for the NUL byte of an abstract socket.
        manager.connect("\0" + address[1:] if address.startswith("@") else address)
        manager.sendall("\n".join(assignments).encode())
