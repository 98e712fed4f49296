"""Everything that the figures depend on."""

from __future__ import annotations

import os
import platform
import sqlite3
import subprocess
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from benchmarks.job import Job
from benchmarks.rounds import Patience
from benchmarks.servers import Servers, execute

POSTGRES = (
    "fsync",
    "synchronous_commit",
    "full_page_writes",
    "wal_sync_method",
    "shared_buffers",
    "max_wal_size",
    "autovacuum",
    "shared_preload_libraries",
)
MYSQL = (
    "innodb_flush_log_at_trx_commit",
    "innodb_flush_method",
    "innodb_buffer_pool_size",
    "innodb_doublewrite",
    "log_bin",
    "sync_binlog",
)
PACKAGES = (
    "SQLAlchemy",
    "tenacity",
    "psycopg",
    "psycopg-binary",
    "psycopg-pool",
    "mysql-connector-python",
)


def collect(servers: Servers, jobs: Sequence[Job], patience: Patience) -> dict[str, object]:
    """Return machine, versions, servers, and what each job was told."""
    backends = sorted({job.backend for job in jobs})
    return {
        "machine": machine(),
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
        "commit": _commit(),
        "servers": {backend: server(servers, backend) for backend in backends},
        "calm": f"the host took at most {patience.steal:.0%} of the processors during a repetition",
        "repetitions": f"{patience.repetitions} calm ones each, at most {patience.rounds} in all",
        "messages": "payload 100 bytes, no headers, no key: spread evenly over 64 partitions",
        "handler": "checks that numbers follow each other without a gap (together), or does nothing (drain)",
        "jobs": {job.key: _in_words(job) for job in jobs},
    }


def machine() -> dict[str, object]:
    """Return processor, memory, kernel and the disk under the temporary folder."""
    info = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(":")[2].strip() for line in info if line.startswith("model name")), "?")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "processors": f"{os.cpu_count()} x {model}",
        "memory": f"{memory:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "load before the run": " ".join(f"{value:.1f}" for value in os.getloadavg()),
    }


def server(servers: Servers, backend: str) -> dict[str, object]:
    """Return a server's version and what makes it durable."""
    if backend == "sqlite":
        return {"version": sqlite3.sqlite_version, "journal_mode": "wal", "synchronous": "full (the default)"}
    url = servers.url(backend)
    if backend == "postgresql":
        return {
            "version": execute(url, "SHOW server_version")[0][0],
            **{name: execute(url, f"SHOW {name}")[0][0] for name in POSTGRES},
        }
    found = dict(execute(url, "SHOW GLOBAL VARIABLES"))
    return {"version": found["version"], **{name: found.get(name) for name in MYSQL}}


def filesystem(path: Path) -> str:
    """Return the kind of file system that a path is on: on one in memory, durability costs nothing."""
    mounts = [line.split()[1:3] for line in Path("/proc/mounts").read_text().splitlines()]
    home = path.resolve()
    on = [(point, kind) for point, kind in mounts if home.is_relative_to(point)]
    kind = max(on, key=lambda mount: len(mount[0]))[1]
    return f"{kind}: in memory, nothing is durable there; give --directory" if kind == "tmpfs" else kind


def _in_words(job: Job) -> str:
    return ", ".join(f"{name} {value}" for name, value in job.settings.items())


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def _commit() -> str:
    words = ["git", "describe", "--always", "--dirty"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=Path(__file__).parent)
    return done.stdout.strip() or "unknown"
