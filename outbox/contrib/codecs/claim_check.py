"""Payloads too large for a message: they lie in a store, and the message has their name."""

from __future__ import annotations

import threading
import uuid
from datetime import timedelta
from typing import Any

from outbox.clock import monotonic
from outbox.contrib.codecs.stores import Store
from outbox.errors import ConfigurationError, OutboxError
from outbox.values.claims import CLAIM_TYPE, OF, Held, Stray
from outbox.values.codec import JSON, Codec, checked_codec
from outbox.values.durations import seconds

# As much as a payload may have without a claim check.
OVER = 65_536
# A sweep reads the types of all messages, and the names in the store.
EVERY = 600.0
# Longer than any transaction that enqueues: until its commit its message is not seen.
UNCOMMITTED_FOR = 3600.0
# The name that says whose store it is.
OWNER = "owner"


class PayloadGone(OutboxError, LookupError):
    """The payload of a message is not in the store. ``name`` is the one it had there."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def _sentence(self) -> str:
        return f"payload {self.name} is not in the store; give the codec the store that it was written to"


class ClaimCheckCodec:
    """Leaves what another codec writes in a store if it is large, and its name in the message.

    ``over`` is how many bytes stay in the message. The payload is in the store before the message is
    written, so no message is ever without it. What belongs to no message any more is deleted by the vacuum,
    which looks after each ``every``: at once what a sweep has seen in a message before, and what none has
    seen, of a transaction that was rolled back or a process that was killed, once it is older than
    ``uncommitted_for``. No transaction that enqueues may take longer than that.
    """

    owns_type = True

    def __init__(
        self,
        store: Store,
        inner: Codec = JSON,
        *,
        over: int = OVER,
        every: float | timedelta = EVERY,
        uncommitted_for: float | timedelta = UNCOMMITTED_FOR,
    ) -> None:
        self._store = store
        self._inner = checked_codec(inner)
        if over < 0:
            raise ConfigurationError("over", over, "give a number of bytes")
        self._over = over
        self.claims = StoreClaims(
            store,
            seconds(every, option="every", positive=True),
            seconds(uncommitted_for, option="uncommitted_for", positive=True),
        )

    def encode(self, value: object) -> tuple[bytes, str]:
        """Return a small payload as it is, and the name of a large one, which is in the store by then."""
        data, kind = self._inner.encode(value)
        if len(data) <= self._over:
            return data, kind
        name = uuid.uuid4().hex
        self._store.put(name, data)
        return name.encode(), f"{CLAIM_TYPE}{OF}{kind}"

    def decode(self, data: bytes, payload_type: str) -> Any:
        """Return what was encoded; raises `PayloadGone` where the store does not have it."""
        if not payload_type.startswith(CLAIM_TYPE + OF):
            return self._inner.decode(data, payload_type)
        name = data.decode()
        try:
            content = self._store.get(name)
        except KeyError:
            raise PayloadGone(name) from None
        return self._inner.decode(content, payload_type[len(CLAIM_TYPE + OF) :])


class StoreClaims:
    """See `outbox.values.claims.Claims`."""

    def __init__(self, store: Store, every: float, uncommitted_for: float) -> None:
        self._store = store
        self._every = every
        self._uncommitted_for = uncommitted_for
        self._lock = threading.Lock()
        self._next = 0.0
        self._seen: frozenset[str] = frozenset()

    def due(self) -> bool:
        """Whether the time between two sweeps has passed; says so once."""
        with self._lock:
            now = monotonic()
            if now < self._next:
                return False
            self._next = now + self._every
            return True

    def sweep(self, owner: str, held: Held) -> int:
        """Delete what no message has that one had before, or that is too old to be uncommitted."""
        self._check_owner(owner)
        listed = self._list()  # before the messages are read: what is written meanwhile is not judged
        names = held()
        gone = [
            name
            for name, age in listed.items()
            if name not in names and (name in self._seen or age > self._uncommitted_for)
        ]
        for name in gone:
            self._store.delete(name)
        self._seen = names & listed.keys()
        return len(gone)

    def find_stray(self, held: Held) -> Stray:
        """Return payloads that a sweep should have deleted by now, and names without payloads."""
        listed = self._list()
        names = held()
        late = self._uncommitted_for + 2 * self._every
        orphans = frozenset(name for name, age in listed.items() if name not in names and age > late)
        missing = names - self._list().keys()
        return Stray(orphans, missing & held() if missing else missing)

    def _list(self) -> dict[str, float]:
        return {name: age for name, age in self._store.list() if name != OWNER}

    def _check_owner(self, owner: str) -> None:
        """Mark the store as this outbox's; raises `ConfigurationError` for another one's.

        To another outbox everything that this one has would be of no message.
        """
        try:
            found = self._store.get(OWNER).decode()
        except KeyError:
            self._store.put(OWNER, owner.encode())
            return
        if found != owner:
            problem = "it is another outbox's; give each a store of its own, or delete the name 'owner' in it"
            raise ConfigurationError("store", found, problem)
