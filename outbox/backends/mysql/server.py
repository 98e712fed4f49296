"""Which servers will do."""

from __future__ import annotations

import re

from outbox.backends.mysql.session import Operations, Session
from outbox.errors import ReadOnlyServer, UnsupportedServer

OLDEST = {"mysql": (8, 0, 13), "mariadb": (10, 6, 0)}
VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)")
OFF = frozenset({0, "0", "OFF"})


class Server(Operations):
    """See `outbox.backends.protocol.Server`."""

    name: str

    def check_server(self) -> None:
        with self._source.reading() as session:
            # A mysql:// URL may lead to MariaDB: from here on the server's own word counts.
            self.name = verify(session)


def verify(session: Session) -> str:
    """Return ``mysql`` or ``mariadb``; raise `UnsupportedServer` or `ReadOnlyServer`.

    1 statement, asked of every new connection of our own: a failover may have led to a standby.
    """
    [found] = session.query("server_version").named()
    return judge(found.version, found.read_only, found.innodb_read_only)


def judge(version: str, *read_only: object) -> str:
    """Return the server's family, or raise, from its version and the settings that forbid writes."""
    family = "mariadb" if "mariadb" in version.lower() else "mysql"
    # A proxy may show MariaDB's version as replication does, behind one that old replicas accept.
    found = VERSION.search(version.removeprefix("5.5.5-"))
    if found and tuple(map(int, found.groups())) < OLDEST[family]:
        raise UnsupportedServer("server", version, "the outbox needs MySQL 8.0.13 or MariaDB 10.6, or later")
    if any(value not in OFF for value in read_only):
        msg = f"MySQL: this server ({version}) is read-only; connect to the primary"
        raise ReadOnlyServer(msg)
    return family
