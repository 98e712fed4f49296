"""Wait until a server has ended the sessions of processes that were killed.

A server goes on with the statement that a dead client sent last, and commits it: a test that looks at the rows, or
changes them by hand, right after a kill races with it.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

# Linux's numbers for the states of a TCP connection whose client may still send: ESTABLISHED and CLOSE_WAIT.
_OPEN = {"01", "08"}
_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))


class ServerSession(NamedTuple):
    """A session as the server lists it."""

    client_port: int
    busy: bool
    """Whether it runs a statement, or is inside a transaction."""
    own: bool
    """Whether it is the one that asked."""
    what: str


def dead_sessions(sessions: list[ServerSession], server_port: int) -> list[ServerSession]:
    """Return the sessions whose client is gone: no process of this machine holds the other end of the connection."""
    alive = _client_ports(server_port)
    if not any(session.own and session.client_port in alive for session in sessions):
        # The server sees other ports than we do, as behind a container's port mapping: settle for those at rest.
        return [session for session in sessions if session.busy and not session.own]
    return [session for session in sessions if session.client_port not in alive]


def _client_ports(server_port: int) -> set[int]:
    """Return the local ports of connections to the server that a process still holds."""
    ports = set()
    for table in _TABLES:
        for line in table.read_text().splitlines()[1:] if table.exists() else ():
            _, local, remote, state, _, _, _, _, _, inode, *_ = line.split()
            # The kernel keeps the connection of a dead process for a while, without an inode.
            if state in _OPEN and inode != "0" and _port(remote) == server_port:
                ports.add(_port(local))
    return ports


def _port(address: str) -> int:
    return int(address.rpartition(":")[2], 16)
