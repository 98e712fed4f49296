"""The age of a liveness file, for a probe that runs every few seconds: milliseconds, and few imports.

Nothing here needs the command line's libraries or a driver: the probe's cost is the interpreter's start.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from outbox.values.readable import duration, parse_seconds

OPTIONS = ("--liveness-file", "--max-age")


def complaint(path: Path, max_age: float) -> str | None:
    """Return what is wrong with a liveness file, None when the process that touches it is alive."""
    try:
        touched = path.stat().st_mtime
    except OSError as error:
        return f"there is no liveness file {path} ({error.strerror}); `outbox run --liveness-file` touches it"
    # A clock that was set back leaves a time in the future, and a living process touches the file again.
    age = time.time() - touched
    if abs(age) > max_age:
        when = f"{duration(abs(age))} {'ago' if age > 0 else 'in the future'}"
        return f"the liveness file {path} was touched {when}; allowed are {duration(max_age)}"
    return None


def answer_quickly(words: list[str]) -> int | None:
    """Answer ``healthcheck --liveness-file F --max-age TIME``; None for whatever else was typed."""
    verb, *rest = words or [""]
    options = dict(zip(rest[::2], rest[1::2], strict=False))
    if verb != "healthcheck" or len(rest) != 4 or sorted(options) != sorted(OPTIONS):
        return None
    try:
        max_age = parse_seconds(options["--max-age"])
    except ValueError:
        return None  # the command says what is wrong with it
    problem = complaint(Path(options["--liveness-file"]), max_age)
    if problem is not None:
        sys.stderr.write(f"outbox: {problem}\n")
    return int(problem is not None)
