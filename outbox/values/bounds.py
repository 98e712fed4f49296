"""The least and greatest numbers that an option may have, each with its reason.

They refuse what cannot work or was not meant; what is merely unwise passes.
"""

from __future__ import annotations

SHORTEST_WAIT = 0.001
"""Seconds. A thread that waits for less than a millisecond uses its processor as if it did not wait."""

SHORTEST_LEASE = 0.01
"""Seconds. Leasing, reading and settling take some milliseconds; a shorter lease runs out before its ack."""

MOST_SECONDS = 1e9
"""About 31 years. Beyond it thread waits and the databases' date arithmetic overflow."""

MOST_THREADS = 1_000
"""Each thread of a process has a connection; no server that we know is set up for more."""

LARGEST_BATCH = 1_000_000
"""Messages, or rows, of one transaction. A batch is held in memory and its rows are locked until it ends."""

LARGEST_INTEGER = 2**31 - 1
"""Attempts and failures are counted in columns of 32 bits."""

LARGEST_ID = 2**63 - 1
"""Ids and limits are parameters of 64 bits."""

LARGEST_PAYLOAD = 1_000_000_000
"""Bytes. SQLite's default for one value; PostgreSQL's and MySQL's are a little more."""

LARGEST_HEADERS = 16_384
"""Bytes of a message's headers as JSON: twice what W3C baggage, the largest header in common use, may have.

Every reader of a message holds its headers in memory, and what is larger belongs into the payload.
"""
