"""Where the command begins."""

from __future__ import annotations

import sys

NEEDED = frozenset({"click", "rich"})


def main() -> None:
    """Run the command and end the process with its exit code."""
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
