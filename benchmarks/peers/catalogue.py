"""Which peers there are. Nothing of theirs is imported until one is made."""

from __future__ import annotations

from importlib import import_module, util
from typing import NamedTuple

from benchmarks.peers.peer import Peer


class Entry(NamedTuple):
    """Where a peer is found."""

    backend: str
    package: str
    """What is imported; the extra ``bench`` installs it, where the Python version allows."""
    adapter: str
    """Module and class below `benchmarks.peers`."""


CATALOGUE = {
    "procrastinate": Entry("postgresql", "procrastinate", "procrastinate_peer:ProcrastinatePeer"),
    "pgqueuer": Entry("postgresql", "pgqueuer", "pgqueuer_peer:PgqueuerPeer"),
    "faststream-outbox": Entry("postgresql", "faststream_outbox", "faststream_peer:FaststreamPeer"),
    "chancy": Entry("postgresql", "chancy", "chancy_peer:ChancyPeer"),
    "pgmq": Entry("postgresql", "pgmq", "pgmq_peer:PgmqPeer"),
    "huey": Entry("sqlite", "huey", "huey_peer:HueyPeer"),
}


def adapter(name: str) -> type[Peer]:
    """Return the named peer's class."""
    module, _, cls = CATALOGUE[name].adapter.partition(":")
    found: type[Peer] = getattr(import_module(f"benchmarks.peers.{module}"), cls)
    return found


def missing(name: str) -> str | None:
    """Return the sentence that says how to get a peer that is not installed."""
    entry = CATALOGUE[name]
    if util.find_spec(entry.package):
        return None
    return f"{name} is not installed: pip install '.[bench]' (some peers need Python 3.11)"
