"""Find the SQL files, in a wheel and in a checkout alike."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from outbox.errors import OutboxError

if TYPE_CHECKING:
    from importlib.abc import Traversable

KNOWN_FILE = "postgresql/enqueue.sql"


@lru_cache(maxsize=1)
def sql_root() -> Traversable:
    """Return the folder that holds one folder of SQL files per backend.

    An installed wheel has it inside the package; an editable install and a plain checkout have
    it beside the package. Raises `OutboxError` naming both places when neither holds it.
    """
    packaged = files("outbox") / "sql"
    checkout = Path(str(packaged)).parent.parent / "sql"
    for root in (packaged, checkout):
        if (root / KNOWN_FILE).is_file():
            return root
    msg = (
        f"the SQL files of outbox are missing: neither {packaged} nor {checkout} holds {KNOWN_FILE}; "
        "reinstall the package"
    )
    raise OutboxError(msg)


def read_sql(backend: str, name: str) -> str:
    """Return the text of ``<backend>/<name>.sql``."""
    text: str = (sql_root() / backend / f"{name}.sql").read_text(encoding="utf-8")
    return text


def list_sql(backend: str, folder: str) -> list[str]:
    """Return the sorted file names in ``<backend>/<folder>``."""
    return sorted(entry.name for entry in (sql_root() / backend / folder).iterdir())
