"""Where the command begins."""

from __future__ import annotations

import os
import signal
import sys

from outbox.cli.liveness import answer_quickly

NEEDED = frozenset({"click", "rich"})


def main() -> None:
    """Run the command and end the process with its exit code."""
    if os.getpid() == 1:
        # The kernel drops signals that PID 1 has no handler for: a container that is told to stop while
        # it still imports the application would go on. `run` replaces this once there are workers to stop.
        signal.signal(signal.SIGTERM, lambda number, _frame: os._exit(128 + number))
    if (code := answer_quickly(sys.argv[1:])) is not None:
        sys.exit(code)
    try:
        from outbox.cli.app import app
        from outbox.cli.boundary import run
    except ImportError as error:
        if (error.name or "").partition(".")[0] not in NEEDED:
            raise
        sys.stderr.write(
            f"outbox: the command needs the module {error.name!r}; "
            'install it with: pip install "outbox-pipeline[cli]"\n'
        )
        sys.exit(2)
    sys.exit(run(app))
