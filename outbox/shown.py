"""How a value shows in an error's text or a log line: short, and without passwords."""

from __future__ import annotations

import re

# In a URL up to its last "@", for passwords that hold one themselves, and as a named option anywhere.
PASSWORD = re.compile(
    r"(/[^/@:\s]*:).*(?=@)|(\b(?:ssl)?pass(?:word|wd)?\s*=\s*)(?:'[^']*'|[^&\s]+)", re.IGNORECASE
)
# Enough to recognise a value by, on one line of a log.
SHOWN_CHARACTERS = 200


def mask(text: str) -> str:
    """Return a text with the passwords of URLs and connection strings in it hidden."""
    return PASSWORD.sub(r"\1\2***", text)


def shorten(value: object) -> str:
    """Return the ``repr`` of a value for an error's text, cut at 200 characters."""
    try:
        text = repr(value)
    except Exception:  # a number of thousands of digits, or an object whose repr is broken
        text = f"a value of type {type(value).__name__}"
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"
