"""Processor time of a database server, from ``/proc``."""

from __future__ import annotations

import os
from collections import defaultdict
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

TICKS = os.sysconf("SC_CLK_TCK")
PORTS = {"postgresql": 5432, "mysql": 3306, "mariadb": 3306}
LISTENING = "0A"


def server_pid(url: str) -> int | None:
    """Return the process that listens on the URL's port; None if it is not here or not ours to see."""
    parts = urlsplit(url)
    if parts.hostname not in {"127.0.0.1", "localhost", "::1"}:
        return None
    port = parts.port or PORTS.get(parts.scheme.partition("+")[0], 0)
    wanted = {f"socket:[{inode}]" for inode in _listening_inodes(port)}
    owners = [pid for pid in _pids() if wanted and wanted & _sockets(pid)]
    # Children inherit the socket; the server is the one that they descend from.
    return min((pid for pid in owners if _parent(pid) not in owners), default=None)


def tree_cpu(root: int) -> float:
    """Return the seconds that a process and all below it have used, those that ended included."""
    # utime, stime and, of children that were waited for, cutime, cstime
    return sum(sum(map(int, stat[11:15])) for stat in _family(root).values()) / TICKS


def children_cpu(root: int) -> float:
    """Return the seconds that the living children of a process, and all below them, have used."""
    return sum(sum(map(int, stat[11:15])) for pid, stat in _family(root).items() if pid != root) / TICKS


def _family(root: int) -> dict[int, list[str]]:
    stats = {pid: stat for pid in _pids() if (stat := _stat(pid))}
    children: dict[int, list[int]] = defaultdict(list)
    for pid, stat in stats.items():
        children[int(stat[1])].append(pid)
    found, waiting = {}, [root]
    while waiting:
        pid = waiting.pop()
        waiting += children[pid]
        if pid in stats:
            found[pid] = stats[pid]
    return found


def _pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _stat(pid: int) -> list[str]:
    """Return the fields after the program's name, which may itself hold spaces and brackets."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _parent(pid: int) -> int:
    stat = _stat(pid)
    return int(stat[1]) if stat else 0


def _listening_inodes(port: int) -> set[str]:
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                found.add(fields[9])
    return found


def _sockets(pid: int) -> set[str]:
    found = set()
    with suppress(OSError):
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            found.add(str(entry.readlink()))
    return found
