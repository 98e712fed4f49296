"""Tables that have grown large while the database knows nothing of it, and the hot path over them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from outbox import Outbox
from outbox.backends.protocol import Backend
from outbox.backends.records import DeadLetterRecord, Delivery, LeaseRequest, Refusal, Settlement
from tests.budgets.line import QUEUE
from tests.support import Database

PARTITIONS = 16
TABLES = ("outbox_incoming", "outbox_outgoing", "outbox_body")
LIMIT = 50
MAX_BYTES = 1_000_000
Step = tuple[str, Callable[[], object]]

_DIGIT = "SELECT 0 AS n" + "".join(f" UNION ALL SELECT {n}" for n in range(1, 10))


def numbers(digits: int) -> str:
    """Return a query of the numbers from 0, one for every combination of so many digits, as ``n``."""
    value = " + ".join(f"d{k}.n * {10**k}" for k in range(digits))
    sources = ", ".join(f"d AS d{k}" for k in range(digits))
    return f"WITH d AS ({_DIGIT}) SELECT {value} AS n FROM {sources}"


def fill(database: Database, digits: int) -> list[int]:
    """Put ten to the power of ``digits`` rows into each hot table; return the partition ids.

    Every partition has as much to sequence, to process and to vacuum.
    """
    with Outbox.builder(database.url).queue(QUEUE, PARTITIONS).enqueue_only().open() as producer:
        ids = [partition.partition_id for partition in producer.status().partitions]
    rows = numbers(digits)
    each = 10**digits // PARTITIONS
    owner = f"{ids[0]} + n % {PARTITIONS}"
    assert ids == list(range(ids[0], ids[0] + PARTITIONS))
    with database.session() as session:
        session.execute(
            f"INSERT INTO outbox_body (id, payload, payload_type) {_overriding(database)}"
            f"SELECT n + 1, 'x', 'text/plain' FROM ({rows}) AS g"
        )
        session.execute(
            "INSERT INTO outbox_outgoing (partition_id, seq, body_id) "
            f"SELECT {owner}, floor(n / {PARTITIONS}) + 1, n + 1 FROM ({rows}) AS g"
        )
        session.execute(
            f"INSERT INTO outbox_incoming (partition_id, body_id) SELECT {owner}, n + {10**digits} + 1 FROM ({rows}) AS g"
        )
        session.execute(f"UPDATE outbox_partitions SET sequence = {each}")
        session.execute(f"UPDATE outbox_processor SET processed_seq = {each // 2}")
    return ids


def _overriding(database: Database) -> str:
    return "OVERRIDING SYSTEM VALUE " if database.backend == "postgresql" else ""


def hot_path(backend: Backend, ids: Sequence[int]) -> Iterator[Step]:
    """Yield every statement of a process at work, by name; to be run in this order."""
    held: list[Delivery] = []

    def settle(*, reads: bool, dead: bool) -> None:
        given = [_settlement(delivery, reads=reads, dead=dead) for delivery in held]
        held[:] = backend.settle_and_read(given, token="t", lease=60.0, max_bytes=MAX_BYTES).deliveries

    def lease() -> None:
        requests = [LeaseRequest(partition_id, LIMIT) for partition_id in ids]
        taken = backend.lease_and_read(
            requests, token="t", lease=60.0, max_bytes=MAX_BYTES, one_if_failed=False, solo=False
        )
        held[:] = taken.deliveries
        assert len(held) == len(ids)

    def transact() -> None:
        request = LeaseRequest(ids[0], LIMIT)
        with backend.transactional_turn(request, max_bytes=MAX_BYTES, one_if_failed=False) as turn:
            assert not isinstance(turn, Refusal)
            turn.settle(_settlement(turn.delivery, reads=False, dead=True))

    yield "pending", lambda: backend.pending(ids)
    yield "sequence", lambda: backend.sequence(ids, LIMIT)
    yield "lease_and_read", lease
    yield "renew", lambda: backend.renew(ids, token="t", lease=60.0)
    yield "settle_and_read", lambda: settle(reads=True, dead=False)
    yield "settle_and_read with dead letters", lambda: settle(reads=False, dead=True)
    yield "transactional turn", transact
    yield "vacuum", lambda: backend.vacuum(ids, LIMIT * len(ids))


def _settlement(delivery: Delivery, *, reads: bool, dead: bool) -> Settlement:
    last = delivery.messages[-1].seq
    letters = (DeadLetterRecord(last, "no", 1),) if dead else ()
    return Settlement(delivery.partition_id, last, next_limit=LIMIT if reads else 0, dead=letters)
