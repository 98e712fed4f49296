"""Python holds no SQL text: statements live in ``sql/``, where they can be pasted, explained and linted."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "outbox"

SQL = re.compile(
    r"""^\s*(
        SELECT\s | INSERT\s+(INTO|IGNORE)\b | UPDATE\s+\S+\s+SET\b | DELETE\s+FROM\b | REPLACE\s+INTO\b | MERGE\s+INTO\b
      | WITH\s+\w+\s+(\(.*\)\s+)?AS\b | (CREATE|DROP|ALTER)\s+[A-Z]+\s | TRUNCATE\s | VALUES\s*\(
      | BEGIN\b | START\s+TRANSACTION | COMMIT\s*;?$ | ROLLBACK\b | SAVEPOINT\s | RELEASE\s
      | SET\s+(SESSION|LOCAL|GLOBAL|TRANSACTION|NAMES)\b | PRAGMA\s | LISTEN\s | UNLISTEN\b | NOTIFY\s | KILL\s
      | LOCK\s+TABLE | EXPLAIN\s | VACUUM\b | ANALYZE\b | SHOW\s+[A-Z]
    )""",
    re.VERBOSE,
)


def texts(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the string constants that are not docstrings."""
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.lineno, node.value


def test_no_sql_text_in_the_package() -> None:
    found = [
        f"{path.relative_to(PACKAGE.parent)}:{line}: {text.strip().splitlines()[0]}"
        for path in sorted(PACKAGE.rglob("*.py"))
        for line, text in texts(ast.parse(path.read_text()))
        if SQL.match(text)
    ]
    assert found == []


@pytest.mark.parametrize(
    "text", ["SELECT 1", "\n  WITH x AS (", "BEGIN IMMEDIATE", "PRAGMA user_version", "COMMIT"]
)
def test_the_pattern_knows_sql_when_it_sees_it(text: str) -> None:
    assert SQL.match(text)


@pytest.mark.parametrize(
    "text", ["Select a backend", "Update the schema", "begin", "Create it with migrate()"]
)
def test_the_pattern_leaves_prose_alone(text: str) -> None:
    assert not SQL.match(text)
