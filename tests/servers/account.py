"""Whom a server runs as: database servers refuse to be root."""

from __future__ import annotations

import os
import pwd
from pathlib import Path
from typing import Any

_CANDIDATES = ("nobody", "daemon")


class Account:
    """Run server programs as ourselves or, when we are root, as an unprivileged system account."""

    def __init__(self) -> None:
        self._entry = _unprivileged() if os.geteuid() == 0 else None

    @property
    def popen_options(self) -> dict[str, Any]:
        """Return the keywords that make `subprocess.Popen` change to the account."""
        if self._entry is None:
            return {}
        return {"user": self._entry.pw_uid, "group": self._entry.pw_gid, "extra_groups": []}

    def own(self, directory: Path) -> None:
        """Hand the directory to the account; nobody else may enter it."""
        directory.chmod(0o700)
        if self._entry is not None:
            os.chown(directory, self._entry.pw_uid, self._entry.pw_gid)


def _unprivileged() -> pwd.struct_passwd:
    for name in _CANDIDATES:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    message = f"running as root, and none of the accounts {_CANDIDATES} exists to run the test servers as"
    raise RuntimeError(message)
