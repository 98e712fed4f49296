"""A message's key as the text that is stored with it."""

from __future__ import annotations

from outbox.errors import ConfigurationError

# As many as a queue's name may have; with a partition's number it still fits into an index on every database.
MAX_KEY_BYTES = 1024
HEXADECIMAL = "\\x"


def check_key(key: object, *, option: str = "key") -> bytes:
    """Return a key's bytes; raises `ConfigurationError` unless it is bytes, or a str with a UTF-8 form."""
    if isinstance(key, bytes):
        return key
    if not isinstance(key, str):
        raise ConfigurationError(option, key, "give str or bytes")
    try:
        return key.encode()
    except UnicodeEncodeError:
        raise ConfigurationError(option, key, "it holds a lone surrogate and has no UTF-8 form") from None


def key_text(key: str | bytes | None, *, option: str = "key") -> str | None:
    r"""Return a key as text: the same text for the same bytes, and another one for others.

    Bytes that are UTF-8 are that text. What no database can store as text (bytes that are not UTF-8, a NUL),
    and what looks as if it were written so, is ``\x`` and its hexadecimal digits. Raises
    `ConfigurationError` for a text of more than 1024 bytes.
    """
    if key is None:
        return None
    data = check_key(key, option=option)
    text = _plain(data)
    if text is None:
        text = HEXADECIMAL + data.hex()
    size = len(data) if text[:2] != HEXADECIMAL else len(text)
    if size > MAX_KEY_BYTES:
        raise ConfigurationError(
            option, f"{text[:40]}…", f"it takes {size} bytes; give one of at most {MAX_KEY_BYTES}"
        )
    return text


def key_bytes(text: str) -> bytes:
    """Return the bytes of a key that `key_text` has written."""
    return bytes.fromhex(text[2:]) if text[:2] == HEXADECIMAL else text.encode()


def _plain(data: bytes) -> str | None:
    if b"\0" in data or data.startswith(HEXADECIMAL.encode()):
        return None
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None
