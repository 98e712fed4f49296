"""Print: tables for a terminal, whole lines for a pipe, JSON for a script."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, redirect_stdout
from datetime import datetime
from typing import Any, TextIO

from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from outbox.cli.exits import ClosedPipe
from outbox.cli.settings import Settings

# Nothing is cut or wrapped where no terminal sets a width.
UNLIMITED = 10_000
GAP = 2  # blanks between two columns
LAST_COLUMN = 24
"""Characters of it shown on the narrowest terminal."""


def emit(text: str = "", output: TextIO | None = None) -> None:
    """Print a line, or several; raises `ClosedPipe` when the reader is gone."""
    stream = output or sys.stdout
    try:
        stream.write(f"{text}\n")
        stream.flush()
    except BrokenPipeError:
        raise ClosedPipe from None


@contextmanager
def our_own_output(settings: Settings) -> Iterator[TextIO]:
    """Yield standard output; with ``--json``, send what else writes to it meanwhile to standard error.

    The application's modules and handlers print, and so do the programs that they start: scripts read one
    document, or one event a line, all the same.
    """
    ours = sys.stdout
    if not settings.json:
        yield ours
        return
    ours.flush()
    with redirect_stdout(sys.stderr), ExitStack() as stack:
        # In a process of its own the stream is a descriptor, which child processes inherit.
        if (descriptor := descriptor_of(ours)) is not None:
            copy = os.dup(descriptor)
            ours = stack.enter_context(open(copy, "w", encoding="utf-8", errors="backslashreplace"))  # noqa: PTH123 - a descriptor
            os.dup2(sys.stderr.fileno(), descriptor)
            stack.callback(os.dup2, copy, descriptor)
        yield ours


def descriptor_of(stream: TextIO) -> int | None:
    """Return the descriptor that a stream writes to, None for one in memory."""
    try:
        return stream.fileno()
    except OSError:
        return None


def emit_json(value: object) -> None:
    """Print one JSON document: indented on a terminal, on one line elsewhere."""
    indent = 2 if sys.stdout.isatty() else None
    emit(json.dumps(value, default=to_json, ensure_ascii=False, indent=indent))


def emit_json_array(items: Iterable[object]) -> None:
    """Print a JSON array an item a line, without holding more than one of them."""
    before = "["
    for item in items:
        emit(f"{before}{json.dumps(item, default=to_json, ensure_ascii=False)}")
        before = ","
    emit("[]" if before == "[" else "]")


def to_json(value: Any) -> Any:
    """Return what JSON has for a value of ours."""
    if isinstance(value, datetime):
        return value.isoformat()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def emit_rich(*things: RenderableType) -> None:
    """Print tables and styled text, without colour and without a width where there is no terminal."""
    emit(render(*things))


def render(*things: RenderableType) -> str:
    """Return what `emit_rich` prints."""
    terminal = sys.stdout.isatty()
    width = shutil.get_terminal_size().columns if terminal else UNLIMITED
    console = Console(
        file=io.StringIO(),
        force_terminal=terminal,
        width=UNLIMITED,
        highlight=False,
        markup=False,
        emoji=False,
    )
    with console.capture() as capture:
        for thing in things:
            if isinstance(thing, Table):
                fit(thing, width)
                console.print(thing)
            else:
                console.print(thing, width=width)
    return "\n".join(line.rstrip() for line in capture.get().rstrip("\n").split("\n"))


def fit(made: Table, width: int) -> None:
    """Cut the last column, if anything: half a number or a name of three letters is no use to anybody.

    A terminal that is too narrow even so breaks the lines itself, and can be made wider.
    """
    *others, last = made.columns
    taken = sum(max(map(cell_len, map(str, [column.header, *column.cells]))) + GAP for column in others)
    last.max_width = max(width - taken - GAP, LAST_COLUMN)


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """Return a table; a column whose name begins with ``#`` is aligned to the right."""
    made = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0), header_style="bold")
    for name in columns:
        right = name.startswith("#")
        made.add_column(name.removeprefix("#").upper(), justify="right" if right else "left", no_wrap=True)
    for row in rows:
        made.add_row(*(cell if isinstance(cell, Text) else Text(plain(str(cell))) for cell in row))
    return made


def plain(text: str) -> str:
    """Return a text that cannot move the cursor or end a line: it may be a stranger's."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
