"""The list of promises, docs/promises.toml."""

from __future__ import annotations

import ast
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.docs.pages import ROOT

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@dataclass(frozen=True)
class Mutation:
    """One changed line: ``old`` stands once in ``file``, and the promise is broken with ``new`` in its place."""

    file: str
    old: str
    new: str

    def applied(self, text: str) -> str:
        """Return the file's text with the change; the text must hold the old words exactly once."""
        assert text.count(self.old) == 1, f"{self.file} has {text.count(self.old)} times: {self.old}"
        return text.replace(self.old, self.new)


@dataclass(frozen=True)
class Promise:
    page: str
    sentence: str
    tests: tuple[str, ...]
    mutation: Mutation | None

    def __str__(self) -> str:
        return f"{self.page}: {self.sentence}"


def promises() -> list[Promise]:
    return [_promise(entry) for entry in _read()["promise"]]


def silent() -> dict[str, str]:
    """Return the sections of the promising pages that promise nothing, each with the reason."""
    return {f"{entry['page']}: {entry['title']}": entry["reason"] for entry in _read()["silent"]}


@cache
def _read() -> dict[str, Any]:
    return tomllib.loads((ROOT / "docs" / "promises.toml").read_text(encoding="utf-8"))


def _promise(entry: dict[str, Any]) -> Promise:
    mutation = Mutation(entry["file"], entry["old"], entry["new"]) if "file" in entry else None
    return Promise(entry["page"], entry["sentence"], tuple(entry["tests"]), mutation)


@cache
def names_of_tests(file: Path) -> frozenset[str]:
    """Return the names of the tests that a file defines."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))
