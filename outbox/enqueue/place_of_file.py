"""Where a connection leads to in an embedded database: which file, and by which name it is attached."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

from outbox.connections.connection import ProducerConnection
from outbox.errors import WrongDatabase
from outbox.statements import Catalog
from outbox.statements.dialect import readable_text

MAIN = "main"  # what SQLite calls the file that a connection was opened with


class File(NamedTuple):
    """A file as the operating system knows it, whatever links lead to it."""

    path: str | None
    device: int = 0
    inode: int = 0

    def __str__(self) -> str:
        return f"the file {self.path or '(in memory)'} (inode {self.inode})"

    def is_same(self, other: File) -> bool:
        """Tell whether two paths are one file; no file is none."""
        return (self.device, self.inode) == (other.device, other.inode) != (0, 0)

    @classmethod
    def at(cls, path: str | None) -> File:
        """Return the file at a path."""
        if not path:
            return cls(None)
        try:
            found = Path(path).stat()
        except OSError:
            return cls(path)
        return cls(path, found.st_dev, found.st_ino)


class PlaceOfFile:
    """Which file the outbox's own connections were opened with."""

    qualifier = MAIN

    def __init__(
        self, catalog: Catalog, own: Callable[[], AbstractContextManager[ProducerConnection]]
    ) -> None:
        """Read which file it is."""
        self._plain = catalog
        self._own = own
        self._expected = self._own_file()

    def qualifier_for(self, connection: ProducerConnection) -> str:
        """Return by which name a connection has the outbox's file; raises `WrongDatabase` if by none."""
        files = self._files(connection)
        name = self._name_in(files)
        if name is None:
            # Another file may have taken the path of the outbox's.
            self._expected = self._own_file()
            name = self._name_in(files)
        if name is None:
            raise WrongDatabase(connection.kind, str(files.get(MAIN, File(None))), str(self._expected))
        return name

    def _own_file(self) -> File:
        with self._own() as connection:
            return self._files(connection).get(MAIN, File(None))

    def _files(self, connection: ProducerConnection) -> dict[str, File]:
        rows = connection.query(self._plain["place"], {}).named()
        return {readable_text(row.name) or "": File.at(readable_text(row.file)) for row in rows}

    def _name_in(self, files: dict[str, File]) -> str | None:
        return next((name for name, file in files.items() if file.is_same(self._expected)), None)
