"""The settings of all peers, for people."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import metadata

from benchmarks.peers.catalogue import CATALOGUE, adapter
from benchmarks.peers.peer import Peer


def listing() -> str:
    """Return a Markdown list: each peer with its version, each setting with its reason and address."""
    return "\n".join(line for name in CATALOGUE for line in _lines(adapter(name)))


def version(peer: type[Peer] | Peer) -> str:
    """Return the version that is installed."""
    try:
        return metadata.version(peer.distribution)
    except metadata.PackageNotFoundError:
        return "not installed"


def _lines(peer: type[Peer]) -> Iterator[str]:
    yield f"- {peer.distribution} {version(peer)}"
    for name, setting in peer.settings.items():
        yield f"  - {name} = {setting.value}: {setting.why} ([documentation]({setting.see}))"
