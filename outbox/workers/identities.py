"""Ids of messages that would come again, or out of order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from outbox.backends.protocol import Backend


class Trouble(NamedTuple):
    """What is wrong with the ids of a table, and the statement that repairs it."""

    text: str
    repair: str


def troubles(backend: Backend) -> list[Trouble]:
    """Return what is wrong with the ids that the server gives out; 1 statement, none where nothing can be."""
    if "identities" not in backend.catalog:
        return []
    return [trouble for row in backend.query("identities") for trouble in judge(backend, row)]


def judge(backend: Backend, row: Any) -> Iterator[Trouble]:
    """Tell what is wrong with the ids of one table."""
    table = f"{backend.naming.prefix}_{row.name}"
    highest = row.highest or 0
    if row.may_look and highest > (row.given_out or 0):
        yield Trouble(
            f"the ids of {table} go on at {(row.given_out or 0) + 1}, and {highest} is there already "
            "(a restore, or a replica that became the primary): an enqueue fails, or messages change order",
            row.move_on,
        )
    if row.taken_at_once > 1:
        yield Trouble(
            f"each session takes {row.taken_at_once} ids of {table} in advance, so that later messages may "
            "have lower ids and be delivered before earlier ones",
            row.take_one,
        )
