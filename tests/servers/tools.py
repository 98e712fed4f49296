"""Install the programs that the tests marked ``tools`` need: ``python -m tests.servers.tools``, or ``make tools``.

Nothing is touched that is already there.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

_APT_INSTALL = Path(__file__).parents[2] / "scripts" / "apt-install"
# Each program, and the package that brings it.
PROGRAMS = {
    "prometheus": "prometheus",
    "promtool": "prometheus",
    "chromium": "chromium",
    "chromedriver": "chromium-driver",
    "systemd-analyze": "systemd",
}


def main() -> int:
    """Install what is missing; return the exit status."""
    packages = {package for program, package in PROGRAMS.items() if not shutil.which(program)}
    return subprocess.run([str(_APT_INSTALL), *sorted(packages)], check=False).returncode if packages else 0


if __name__ == "__main__":
    sys.exit(main())
