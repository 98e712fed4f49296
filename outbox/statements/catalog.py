"""All statements of one backend, parsed once, rendered for one family of tables, then frozen."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType

from outbox.errors import OutboxError
from outbox.statements.dialect import DIALECTS
from outbox.statements.files import list_sql, read_sql
from outbox.statements.statement import Statement
from outbox.statements.tables import Naming

FILES = (
    "queues",
    "administration",
    "parking",
    "enqueue",
    "sequencer",
    "processor",
    "vacuum",
    "dead_letters",
    "failures",
    "rate",
    "retention",
    "monitoring",
    "inbox",
)
KINDS = frozenset({":one", ":many", ":exec", ":values"})
HEADER = re.compile(r"^-- name: (?P<name>[a-z][a-z0-9_]*) (?P<kind>:[a-z]+)\s*$", re.MULTILINE)


class UnknownStatement(OutboxError, KeyError):
    """A statement that a backend does not have; a KeyError, as every mapping promises."""

    def _sentence(self) -> str:
        return str(self.args[0])  # a KeyError would show it in quotes


class Catalog(Mapping[str, Statement]):
    """The statements of a backend by name; a missing one is an `UnknownStatement`.

    A step that takes one database a second statement has a name only there, so ``name in catalog`` tells.
    A database that speaks another one's SQL but for a few statements has these in a folder of its own in
    the other one's: its ``variant``. This is the only place that knows of it: drivers say whose SQL they
    speak, and not which statements.
    """

    def __init__(self, backend: str, statements: dict[str, Statement], variant: str | None = None) -> None:
        self.backend = backend
        """Whose SQL it is: ``postgresql``, ``mysql`` or ``sqlite``."""
        self.variant = variant
        self.dialect = DIALECTS[backend]
        self._statements = MappingProxyType(statements)

    @classmethod
    def load(cls, backend: str, naming: Naming, *, variant: str | None = None) -> Catalog:
        """Read, check and render every file of ``backend`` (``postgresql``, ``mysql`` or ``sqlite``).

        The statements of ``<backend>/<variant>/`` take the place of those with the same names.
        """
        statements = read_folder(backend, FILES, naming)
        if variant is not None:
            folder = f"{backend}/{variant}"
            names = [file.removesuffix(".sql") for file in list_sql(backend, variant)]
            own = read_folder(folder, names, naming)
            if unknown := sorted(own.keys() - statements.keys()):
                msg = f"{folder}: {', '.join(unknown)} would replace no statement of {backend}"
                raise OutboxError(msg)
            statements.update(own)
        return cls(backend, statements, variant)

    def renamed(self, naming: Naming) -> Catalog:
        """Return the same statements with other names of the tables."""
        return Catalog.load(self.backend, naming, variant=self.variant)

    def marked(self, mark: str) -> Catalog:
        """Return the same statements with a comment in front of each."""
        statements = {name: replace(statement, mark=mark) for name, statement in self.items()}
        return Catalog(self.backend, statements, self.variant)

    def __getitem__(self, name: str) -> Statement:
        try:
            return self._statements[name]
        except KeyError:
            msg = f"the SQL files of {self.backend} have no statement named {name}"
            raise UnknownStatement(msg) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._statements)

    def __len__(self) -> int:
        return len(self._statements)


def read_folder(folder: str, files: Iterable[str], naming: Naming) -> dict[str, Statement]:
    """Return the statements of some files of a folder of ``sql/`` by name, rendered."""
    statements: dict[str, Statement] = {}
    for file in files:
        for statement in parse(read_sql(folder, file), f"{folder}/{file}.sql"):
            if statement.name in statements:
                msg = f"{folder}/{file}.sql: statement {statement.name} exists twice"
                raise OutboxError(msg)
            rendered = naming.render(statement.sql)
            statements[statement.name] = Statement(statement.name, statement.kind, rendered)
    return statements


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
