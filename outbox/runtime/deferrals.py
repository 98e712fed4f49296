"""Keys that are left alone until a time."""

from __future__ import annotations

import heapq
from typing import Final

SLACK: Final = 64
"""Outdated heap entries that are not worth a rebuild."""


class Deferrals:
    """A heap of due times, in which a key can be cancelled.

    A cancelled key's entry stays in the heap and is recognised as outdated when it comes to the top; a
    rebuild keeps the heap within twice the number of keys. Times are absolute seconds of any one clock.
    Not thread-safe.
    """

    __slots__ = ("_due", "_heap")

    def __init__(self) -> None:
        self._due: dict[int, float] = {}
        self._heap: list[tuple[float, int]] = []

    def __len__(self) -> int:
        return len(self._due)

    def __contains__(self, key: int) -> bool:
        return key in self._due

    def put(self, key: int, due: float) -> None:
        """Hold `key` until `due`, in place of an earlier due time of its own."""
        self._due[key] = due
        if len(self._heap) > 2 * len(self._due) + SLACK:
            self._heap = [(when, held) for held, when in self._due.items()]
            heapq.heapify(self._heap)
        else:
            heapq.heappush(self._heap, (due, key))

    def cancel(self, key: int) -> bool:
        """Let go of `key` and return whether it was held."""
        return self._due.pop(key, None) is not None

    def next_due(self) -> float | None:
        """Return the earliest due time, or None when nothing is held."""
        while self._heap:
            due, key = self._heap[0]
            if self._due.get(key) == due:
                return due
            heapq.heappop(self._heap)
        return None

    def due(self, now: float) -> list[int]:
        """Return the keys whose time has come, in no order, without removing them."""
        first = self.next_due()
        return [] if first is None or first > now else [k for k, due in self._due.items() if due <= now]

    def pop_due(self, now: float) -> list[int]:
        """Remove and return the keys whose time has come, earliest first."""
        popped: list[int] = []
        while (due := self.next_due()) is not None and due <= now:
            key = heapq.heappop(self._heap)[1]
            del self._due[key]
            popped.append(key)
        return popped

    def clear(self) -> None:
        """Let go of everything."""
        self._due.clear()
        self._heap.clear()
