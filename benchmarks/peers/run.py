"""The measured phases of a peer."""

from __future__ import annotations

import time
from collections.abc import Iterator

from benchmarks.measure import Observer, Phase
from benchmarks.peers.listing import version
from benchmarks.peers.peer import Peer
from benchmarks.peers.tally import NotDeliveredOnce, Tally

PAYLOAD = 100
BATCH = 100
SINGLES = 10
"""Enqueued one by one is this part of the messages: it is slow, and the same from the first to the last."""


def measure(peer: Peer, url: str, messages: int) -> Iterator[Phase]:
    """Yield ``enqueue_batch``, ``drain`` and ``enqueue_single`` on the URL's empty database.

    As with ours, the clock of the drain runs from the start of the worker until the handler has seen
    every message. Peers that acknowledge late gain by that; ``settling_seconds`` says how much.
    Raises `NotDeliveredOnce` when messages are lost, repeated or left behind.
    """
    payloads = [str(number).rjust(8, "0").ljust(PAYLOAD, "x").encode() for number in range(messages)]
    peer.prepare()
    with Observer(url) as observer:
        yield _enqueue(peer, observer, "enqueue_batch", payloads, BATCH)
        yield _drain(peer, observer, payloads)
        yield _enqueue(peer, observer, "enqueue_single", payloads[: messages // SINGLES], 1)


def describe(peer: Peer) -> dict[str, object]:
    """Return version and settings, with their reasons."""
    settings = {name: setting._asdict() for name, setting in peer.settings.items()}
    return {
        "distribution": peer.distribution,
        "version": version(peer),
        "settings": settings,
    }


def _enqueue(peer: Peer, observer: Observer, name: str, payloads: list[bytes], batch: int) -> Phase:
    peer.connect()
    with observer.phase(name, len(payloads)) as phase:
        peer.enqueue(payloads, batch)
        observer.stop_clock(phase)
        peer.close()
    return phase


def _drain(peer: Peer, observer: Observer, payloads: list[bytes]) -> Phase:
    with observer.phase("drain", len(payloads)) as phase:
        tally = Tally(len(payloads), lambda: observer.stop_clock(phase))
        peer.drain(tally)
        phase.extra["settling_seconds"] = time.monotonic() - tally.completed_at
    tally.check(payloads)
    if left := peer.pending():
        raise NotDeliveredOnce(f"{left} messages were delivered and not acknowledged")
    return phase
