"""Nothing outlives the run: kill the servers and remove their files when the test process is gone."""

from __future__ import annotations

import subprocess
from pathlib import Path

# Reads "+ PID" and "- PID" lines. End of input means that the test process ended, however it ended.
_SCRIPT = """
pids=
while read -r sign pid; do
    case $sign in
        +) pids="$pids $pid" ;;
        -) kept=; for p in $pids; do [ "$p" = "$pid" ] || kept="$kept $p"; done; pids=$kept ;;
    esac
done
[ -z "$pids" ] || kill -9 $pids 2>/dev/null
rm -rf -- "$1"
"""


class Undertaker:
    """Keep a small shell process at hand that cleans up after us, even after ``kill -9``.

    `watch` and `forget` name the processes that it has to kill. `close` ends it at once: whatever is still being
    watched is killed and the directory is removed. It runs in a session of its own, so that Ctrl-C does not reach it.
    """

    def __init__(self, directory: Path) -> None:
        self._shell = subprocess.Popen(
            ["/bin/sh", "-c", _SCRIPT, "undertaker", str(directory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            text=True,
        )

    def watch(self, pid: int) -> None:
        self._tell(f"+ {pid}")

    def forget(self, pid: int) -> None:
        self._tell(f"- {pid}")

    def close(self) -> None:
        assert self._shell.stdin is not None
        self._shell.stdin.close()
        self._shell.wait(30)

    def _tell(self, line: str) -> None:
        assert self._shell.stdin is not None
        self._shell.stdin.write(line + "\n")
        self._shell.stdin.flush()
