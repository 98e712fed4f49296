"""What a handler saw."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence


class NotDeliveredOnce(AssertionError):
    """Messages were lost, or came twice; a figure about them means nothing."""


class Tally:
    """Collects payloads until there are enough of them.

    Several threads may add; two of them may then both be told that theirs was the last.
    """

    def __init__(self, expected: int, when_complete: Callable[[], None]) -> None:
        self._expected = expected
        self._when_complete = when_complete
        self._seen: list[bytes | str] = []
        self.completed_at = 0.0

    def add(self, payload: bytes | str) -> bool:
        """Note one call of the handler; return whether it was the last one expected.

        Then, and before it returns, ``when_complete`` is called.
        """
        self._seen.append(payload)
        if len(self._seen) != self._expected:
            return False
        self._when_complete()
        self.completed_at = time.monotonic()
        return True

    def check(self, sent: Sequence[bytes]) -> None:
        """Raise `NotDeliveredOnce` unless each payload that was sent was seen once."""
        seen = Counter(item.encode() if isinstance(item, str) else item for item in self._seen)
        wanted = Counter(sent)
        if seen != wanted:
            lost, extra = (wanted - seen).total(), (seen - wanted).total()
            raise NotDeliveredOnce(f"{lost} messages were lost and {extra} came that were not due")
