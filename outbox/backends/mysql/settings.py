"""What a session of the user's is set to while the outbox has it."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from outbox.backends.mysql.session import Session
from outbox.errors import DatabaseError

# A row limit that is none.
UNLIMITED = 18446744073709551615


class Settings(NamedTuple):
    """What would refuse or cut statements of ours; see `needs_for_a_while`."""

    safe_updates: int
    big_selects: int
    select_limit: int


FINE = Settings(0, 1, UNLIMITED)


@contextmanager
def borrowed(session: Session, info: MutableMapping[Any, Any]) -> Iterator[None]:
    """Set a session up for our statements, and put back what the user had.

    ``info`` lives as long as the driver's connection does. Costs one round trip the first time,
    and then none, or two a loan where the session is set otherwise.
    """
    if (before := info.get("outbox_settings")) is None:
        [before] = session.query("needs_for_a_while").read(Settings)
        info["outbox_settings"] = before
    if before == FINE:
        yield
        return
    session.command("borrow")
    try:
        yield
    finally:
        give_back(session, before)


def give_back(session: Session, before: Settings) -> None:
    """Put the settings back, or make the pool throw the connection away."""
    try:
        session.change("give_back", **before._asdict())
    except DatabaseError:
        session.connection.close()
