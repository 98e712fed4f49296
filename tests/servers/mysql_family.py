"""MySQL and MariaDB servers for the tests."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import Any

from tests.servers.binaries import MysqlPrograms
from tests.servers.server import Server
from tests.servers.undertaker import Undertaker

# Over TCP a client is 127.0.0.1 or, where the resolver says so, localhost; the account has to exist for both.
_ACCOUNT = """
CREATE USER IF NOT EXISTS 'root'@'127.0.0.1';
GRANT ALL PRIVILEGES ON *.* TO 'root'@'127.0.0.1' WITH GRANT OPTION;
"""
# Central European time with its changes of clocks. As a rule: a name needs files that a machine may lack.
_ZONE = "CET-1CEST,M3.5.0,M10.5.0/3"


class MysqlFamilyServer(Server):
    """What MySQL and MariaDB have in common: durable settings, root without a password, on loopback only.

    Sessions follow the clocks of Central Europe unless told otherwise.
    """

    admin_database = "mysql"

    def url_of(self, database: str) -> str:
        return f"mysql://root@127.0.0.1:{self.port}/{database}"

    @abstractmethod
    def _programme(self) -> list[str]:
        """Return the command line that any start of the server has in common."""

    def _command(self) -> list[str]:
        accounts = self._directory / "accounts.sql"
        accounts.write_text(_ACCOUNT)
        return [
            *self._programme(),
            f"--port={self.port}",
            "--bind-address=127.0.0.1",
            f"--socket={self._directory / 'socket'}",
            f"--pid-file={self._directory / 'pid'}",
            f"--init-file={accounts}",
            "--max-connections=300",
            "--innodb-flush-log-at-trx-commit=1",
        ]

    def _options(self) -> dict[str, Any]:
        options = super()._options()
        options["env"]["TZ"] = _ZONE
        return options

    def _probe(self) -> None:
        import mysql.connector

        mysql.connector.connect(host="127.0.0.1", port=self.port, user="root", connection_timeout=5).close()


class MariadbServer(MysqlFamilyServer):
    """MariaDB, as the distribution packages it."""

    def __init__(self, directory: Path, undertaker: Undertaker, programs: tuple[str, str]) -> None:
        super().__init__("mariadb", directory, undertaker)
        self._server, self._installer = programs

    def _initialise(self) -> None:
        flags = ("--auth-root-authentication-method=normal", "--skip-test-db")
        self._run(self._installer, "--no-defaults", f"--datadir={self.data}", *flags)

    def _programme(self) -> list[str]:
        return [self._server, "--no-defaults", f"--datadir={self.data}"]


class MysqlServer(MysqlFamilyServer):
    """Real MySQL: installed on the machine, or unpacked into a folder and run through the loader beside it."""

    def __init__(self, directory: Path, undertaker: Undertaker, programs: MysqlPrograms) -> None:
        super().__init__("mysql", directory, undertaker)
        self._programs = programs

    def _initialise(self) -> None:
        self._run(*self._programme(), "--initialize-insecure")

    def _programme(self) -> list[str]:
        root = self._programs.root
        unpacked = [
            f"--lc-messages-dir={root}/usr/share/mysql",
            f"--character-sets-dir={root}/usr/share/mysql/charsets",
            f"--plugin-dir={root}/usr/lib/mysql/plugin",
        ]
        # The built-in directory of secure-file-priv need not exist, and the server does not start without it.
        common = [
            "--no-defaults",
            f"--datadir={self.data}",
            "--secure-file-priv=",
            "--mysqlx=OFF",
            "--auto-generate-certs=OFF",
        ]
        return [*self._programs.command, *common, *(unpacked if root else [])]
