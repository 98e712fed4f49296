"""A transactional outbox for PostgreSQL, MySQL/MariaDB and SQLite.

Write messages in the transaction of your own data with `Outbox.enqueue`; worker threads deliver them
to plain callables, in order within a partition, at least once or exactly once. Begin with
`Outbox.builder` and `migrate`.

The names stand in `outbox.public` and are imported when one is first asked for: a liveness probe that runs
every few seconds imports `outbox.cli.liveness`, and not SQLAlchemy with it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from outbox.public import *  # noqa: F403 - its `__all__` is what is meant

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name.startswith("__") and name != "__all__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    public = import_module("outbox.public")
    if name == "__all__":
        return sorted([*public.__all__, "__version__"])
    # A submodule that came along with them is an attribute by now.
    found = globals().get(name, getattr(public, name, None))
    if found is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__getattr__("__all__")})
