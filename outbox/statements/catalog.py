"""All statements of one backend, parsed once, rendered for one family of tables, then frozen."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from outbox.errors import OutboxError
from outbox.statements.dialect import DIALECTS
from outbox.statements.files import read_sql
from outbox.statements.statement import Statement
from outbox.statements.tables import Naming

FILES = (
    "queues",
    "enqueue",
    "sequencer",
    "processor",
    "vacuum",
    "dead_letters",
    "failures",
    "monitoring",
)
KINDS = frozenset({":one", ":many", ":exec", ":values"})
HEADER = re.compile(r"^-- name: (?P<name>[a-z][a-z0-9_]*) (?P<kind>:[a-z]+)\s*$", re.MULTILINE)


class Catalog(Mapping[str, Statement]):
    """The statements of a backend by name; a missing one is an `OutboxError` that names it.

    A step that takes one database a second statement has a name only there, so ``name in catalog`` tells.
    """

    def __init__(self, backend: str, statements: dict[str, Statement]) -> None:
        self.backend = backend
        self.dialect = DIALECTS[backend]
        self._statements = MappingProxyType(statements)

    @classmethod
    def load(cls, backend: str, naming: Naming) -> Catalog:
        """Read, check and render every file of ``backend`` (``postgresql``, ``mysql`` or ``sqlite``)."""
        statements: dict[str, Statement] = {}
        for file in FILES:
            for statement in parse(read_sql(backend, file), f"{backend}/{file}.sql"):
                if statement.name in statements:
                    msg = f"{backend}/{file}.sql: statement {statement.name} exists twice"
                    raise OutboxError(msg)
                rendered = naming.render(statement.sql)
                statements[statement.name] = Statement(statement.name, statement.kind, rendered)
        return cls(backend, statements)

    def __getitem__(self, name: str) -> Statement:
        try:
            return self._statements[name]
        except KeyError:
            msg = f"the SQL files of {self.backend} have no statement named {name}"
            raise OutboxError(msg) from None

    def __contains__(self, name: object) -> bool:
        return name in self._statements

    def get(self, name: str, default: Any = None) -> Any:
        """Return a statement, or ``default`` where this backend has none of that name."""
        return self._statements.get(name, default)

    def __iter__(self) -> Iterator[str]:
        return iter(self._statements)

    def __len__(self) -> int:
        return len(self._statements)


def parse(text: str, origin: str) -> list[Statement]:
    """Split a file at its ``-- name: <name> <kind>`` lines."""
    headers = list(HEADER.finditer(text))
    if not headers:
        msg = f"{origin}: no '-- name: <name> :<kind>' line found"
        raise OutboxError(msg)
    ends = [header.start() for header in headers[1:]] + [len(text)]
    found = []
    for header, end in zip(headers, ends, strict=True):
        sql = text[header.end() : end].strip().removesuffix(";").rstrip()
        if header["kind"] not in KINDS:
            msg = f"{origin}: statement {header['name']} has the unknown kind {header['kind']}"
            raise OutboxError(msg)
        found.append(Statement(header["name"], header["kind"], sql))
    return found
