"""Loopback ports for servers that are taken down and up again."""

from __future__ import annotations

import random
import socket
from pathlib import Path

_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_LOWEST = 15_000


def free_port() -> int:
    """Return a loopback port that nobody uses, below the range that outgoing connections take theirs from.

    A port inside that range could be taken by any client while its server is down; worse, a client that
    keeps trying to reach the missing server can end up connected to itself.
    """
    numbers = list(range(_LOWEST, _first_ephemeral_port()))
    random.shuffle(numbers)
    for port in numbers:
        if _is_free(port):
            return port
    message = "no free loopback port"
    raise RuntimeError(message)


def _first_ephemeral_port() -> int:
    first = int(_RANGE.read_text().split()[0]) if _RANGE.exists() else 32_768
    return first if first > _LOWEST + 1_000 else 32_768


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
