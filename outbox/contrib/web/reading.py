"""What the page shows, as plain data: the same for HTML and JSON, and bounded however much there is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from typing import Any, Final

from outbox.dead_letters.letter import DeadLetter, DeadLetterStatus
from outbox.dead_letters.scope import DeadLetterFilter
from outbox.facade.gauges import PartitionGauges, read_gauges
from outbox.facade.outbox import Outbox
from outbox.queues.parked import ParkedKeyStatus
from outbox.queues.pause import Pause
from outbox.statements.dialect import decode_text
from outbox.values.partitions import Partitions

MOST_MESSAGES: Final = 1_000
"""Messages of a partition that are searched for a key, and shown."""
MOST_KEYS: Final = 100
"""Parked keys of a queue that are shown."""
MOST_LETTERS: Final = 2_000
"""Dead letters that are sorted into groups, the newest: more would make the page slow."""
LETTERS_A_PAGE: Final = 50
SHOWN_BYTES: Final = 16_384
"""Of a payload."""

Redact = Callable[[bytes, str], "bytes | str"]
"""Takes a payload and the name of its queue, and returns what may be shown of it."""


@dataclass(frozen=True)
class Handlers:
    """What dead letters of each queue may be handed to on the page."""

    replay: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    """Leased handlers."""
    rehearse: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    """Transactional handlers, whose transactions are rolled back."""


@dataclass
class Group:
    """Dead letters that failed of the same."""

    reason: str
    example: int
    last_failed: datetime
    first_failed: datetime
    queues: set[str] = field(default_factory=set)
    ids: list[int] = field(default_factory=list)


class Reader:
    """Reads the tables of one outbox."""

    def __init__(self, outbox: Outbox, redact: Redact | None, handlers: Handlers) -> None:
        self.outbox = outbox
        self.handlers = handlers
        self._redact = redact

    def partitions(self) -> list[PartitionGauges]:
        """Return every partition, by queue and index."""
        return read_gauges(self.outbox.backend)

    def messages(self, partition: PartitionGauges, key: str | None = None) -> list[dict[str, Any]]:
        """Return the next messages of a partition without their payloads, those of a key if one is given."""
        rows = self.outbox.backend.query(
            "waiting_messages", partition_id=partition.partition_id, most=MOST_MESSAGES
        )
        found = [
            {
                "seq": int(row.seq),
                "id": int(row.message_id),
                "key": decode_text(row.message_key),
                "payload_type": decode_text(row.payload_type),
                "bytes": int(row.size),
                "created_at": moment(row.created_at),
            }
            for row in rows
        ]
        return [message for message in found if key is None or message["key"] == key]

    def pauses(self, queue: str) -> list[Pause]:
        """Return what holds a queue, or something of it."""
        return [pause for pause in self.outbox.pauses() if pause.is_hold or pause.queue == queue]

    def parked(self, queue: str) -> list[ParkedKeyStatus]:
        """Return the keys of a queue that wait apart, those parked first at the head."""
        return self.outbox.parked.list(queue, MOST_KEYS)

    def partition_of(self, queue: Sequence[PartitionGauges], key: str) -> PartitionGauges:
        """Return the partition where messages of a key are."""
        return queue[Partitions.of(len(queue)).for_key(key)]

    def payload(self, partition: PartitionGauges, seq: int) -> str | None:
        """Return what may be shown of a message's payload; None when it is gone."""
        rows = self.outbox.backend.query("waiting_payload", partition_id=partition.partition_id, seq=seq)
        return self.shown(bytes(rows[0].payload), partition.queue) if rows else None

    def shown(self, payload: bytes, queue: str) -> str:
        """Return what the ``redact`` hook leaves of a payload, as text, its beginning if it is long."""
        left = payload if self._redact is None else self._redact(payload, queue)
        data = left.encode() if isinstance(left, str) else bytes(left)
        more = f" … {len(data)} bytes in all" if len(data) > SHOWN_BYTES else ""
        return data[:SHOWN_BYTES].decode("utf-8", "backslashreplace") + more

    def groups(self, status: DeadLetterStatus, queue: str | None = None) -> list[Group]:
        """Return the newest letters of a status in groups, the largest first."""
        names = {row.id: decode_text(row.queue) for row in self.outbox.backend.query("all_partitions")}
        rows = self.outbox.backend.query("newest_letter_reasons", status=status.value, most=MOST_LETTERS)
        groups: dict[str, Group] = {}
        for row in rows:
            name = str(names.get(row.partition_id, ""))
            if queue is not None and name != queue:
                continue
            reason = decode_text(row.fingerprint) or kind_of(decode_text(row.last_error) or "")
            at = moment(row.failed_at)
            group = groups.setdefault(reason, Group(reason, int(row.id), at, at))
            group.first_failed, group.last_failed = min(at, group.first_failed), max(at, group.last_failed)
            group.queues.add(name)
            group.ids.append(int(row.id))
        return sorted(groups.values(), key=lambda group: -len(group.ids))

    def letters(self, wanted: DeadLetterFilter) -> list[DeadLetter]:
        """Return a page of letters."""
        return list(self.outbox.dead_letters.list(wanted.replace(limit=LETTERS_A_PAGE)))

    def letter(self, id_: int) -> DeadLetter | None:
        """Return one letter, whatever its status."""
        found = self.outbox.dead_letters.list(DeadLetterFilter(ids=[id_], status=None))
        return next(iter(found), None)


def by_queue(partitions: Sequence[PartitionGauges]) -> dict[str, list[PartitionGauges]]:
    """Return the partitions of each queue."""
    queues: defaultdict[str, list[PartitionGauges]] = defaultdict(list)
    for partition in partitions:
        queues[partition.queue].append(partition)
    return dict(queues)


def partition_facts(row: PartitionGauges) -> dict[str, Any]:
    """Return a partition as JSON has it."""
    letters = {status.value: count for status, count in row.dead_letters.items()}
    return {**asdict(row), "dead_letters": letters, "state": row.state}


def kind_of(error: str) -> str:
    """Return what errors of one kind have in common: the exception's type, or a short reason as it is."""
    kind, colon, _ = error.partition(":")
    return kind if colon and kind.isidentifier() else error[:120] or "unknown"


def moment(seconds: Any) -> datetime:
    """Return an aware time of seconds since 1970."""
    return datetime.fromtimestamp(float(seconds), timezone.utc)
