"""Where downloads are kept between runs and shared by all clones."""

from __future__ import annotations

import os
from pathlib import Path


def cache_directory() -> Path:
    """Return the folder for downloads: $OUTBOX_TEST_CACHE, else the user's cache.

    For root it is under /var/cache, because the unprivileged account that runs the servers cannot enter /root.
    """
    if chosen := os.environ.get("OUTBOX_TEST_CACHE"):
        return Path(chosen).absolute()
    if os.geteuid() == 0:
        return Path("/var/cache/outbox-pipeline")
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "outbox-pipeline"


def make_public(folder: Path) -> None:
    """Create the folder, if it is missing, so that the account that runs the servers can read it, whatever the umask."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for path in missing:
        path.chmod(0o755)
