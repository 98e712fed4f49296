"""The sockets of this process's own connections, of which no child gets hold.

A server keeps a session, and the row locks of its transaction, for as long as any process has the socket: a
child would keep what a parent that is killed had locked. So a program that is started gets none of them,
and in a fork's child they lead nowhere, where also no driver can say goodbye in the parent's name.
"""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

LISTING = "/dev/fd"
"""Where Linux and macOS list a process's descriptors."""

_ours: dict[int, int] = {}
"""From the descriptor to the inode: a number that is in use again is another socket's."""


def keep(descriptor: int) -> None:
    """Keep a socket from all children of this process."""
    with suppress(OSError):
        inode = os.fstat(descriptor).st_ino
        if _ours.get(descriptor) != inode:
            _ours[descriptor] = inode
            os.set_inheritable(descriptor, False)


def keep_opened_by(connect: Callable[[], T], port: int) -> T:
    """Return what ``connect`` returns; keep the sockets to a server that it opened.

    For drivers that do not tell their descriptors, and let programs inherit them. What another thread opens
    to the same server at this moment is kept as well, which is no loss: no child can use it either.
    """
    before = open_sockets()
    opened = connect()
    for descriptor, inode in open_sockets().items():
        if before.get(descriptor) != inode and leads_to(descriptor, port):
            keep(descriptor)
    return opened


def open_sockets() -> dict[int, int]:
    """Return the descriptors of this process's sockets, with their inodes; none where no list is."""
    found = {}
    with suppress(OSError):
        for entry in Path(LISTING).iterdir():
            with suppress(OSError):
                facts = os.fstat(int(entry.name))
                if stat.S_ISSOCK(facts.st_mode):
                    found[int(entry.name)] = facts.st_ino
    return found


def leads_to(descriptor: int, port: int) -> bool:
    """Tell whether a socket is a connection to a port, or to a server on this machine by a file."""
    try:
        with closing(socket.socket(fileno=os.dup(descriptor))) as copy:
            peer = copy.getpeername()
    except OSError:
        return False
    return peer[1] == port if isinstance(peer, tuple) else True


def _leave_to_the_parent() -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor, inode in _ours.items():
        with suppress(OSError):
            if os.fstat(descriptor).st_ino == inode:
                os.dup2(nowhere, descriptor, inheritable=False)
    os.close(nowhere)
    _ours.clear()


os.register_at_fork(after_in_child=_leave_to_the_parent)
