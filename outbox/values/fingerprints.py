"""What kind of failure it was: letters that failed alike have the same fingerprint."""

from __future__ import annotations

import re
import site
import sysconfig
from pathlib import Path
from types import TracebackType
from typing import Final

MAX_FINGERPRINT: Final = 255
"""Characters; the width of the column."""
LONGEST_TEXT: Final = 120
"""Characters of a reason without an exception: where a text goes on, it tells of one message only."""
VARYING: Final = re.compile(r"'[^']*'|\"[^\"]*\"|\b[0-9a-f]{8,}\b|\d+", re.IGNORECASE)
EXCEPTION: Final = re.compile(r"(?:given up after .*?(?:last error: |: ))?(?P<text>.*)\Z", re.DOTALL)
OURS: Final = str(Path(__file__).parents[1])
LIBRARIES: Final = tuple(
    {*site.getsitepackages(), *(sysconfig.get_paths()[name] for name in ("stdlib", "platstdlib", "purelib"))}
)


def fingerprint(reason: str, cause: BaseException | None = None) -> str:
    """Return the kind of a failure as a readable text.

    That is the exception's type and the innermost function of the application, ``ValueError in
    shop.handlers.charge``; without an exception the reason, with its numbers and quoted parts as ``#``.
    """
    if cause is not None:
        where = application_frame(cause.__traceback__)
        return f"{type(cause).__name__}{f' in {where}' if where else ''}"[:MAX_FINGERPRINT]
    found = EXCEPTION.match(reason)
    text = found["text"] if found else reason
    first, *_ = text.strip().splitlines() or [""]
    return VARYING.sub("#", first[: 2 * LONGEST_TEXT])[:LONGEST_TEXT]


def application_frame(traceback: TracebackType | None) -> str | None:
    """Return the innermost function that is neither ours nor of an installed library."""
    found = None
    while traceback is not None:
        code = traceback.tb_frame.f_code
        if not (code.co_filename.startswith((OURS, *LIBRARIES)) or code.co_filename.startswith("<frozen")):
            found = f"{traceback.tb_frame.f_globals.get('__name__', '?')}.{code.co_name}"
        traceback = traceback.tb_next
    return found
