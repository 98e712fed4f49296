"""Which database it is stands in a few places; everything else asks for what the database can do."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
NAMES = {"postgresql", "postgres", "mysql", "mariadb", "sqlite"}
# What a new database takes outside of its own folders, beside a file for its driver.
PLACES = {
    "outbox/backends/connect.py": "which databases there are",
    "outbox/connections/adapt.py": "which connections of a caller lead to which",
    "outbox/statements/dialect.py": "how values travel to each",
}
FOLDERS = {
    "outbox/backends/mysql/": "its own",
    "outbox/backends/postgresql/": "its own",
    "outbox/backends/sqlite/": "its own",
    "outbox/connections/": "each driver says whose SQL it speaks",
    "outbox/contrib/sqlalchemy/": "SQLAlchemy's types have a variant for each of its dialects",
    "outbox/contrib/django/": "Django's own backends, one for each of its vendors",
}


def names_in(node: ast.AST) -> bool:
    return any(isinstance(child, ast.Constant) and child.value in NAMES for child in ast.walk(node))


def package() -> dict[str, ast.Module]:
    files = (ROOT / "outbox").rglob("*.py")
    return {str(file.relative_to(ROOT)): ast.parse(file.read_text()) for file in files}


def test_only_the_places_of_a_new_database_say_which_one_it_is() -> None:
    found = {file for file, tree in package().items() if names_in(tree)}
    elsewhere = {file for file in found if not file.startswith(tuple(FOLDERS))}
    assert elsewhere - PLACES.keys() == set(), "ask the dialect or the backend for what it can do"


def test_no_connection_is_asked_which_database_it_leads_to() -> None:
    asking = [
        f"{file}:{node.lineno}"
        for file, tree in package().items()
        if not file.startswith(("outbox/backends/", "outbox/contrib/"))
        for node in ast.walk(tree)
        if isinstance(node, ast.Compare) and names_in(node)
    ]
    assert asking == []
