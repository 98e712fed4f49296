"""A message as the database takes it."""

from __future__ import annotations

from typing import NamedTuple


class PreparedMessage(NamedTuple):
    """A validated, encoded message; the order of the fields is the order of the statements' columns.

    ``headers`` is a JSON object as ASCII text, so that it passes through a session of any encoding.
    """

    partition_id: int
    payload: bytes
    payload_type: str
    headers: str | None = None
