"""Put messages apart, in the transaction that moves the cursor past them: alike on every backend."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from outbox.backends.records import Settlement
from outbox.statements.dialect import Dialect


def park(run: Callable[..., object], dialect: Dialect, settlements: Iterable[Settlement]) -> None:
    """Write what settlements park, before their cursors move; nothing is run when they park nothing.

    The processor rows must be locked, and settled in the same transaction. Statements: 1, and 2 more when
    a key was not parked before.
    """
    text = dialect.encode_text
    rows = [
        (
            item.partition_id,
            parked.seq,
            text(parked.reason),
            text(parked.fingerprint),
            parked.attempts,
            int(parked.gives_up),
        )
        for item in settlements
        for parked in item.parked
    ]
    if not rows:
        return
    given = dialect.records(rows)
    if fresh := sorted({partition_id for partition_id, *_, gives_up in rows if gives_up}):
        run("park_keys", parked=given)
        run("raise_parking", partition_ids=dialect.integers(fresh))
    run("insert_parked", parked=given)
