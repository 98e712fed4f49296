"""What a statement returned, read by the names of its columns and never by their positions."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any, NamedTuple, TypeVar

from outbox.errors import OutboxError

R = TypeVar("R", bound=NamedTuple)
Row = tuple[Any, ...]


class Rows:
    """The rows of one run of a statement.

    A record is a NamedTuple whose fields are columns of the statement, in any order and not necessarily
    all of them. Names are looked up once for a statement, not for each row.
    """

    __slots__ = ("_tuples", "columns")

    def __init__(self, columns: tuple[str, ...], tuples: list[Row]) -> None:
        self.columns = columns
        self._tuples = tuples

    def __len__(self) -> int:
        return len(self._tuples)

    def __iter__(self) -> Iterator[Row]:
        return iter(self._tuples)

    def read(self, record: type[R]) -> list[R]:
        """Return every row as a record."""
        return self.reader(record)(self._tuples)

    def reader(self, record: type[R]) -> Callable[[Iterable[Row]], list[R]]:
        """Return what makes records of some of these rows."""
        return reader(record, self.columns)

    def getter(self, *names: str) -> Callable[[Row], Any]:
        """Return what takes a column out of one of these rows, or several columns as a tuple."""
        return getter(self.columns, names)

    def named(self) -> list[Any]:
        """Return every row as a tuple with the columns as attributes."""
        return list(map(row_type(self.columns)._make, self._tuples))

    def mapping(self, key: str, value: str) -> dict[Any, Any]:
        """Return one column by another."""
        return dict(map(getter(self.columns, (key, value)), self._tuples))

    def values(self) -> list[Any]:
        """Return the only column."""
        return [value for (value,) in self._tuples]

    def integers(self) -> list[int]:
        """Return the only column as whole numbers; a connection made for raw values gives their digits."""
        return [int(value) for (value,) in self._tuples]

    def value(self) -> Any:
        """Return the only column of the only row."""
        [(value,)] = self._tuples
        return value


NO_ROWS = Rows((), [])


@lru_cache(maxsize=256)
def reader(record: type[R], columns: tuple[str, ...]) -> Callable[[Iterable[Row]], list[R]]:
    """Return what makes records of rows with these columns; no Python code runs for each row."""
    take = getter(columns, record._fields)
    if len(record._fields) == 1:
        return lambda rows: [record._make((take(row),)) for row in rows]
    make: Callable[[Sequence[Any]], R] = record._make
    return lambda rows: list(map(make, map(take, rows)))


@lru_cache(maxsize=256)
def getter(columns: tuple[str, ...], names: tuple[str, ...]) -> Callable[[Row], Any]:
    """Return what takes these columns out of a row; neighbours are taken in one slice, the fastest way."""
    missing = [name for name in names if name not in columns]
    if missing:
        msg = f"a statement was to return {', '.join(missing)}, and returned {', '.join(columns)}"
        raise OutboxError(msg)
    positions = [columns.index(name) for name in names]
    first, count = positions[0], len(positions)
    if count > 1 and positions == list(range(first, first + count)):
        return itemgetter(slice(first, first + count))
    return itemgetter(*positions)


@lru_cache(maxsize=64)
def row_type(columns: tuple[str, ...]) -> Any:
    """Return a tuple type with these columns as attributes."""
    return namedtuple("Row", columns, rename=True)  # noqa: PYI024 - its fields are known at run time only
