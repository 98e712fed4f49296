"""What SQLite is asked to run: its own trace, on connections that come through a door of ours."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def listening(database: Path, note: Callable[[str], None]) -> Iterator[Path]:
    """Yield another path of the same file; every connection that is opened through it is traced."""
    # A process that is killed leaves its door behind.
    door = database.parent / f"door-{os.getpid()}"
    door.symlink_to(database.parent, target_is_directory=True)
    path = door / database.name
    connect = sqlite3.connect

    def traced(name: Any, *arguments: Any, **options: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(name, *arguments, **options)
        if str(name) == str(path):
            connection.set_trace_callback(note)
        return connection

    sqlite3.connect = traced  # type: ignore[assignment]
    try:
        yield path
    finally:
        sqlite3.connect = connect
        door.unlink()
