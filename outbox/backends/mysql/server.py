"""Which servers will do."""

from __future__ import annotations

import importlib
import re

from outbox.backends.mysql.session import Operations, Session
from outbox.backends.records import SLOW_DRIVER, Component
from outbox.errors import ReadOnlyServer, UnsupportedServer

OLDEST = {"mysql": (8, 0, 13), "mariadb": (10, 6, 0)}
VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)")
OFF = frozenset({0, "0", "OFF"})


class Server(Operations):
    """See `outbox.backends.protocol.Server`."""

    name: str

    def check_server(self, *, reading: bool = False) -> None:
        with self._source.reading() as session:
            # A mysql:// URL may lead to MariaDB: from here on the server's own word counts.
            self.name = verify(session, reading=reading)

    def describe_server(self) -> Component:
        with self._source.reading() as session:
            [found] = session.query("server_version").named()
        title = "MariaDB" if self.name == "mariadb" else "MySQL"
        return Component(f"{title} {release(found.version).split('-')[0]}")

    def describe_driver(self) -> Component:
        module = importlib.import_module("mysql.connector")
        text = f"mysql-connector-python {module.__version__}"
        if getattr(module, "HAVE_CEXT", False):
            return Component(f"{text} with its C extension")
        # It is left out without a word where it does not fit the system's libraries.
        advice = "install a release whose C extension this system can load, such as mysql-connector-python<26"
        return Component(f"{text} without its C extension", SLOW_DRIVER, advice)


def verify(session: Session, *, reading: bool = False) -> str:
    """Return ``mysql`` or ``mariadb``; raise `UnsupportedServer` or `ReadOnlyServer`.

    1 statement, asked of every new connection of our own: a failover may have led to a standby.
    """
    [found] = session.query("server_version").named()
    return judge(found.version, *(() if reading else (found.read_only, found.innodb_read_only)))


def release(version: str) -> str:
    """Return MariaDB's own version: some proxies show the one that old replicas accept before it."""
    return version.removeprefix("5.5.5-")


def judge(version: str, *read_only: object) -> str:
    """Return the server's family, or raise, from its version and the settings that forbid writes."""
    family = "mariadb" if "mariadb" in version.lower() else "mysql"
    found = VERSION.search(release(version))
    if found and tuple(map(int, found.groups())) < OLDEST[family]:
        raise UnsupportedServer("server", version, "the outbox needs MySQL 8.0.13 or MariaDB 10.6, or later")
    if any(value not in OFF for value in read_only):
        msg = f"MySQL: this server ({version}) is read-only; connect to the primary"
        raise ReadOnlyServer(msg)
    return family
