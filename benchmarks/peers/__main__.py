"""Measure one peer: ``python -m benchmarks.peers NAME URL MESSAGES``, one JSON line for each phase.

Without arguments: say what is set for each, why, and where its documentation says so.
"""

from __future__ import annotations

import logging
import sys

from benchmarks.peers.catalogue import adapter, missing
from benchmarks.peers.listing import listing
from benchmarks.peers.run import describe, measure


def main() -> None:
    """Run the peer named by the first argument on an empty database, or list them all."""
    if len(sys.argv) == 1:
        print(listing())
        return
    name, url, messages = sys.argv[1:]
    if said := missing(name):
        sys.exit(said)
    # Some write a line or two for every message; none of them has to.
    logging.disable(logging.INFO)
    peer = adapter(name)(url)
    for phase in measure(peer, url, int(messages)):
        phase.extra["peer"] = describe(peer)
        print(phase.to_line(), flush=True)


if __name__ == "__main__":
    main()
