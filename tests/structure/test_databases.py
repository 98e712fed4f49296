"""Which database it is stands in a few places; everything else asks for what the database can do."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
NAMES = {"postgresql", "postgres", "mysql", "mariadb", "sqlite"}
# Everything that a new database takes outside of its own folders, and a file for its driver.
PLACES = {
    "outbox/backends/connect.py": "which databases there are",
    "outbox/connections/adapt.py": "which connections of a caller lead to which",
    "outbox/statements/dialect.py": "how values travel to each",
}
FOLDERS = ("outbox/backends/mysql/", "outbox/backends/postgresql/", "outbox/backends/sqlite/")


def names_a_database(path: Path) -> bool:
    return any(
        isinstance(node, ast.Constant) and node.value in NAMES
        for node in ast.walk(ast.parse(path.read_text()))
    )


def is_a_driver(path: Path) -> bool:
    """Tell whether a file says whose SQL one driver speaks."""
    return path.parent.name == "connections" and " = Driver(" in path.read_text()


def test_only_the_places_of_a_new_database_say_which_one_it_is() -> None:
    found = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "outbox").rglob("*.py")
        if names_a_database(path) and not is_a_driver(path)
    }
    asking = {file for file in found if not file.startswith(FOLDERS)}
    assert asking - PLACES.keys() == set(), "ask the dialect or the backend for what it can do"
    assert PLACES.keys() - asking == set()
