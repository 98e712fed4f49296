"""Why something failed, as a text that every backend can store."""

from __future__ import annotations

# The first lines of a traceback. It stands in a row that each delivery rewrites, so it has to stay small.
MAX_REASON = 2000


def clean_reason(reason: object) -> str:
    """Return a reason as text of at most 2 000 characters without NUL or lone surrogates."""
    try:
        text = str(reason)
    except Exception:  # a foreign __str__ must not hide that something failed
        text = f"<{type(reason).__name__} without text>"
    # Cut first: the rest may be a whole document. Escapes can lengthen it, hence the second cut.
    text = text[: 2 * MAX_REASON].replace("\0", "")
    return text.encode("utf-8", "backslashreplace").decode()[:MAX_REASON]


def describe(error: BaseException) -> str:
    """Return ``TypeName: text`` of an exception, or just the name when it has no text."""
    name = type(error).__name__
    text = clean_reason(error)
    return clean_reason(f"{name}: {text}") if text else name


def reason_of(error: object) -> str:
    """Return an exception as ``TypeName: text``, anything else as its text; at most 2 000 characters."""
    return describe(error) if isinstance(error, BaseException) else clean_reason(error)


def loggable(error: BaseException) -> BaseException:
    """Return an exception for a traceback in a log: itself, or a stand-in without what is too long.

    Drivers and HTTP clients put whole documents into their texts, of the error or of one that it came from.
    """
    seen: list[BaseException] = []
    chained: BaseException | None = error
    while chained is not None and chained not in seen:
        seen.append(chained)
        chained = chained.__cause__ or chained.__context__
    if all(is_short(found) for found in seen):
        return error
    texts = " <- ".join(describe(found)[: MAX_REASON // 2] for found in seen[:3])
    return CutError(f"{texts} (cut)").with_traceback(error.__traceback__)


class CutError(Exception):
    """Stands in a log for an exception whose text is too long for it."""


def is_short(error: BaseException) -> bool:
    """Tell whether a traceback may show an exception's text."""
    try:
        return len(str(error)) <= MAX_REASON
    except Exception:  # a foreign __str__: the traceback copes with it
        return True
