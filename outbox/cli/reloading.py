"""``--reload``: a command that begins anew when the file of a module has changed."""

from __future__ import annotations

import logging
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path

from outbox.cli.exits import Exit

log = logging.getLogger("outbox.cli")

LOOK_SECONDS = 1.0


class ChangedFiles:
    """Looks at the files of all modules that are imported, also of those that are imported later."""

    def __init__(self) -> None:
        self._times: dict[str, int] = {}
        self._began = time.time_ns()
        self.changed = False
        self.look()

    def look(self) -> bool:
        """Return whether one has changed since the process began, and is Python."""
        self._take_in([getattr(module, "__file__", None) for module in [*sys.modules.values()]])
        for file in self._newer():
            self.changed = is_whole(file) or self.changed
        return self.changed

    def look_where(self, error: BaseException) -> None:
        """Look at the files that an error and its causes came through; a failed import left no module."""
        found: BaseException | None = error
        while found is not None:
            self._take_in([frame.filename for frame in traceback.extract_tb(found.__traceback__)])
            self._take_in([getattr(found, "filename", None)])
            found = found.__cause__ or found.__context__

    def _take_in(self, files: Iterable[object]) -> None:
        for file in files:
            if isinstance(file, str) and file.endswith(".py") and file not in self._times:
                written = modified(file) or 0
                # Between its import and this look it may have changed; a time to come is another clock's.
                changed = self._began < written <= time.time_ns()
                self._times[file] = self._began if changed else written

    def _newer(self) -> list[str]:
        found = {file: modified(file) for file in self._times}
        # An editor may be putting another one in its place.
        newer = {file: time for file, time in found.items() if time is not None and time != self._times[file]}
        self._times |= newer
        return list(newer)


def modified(file: str) -> int | None:
    """Return when a file was written; None where there is none."""
    try:
        return Path(file).stat().st_mtime_ns
    except OSError:
        return None


def is_whole(file: str) -> bool:
    """Return whether a file is Python."""
    try:
        compile(Path(file).read_bytes(), file, "exec")
    except (SyntaxError, ValueError, OSError) as error:
        log.error("%s is not loaded: %s", file, error, extra={"event": "outbox.reload_failed"})  # noqa: TRY400
        return False
    return True


def reloading(work: Callable[[Callable[[], bool]], Exit]) -> Exit:
    """Work until a file has changed, and begin the process anew then; what fails waits for the next change.

    The new process is this one with another program in it: same number, same terminal, same parent.
    """
    files, code = ChangedFiles(), Exit.FAILED
    try:
        code = work(files.look)
    except Exception as error:
        log.exception("the next change of a file begins anew", extra={"event": "outbox.reload_failed"})
        files.look_where(error)
        while not files.look():
            time.sleep(LOOK_SECONDS)
    if files.changed:
        log.info("a file has changed: beginning anew", extra={"event": "outbox.reloading"})
        sys.stdout.flush()
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - our own command line
    return code
