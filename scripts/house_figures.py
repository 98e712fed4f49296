"""Print the figures of the package that tests/structure/test_sizes.py keeps."""

from __future__ import annotations

import ast
import io
import statistics
import tokenize
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
SMALL = 40


def modules() -> dict[str, Path]:
    """Return the files of the package by the names they are imported by."""
    files = sorted((ROOT / "outbox").rglob("*.py"))
    return {
        ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): file
        for file in files
    }


def lines(file: Path) -> int:
    return len(file.read_text().splitlines())


def median_lines() -> float:
    return statistics.median(map(lines, modules().values()))


def python_comments() -> int:
    """Return how many lines of the package have a comment; docstrings are none."""
    return sum(
        len({token.start[0] for token in tokens(file) if token.type == tokenize.COMMENT})
        for file in modules().values()
    )


def tokens(file: Path) -> Iterator[tokenize.TokenInfo]:
    return tokenize.generate_tokens(io.StringIO(file.read_text()).readline)


def comment_share() -> float:
    """Return the share of comment lines, Python and SQL together: the reasons for locks stand in the SQL."""
    sql = [line for file in (ROOT / "sql").rglob("*.sql") for line in file.read_text().splitlines()]
    comments = python_comments() + sum(line.lstrip().startswith("--") for line in sql)
    return comments / (sum(map(lines, modules().values())) + len(sql))


def small_with_one_importer() -> dict[str, str]:
    """Return the small modules that one other module imports, and that module."""
    importers = importers_of_each()
    return {
        name: next(iter(importers[name]))
        for name, file in modules().items()
        if lines(file) < SMALL and file.name != "__init__.py" and len(importers[name]) == 1
    }


def importers_of_each() -> dict[str, set[str]]:
    known = modules()
    importers: dict[str, set[str]] = {name: set() for name in known}
    for name, file in known.items():
        for node in ast.walk(ast.parse(file.read_text())):
            for target in imported(node):
                importers.get(target if target in known else target.rpartition(".")[0], set()).add(name)
    return importers


def imported(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.ImportFrom) and node.module:
        yield from (f"{node.module}.{alias.name}" for alias in node.names)
    elif isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)


if __name__ == "__main__":
    sizes = [lines(file) for file in modules().values()]
    print(f"files {len(sizes)}, median {median_lines():g} lines, largest {max(sizes)}")
    alone = python_comments() / sum(sizes)
    print(f"comments {comment_share():.1%} of Python and SQL, {alone:.1%} of Python alone")
    for small, importer in small_with_one_importer().items():
        print(f"under {SMALL} lines, one importer: {small} <- {importer}")
