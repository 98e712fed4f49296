"""Which messages of a batch are not handed over, because their key waits apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from outbox.access import Access
from outbox.backends.protocol import Sources
from outbox.backends.records import Delivery
from outbox.connections.connection import ProducerConnection
from outbox.statements import Catalog
from outbox.statements.dialect import decode_text


class ParkedKey(NamedTuple):
    """A key's entry in the set of a partition."""

    parked: bool
    """Its messages are put apart; False: it was released, and only what is at or below ``until`` matters."""
    until: int
    """Messages up to this number were numbered anew: they are passed over."""
    messages: int
    """How many waited when this was read."""


class Aside(NamedTuple):
    """What is not handed over of a batch."""

    parked: frozenset[int] = frozenset()
    """Positions of messages that are put behind those of their key."""
    passed: frozenset[int] = frozenset()
    """Positions of messages that have new numbers."""
    full: int | None = None
    """Where the batch must end: no more messages of that key can be put apart."""
    keys: int = 0
    """How many keys of the partition are parked."""


NOTHING = Aside()


class ParkedKeys:
    """The sets of the partitions that this process works on; one look-up in memory for each message.

    Nothing is read for a partition whose set has no version: it never had any key. A set is read again when
    its version is another one. What was read may be newer than the version, and the version older than the
    set: neither does harm, for the settlement itself sees what a release has numbered anew.
    """

    def __init__(self, backend: Sources) -> None:
        self._access = Access(backend, Store)
        self._known: dict[int, tuple[int, dict[str, ParkedKey]]] = {}

    def aside(self, delivery: Delivery, most: int) -> Aside:
        """Tell which messages of a delivery are not handed over; ``most`` messages of a key may be parked."""
        if delivery.parking is None:  # the usual case
            return NOTHING
        keys = self._keys(delivery.partition_id, delivery.parking)
        aside = sort_out(delivery, keys, most) if keys else NOTHING
        if aside.full is None:
            return aside
        # The counts in memory are only a bound: a batch that is delivered again was counted twice.
        del self._known[delivery.partition_id]
        return sort_out(delivery, self._keys(delivery.partition_id, delivery.parking), most)

    def _keys(self, partition_id: int, version: int) -> dict[str, ParkedKey]:
        known = self._known.get(partition_id)
        if known is None or known[0] != version:
            read = self._access.read(None, lambda store: store.read(partition_id))
            # Only the claimant of a partition asks for it: no other thread is here at the time.
            known = self._known[partition_id] = (version, read)
        return known[1]


class Store:
    """The statement that reads a set."""

    def __init__(self, connection: ProducerConnection, catalog: Catalog) -> None:
        self._connection = connection
        self._catalog = catalog

    def read(self, partition_id: int) -> dict[str, ParkedKey]:
        """Return the keys that matter beyond the cursor."""
        rows: Sequence[Sequence[object]] = self._connection.execute(
            self._catalog["read_parked_keys"], {"partition_id": partition_id}
        )
        return {
            str(decode_text(key)): ParkedKey(bool(parked), int(until), int(messages))  # type: ignore[call-overload]
            for key, parked, until, messages in rows
        }


def sort_out(delivery: Delivery, keys: dict[str, ParkedKey], most: int) -> Aside:
    """Do so with the partition's set, which is counted on."""
    parked: set[int] = set()
    passed: set[int] = set()
    full = None
    for position, message in enumerate(delivery.messages):
        key = message.message_key
        if key is None or (found := keys.get(key)) is None:
            continue
        if message.seq <= found.until:
            passed.add(position)
        elif found.parked:
            if found.messages >= most:
                full = position
                break
            parked.add(position)
            keys[key] = found._replace(messages=found.messages + 1)
    return Aside(frozenset(parked), frozenset(passed), full, sum(found.parked for found in keys.values()))
