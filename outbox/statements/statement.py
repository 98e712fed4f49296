"""One named statement and the forms in which drivers want it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from outbox.errors import OutboxError
from outbox.statements.rows import NO_ROWS, Rows

# What a parameter can hide in: quoted text, comments, casts. Whatever matches first wins.
TOKEN = re.compile(
    r"(?P<skip>'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`[^`]*`|--[^\n]*|/\*.*?\*/|::)"
    r"|:(?P<name>[a-z][a-z0-9_]*)",
    re.DOTALL,
)
PARAMETER = re.compile(r"(?<![:\w]):[a-z]")
KINDS_WITH_ROWS = frozenset({":one", ":many"})
VALUES_ROW = re.compile(r"\bVALUES\s*(\((?:[^()']|\([^()]*\))*\))\s*\Z", re.IGNORECASE)


@dataclass(frozen=True)
class Statement:
    """A statement as it stands in its file, names rendered, with ``:name`` parameters.

    ``kind`` is what the file says after the name: ``:one``, ``:many``, ``:exec`` or ``:values``
    (an ``INSERT … VALUES (…)`` whose row may be repeated, see `repeated`).
    """

    name: str
    kind: str
    sql: str
    mark: str = ""
    """A comment in front of what travels, for what stands between us and the server."""

    def __post_init__(self) -> None:
        literals = (found["skip"] or "" for found in TOKEN.finditer(self.sql))
        if any(text.startswith("'") and PARAMETER.search(text) for text in literals):
            msg = f"statement {self.name}: a parameter inside a quoted literal is never replaced"
            raise OutboxError(msg)

    @cached_property
    def parameters(self) -> tuple[str, ...]:
        """The parameter names in the order of their first use."""
        names = (match["name"] for match in TOKEN.finditer(self.sql))
        return tuple(dict.fromkeys(name for name in names if name))

    @cached_property
    def compact(self) -> str:
        """The text without its own comments and line breaks: what travels to the server."""
        return self.mark + " ".join(TOKEN.sub(_drop_comment, self.sql).split())

    @cached_property
    def named(self) -> str:
        """The text for drivers that know ``:name`` themselves (sqlite3)."""
        return self.compact

    @cached_property
    def pyformat(self) -> str:
        """The text for drivers that want ``%(name)s``; a literal ``%`` is doubled."""
        return TOKEN.sub(_pyformat, self.compact.replace("%", "%%"))

    @cached_property
    def pyformat_binary(self) -> str:
        """The text with ``%(name)b``: psycopg sends such values in the server's own form."""
        return TOKEN.sub(_pyformat_binary, self.compact.replace("%", "%%"))

    @cached_property
    def numbered(self) -> str:
        """The text for drivers that want ``$1``, in the order of `parameters`."""
        places = {name: f"${number}" for number, name in enumerate(self.parameters, 1)}
        return TOKEN.sub(lambda found: places[found["name"]] if found["name"] else found[0], self.compact)

    def repeated(self, rows: int, placeholder: str) -> str:
        """Return a ``:values`` statement with its row ``rows`` times and positional placeholders.

        Parameters then travel as one flat sequence, row after row, each row in the order of
        `row_parameters`.
        """
        return _repeated(self, rows, placeholder)

    @property
    def returns_rows(self) -> bool:
        """Whether there are rows to fetch."""
        return self.kind in KINDS_WITH_ROWS

    def fetch(self, cursor: Any) -> Rows:
        """Return the rows of a cursor that has run this statement; none of a statement of another kind.

        A cursor's description cannot tell in time: one in psycopg's pipeline has none before its rows are
        fetched.
        """
        if not self.returns_rows:
            return NO_ROWS
        rows = cursor.fetchall()
        return Rows(self.columns(cursor), rows)

    def columns(self, cursor: Any) -> tuple[str, ...]:
        """Return the names of the columns, read off a cursor at the first run only.

        psycopg makes an object for each column each time.
        """
        columns: tuple[str, ...] | None = self.__dict__.get("_columns")
        if columns is None:
            # Any thread would write the same.
            columns = self.__dict__["_columns"] = tuple(column[0] for column in cursor.description)
        return columns

    @cached_property
    def row_parameters(self) -> tuple[str, ...]:
        """The parameters of one row of a ``:values`` statement, in order."""
        match = VALUES_ROW.search(self.compact)
        if self.kind != ":values" or match is None:
            msg = f"statement {self.name} is no :values statement that ends in one row of parameters"
            raise OutboxError(msg)
        return tuple(found["name"] for found in TOKEN.finditer(match[1]) if found["name"])


@lru_cache(maxsize=64)
def _repeated(statement: Statement, rows: int, placeholder: str) -> str:
    assert statement.row_parameters  # raises for statements of another kind
    match = VALUES_ROW.search(statement.compact)
    assert match is not None
    row = TOKEN.sub(lambda found: placeholder if found["name"] else found[0], match[1])
    return f"{statement.compact[: match.start(1)]}{', '.join([row] * rows)}"


def _drop_comment(match: re.Match[str]) -> str:
    text = match[0]
    return " " if text.startswith(("--", "/*")) else text


def _pyformat(match: re.Match[str]) -> str:
    return f"%({match['name']})s" if match["name"] else match[0]


def _pyformat_binary(match: re.Match[str]) -> str:
    return f"%({match['name']})b" if match["name"] else match[0]
