"""Every record of the log has a stable name in the field ``event``, and the page about logs has them all."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "outbox"
# What is for the authors alone, at the level debug, needs none.
LEVELS = {"info", "warning", "error", "exception", "critical", "log"}
LOGGER = re.compile(r"(log|logger|[A-Z]{4,})\Z")


def calls(tree: ast.AST) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in LEVELS
            and isinstance(node.func.value, ast.Name)
            and LOGGER.match(node.func.value.id)
        ):
            yield node


def test_every_call_of_a_logger_gives_extra_fields() -> None:
    found = list(PACKAGE.rglob("*.py"))
    bare = [
        f"{path.relative_to(ROOT)}:{call.lineno}"
        for path in found
        for call in calls(ast.parse(path.read_text()))
        if "extra" not in {keyword.arg for keyword in call.keywords}
    ]
    assert bare == []


def test_the_page_about_logs_has_every_name() -> None:
    names: set[str] = set()
    for path in PACKAGE.rglob("*.py"):
        # Fields that are given as they are; the others come from an event, of which the page speaks as well.
        names |= set(re.findall(r'"event": "(outbox\.[a-z_]+)"', path.read_text()))
    lines = (PACKAGE / "workers" / "log_lines.py").read_text()
    for name, kind in re.findall(
        r"class (\w+)\(Event\):.*?name: ClassVar\[str\] = \"([a-z_.]+)\"",
        (PACKAGE / "events.py").read_text(),
        re.DOTALL,
    ):
        if f"events.{name}: self." in lines:
            names.add(kind)
    assert len(names) > 30
    page = (ROOT / "docs" / "operation.md").read_text()
    assert sorted(name for name in names if f"`{name}`" not in page) == []
