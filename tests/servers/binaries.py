"""Find the server programs on this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.servers.cache import cache_directory

# Where distributions put servers; /usr/sbin is often not in a user's PATH.
_SEARCH_PATH = os.pathsep.join(
    [os.environ.get("PATH", ""), "/usr/local/sbin", "/usr/sbin", "/usr/local/bin", "/usr/bin"]
)
_POSTGRES_HOMES = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/usr/local/pgsql/bin")


@dataclass(frozen=True)
class MysqlPrograms:
    """How to run a real MySQL: the start of the command line, and the folder it was unpacked into, if any."""

    command: tuple[str, ...]
    root: Path | None = None


def find_postgres() -> Path | None:
    """Return the folder that holds ``initdb`` and ``postgres``, the newest version's if there are several."""
    homes = [path for pattern in _POSTGRES_HOMES for path in Path("/").glob(pattern[1:])]
    homes.sort(key=_version, reverse=True)
    if program := shutil.which("postgres"):
        homes.append(Path(program).resolve().parent)
    return next((home for home in homes if (home / "initdb").exists() and (home / "postgres").exists()), None)


def find_mariadb() -> tuple[str, str] | None:
    """Return the paths of ``mariadbd`` and ``mariadb-install-db``."""
    server, installer = _which("mariadbd"), _which("mariadb-install-db")
    return (server, installer) if server and installer else None


def find_pgbouncer() -> str | None:
    """Return the path of ``pgbouncer``."""
    return _which("pgbouncer")


def find_mysql() -> MysqlPrograms | None:
    """Return the MySQL unpacked into the cache, else one installed on this machine (MariaDB's alias does not count)."""
    if unpacked := unpacked_mysql(mysql_root()):
        return unpacked
    server = _which("mysqld")
    if server is None or "MariaDB" in _output(server, "--no-defaults", "--version"):
        return None
    return MysqlPrograms((server,))


def mysql_root() -> Path:
    """Return the folder that a downloaded MySQL is unpacked into."""
    return cache_directory() / "mysql"


def unpacked_mysql(root: Path) -> MysqlPrograms | None:
    """Return how to run the MySQL whose packages were unpacked into the folder."""
    server = root / "usr/sbin/mysqld"
    if not server.exists():
        return None
    # The C library unpacked beside the server may be newer than the host's, and comes with its own loader.
    triplet = next(root.glob("**/*-linux-gnu*/libc.so.6")).parent.name
    libraries = [folder for home in ("lib", "usr/lib") if (folder := root / home / triplet).is_dir()]
    loader = next(
        path for pattern in ("lib*/ld-linux*.so.*", "usr/lib*/ld-linux*.so.*") for path in root.glob(pattern)
    )
    return MysqlPrograms((str(loader), "--library-path", ":".join(map(str, libraries)), str(server)), root)


def _which(name: str) -> str | None:
    return shutil.which(name, path=_SEARCH_PATH)


def _version(home: Path) -> tuple[int, ...]:
    digits = "".join(letter if letter.isdigit() else " " for letter in str(home.parent.name))
    return tuple(map(int, digits.split()))


def _output(*command: str) -> str:
    return subprocess.run(
        command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    ).stdout
