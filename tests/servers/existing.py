"""A server that somebody else runs, named by an environment variable."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit


class ExistingServer:
    """Use a server by its URL; the suite makes databases of its own there and never starts or stops it."""

    def __init__(self, name: str, url: str) -> None:
        self.name = name
        self.url = url

    def url_of(self, database: str) -> str:
        return urlunsplit(urlsplit(self.url)._replace(path=f"/{database}"))

    @property
    def running(self) -> bool:
        """Whether it runs, which is its owner's business."""
        return True

    def start(self) -> None:
        """Do nothing: it is expected to run."""

    def stop(self) -> None:
        """Do nothing: it is not ours."""
