"""Headers: a flat mapping of str to str, stored as one JSON object."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType

from outbox.errors import InvalidHeaders
from outbox.values.bounds import LARGEST_HEADERS

NO_HEADERS: Mapping[str, str] = MappingProxyType({})
"""The empty, read-only mapping that every message without headers shares."""


HeaderSource = Callable[[], "Mapping[str, str] | None"]
"""Returns headers for every message that is enqueued: the context of the producer."""


def gather_headers(sources: Collection[HeaderSource]) -> Mapping[str, str]:
    """Return the headers of all sources; those of later ones win."""
    if not sources:
        return NO_HEADERS
    gathered: dict[str, str] = {}
    for source in sources:
        headers = source()
        if headers is not None:
            encode_headers(headers)  # raises for what is none
            gathered.update(headers)
    return gathered


def with_context(headers: Mapping[str, str] | None, context: Mapping[str, str]) -> Mapping[str, str] | None:
    """Return a message's headers with those of its context, which give way; what is no mapping as it is."""
    if not context:
        return headers
    if headers is None:
        return context
    given: object = headers
    return {**context, **headers} if isinstance(given, Mapping) else headers


def encode_headers(headers: Mapping[str, str] | None) -> str | None:
    """Return headers as JSON text, None when there are none.

    Raises `InvalidHeaders` for what is no flat mapping of str to str, and for more than 16 384 bytes.
    """
    if headers is None:
        return None
    if not isinstance(headers, Mapping):
        raise InvalidHeaders(f"got {type(headers).__name__}")
    for name, value in headers.items():
        _check_text("name", name)
        _check_text("value", value)
    encoded = write_headers(headers)
    if encoded is not None and len(encoded) > LARGEST_HEADERS:
        raise InvalidHeaders(
            f"they take {len(encoded)} bytes as JSON, more than the {LARGEST_HEADERS} allowed; "
            "put what is large into the payload"
        )
    return encoded


def write_headers(headers: Mapping[str, str]) -> str | None:
    """Return headers as JSON text whatever they hold, None for none: those of a message that exists."""
    # ASCII escapes keep every character, NUL included, storable on every backend.
    return json.dumps(dict(headers), separators=(",", ":")) if headers else None


def decode_headers(text: str | None) -> Mapping[str, str]:
    """Return stored headers as a read-only mapping, the empty one for None."""
    return MappingProxyType(json.loads(text)) if text else NO_HEADERS


def _check_text(part: str, text: object) -> None:
    if not isinstance(text, str):
        raise InvalidHeaders(f"a {part} is of type {type(text).__name__}")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidHeaders(f"a {part} holds a lone surrogate, which no UTF-8 text can carry") from None
