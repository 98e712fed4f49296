"""Install what the suite needs from the system: ``python -m tests.servers.install``, or ``make servers``.

Nothing is touched that is already there. Backends excluded by $OUTBOX_TEST_BACKENDS or served by a URL are left out.
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from tests.servers.binaries import find_mariadb, find_mysql, find_pgbouncer, find_postgres
from tests.servers.fetch_mysql import FetchFailed, fetch_mysql
from tests.servers.selection import existing_url, how_to_exclude, selected_backends

_APT_INSTALL = Path(__file__).parents[2] / "scripts" / "apt-install"

# The "core" package has no service and no configuration.
_MARIADB = ("mariadb-server-core|mariadb-server-core-10.6", "mariadb-client-core|mariadb-client-core-10.6")


def main() -> int:
    """Install what is missing; return the exit status."""
    wanted = [name for name in selected_backends() if name != "sqlite" and not existing_url(name)]
    packages: list[str] = []
    if "postgresql" in wanted and not find_postgres():
        packages.append("postgresql")
    if "mariadb" in wanted and not find_mariadb():
        packages.extend(_MARIADB)
    if "postgresql" in selected_backends() and not find_pgbouncer():
        packages.append("pgbouncer")
    packages.extend(_missing_build_tools())
    if packages and subprocess.run([str(_APT_INSTALL), *packages], check=False).returncode:
        return 1
    if "mysql" in wanted and not find_mysql():
        try:
            fetch_mysql()
        except FetchFailed as error:
            print(f"{error}\n{how_to_exclude('mysql')}", file=sys.stderr)
            return 1
    return 0


def _missing_build_tools() -> list[str]:
    """Return the packages that mysqlclient, which comes as source only, is built with."""
    if importlib.util.find_spec("MySQLdb"):
        return []
    packages = []
    if not shutil.which("gcc"):
        packages += ["gcc", "libc6-dev"]
    if not shutil.which("pkg-config"):
        packages.append("pkg-config")
    if not any(Path("/usr/include").glob("ma*/mysql.h")):
        packages.append("libmariadb-dev")
    if not (Path(sysconfig.get_path("include")) / "Python.h").exists():
        packages.append(f"python3.{sys.version_info.minor}-dev")
    return packages


if __name__ == "__main__":
    sys.exit(main())
