"""Text that headers can carry."""

from __future__ import annotations

from urllib.parse import quote

# Printable ASCII without the percent sign, which begins an escape.
_PRINTABLE = "".join(map(chr, range(0x20, 0x7F))).replace("%", "")


def visible(text: str) -> str:
    """Return the text as printable ASCII, all else percent-encoded in UTF-8, as CloudEvents has it."""
    return quote(text, safe=_PRINTABLE)
