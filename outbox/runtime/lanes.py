"""Keys in the order they became ready, one lane per group."""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from collections.abc import Callable, Hashable, Iterator
from typing import TypeAlias

GroupOf: TypeAlias = Callable[[int], Hashable]


def one_group(_key: int) -> Hashable:
    """Put every key into the same group."""
    return None


class Lanes:
    """A queue of distinct keys that hands out the oldest key together with the next ones of its group.

    Each lane is a deque of (tick, key). A heap holds one (tick of its head, group) for every lane that
    is not empty, so the lane of the oldest key is at its top and taking k keys costs O(k + log groups),
    however many keys wait in other lanes. Ticks are unique, so groups themselves are never compared.
    Not thread-safe.
    """

    __slots__ = ("_group_of", "_heads", "_keys", "_lanes", "_ticks")

    def __init__(self, group_of: GroupOf = one_group) -> None:
        self._group_of = group_of
        self._ticks = itertools.count()
        self._lanes: dict[Hashable, deque[tuple[int, int]]] = {}
        self._heads: list[tuple[int, Hashable]] = []
        self._keys: set[int] = set()

    def __len__(self) -> int:
        return len(self._keys)

    def __contains__(self, key: int) -> bool:
        return key in self._keys

    def __iter__(self) -> Iterator[int]:
        """Iterate over the keys, oldest first."""
        waiting = sorted(itertools.chain.from_iterable(self._lanes.values()))
        return iter([key for _, key in waiting])

    def push(self, key: int) -> None:
        """Put a key that is not in here at the tail; the group it has now it keeps until it is taken."""
        group = self._group_of(key)
        tick = next(self._ticks)
        lane = self._lanes.get(group)
        if lane is None:
            lane = self._lanes[group] = deque()
            heapq.heappush(self._heads, (tick, group))
        lane.append((tick, key))
        self._keys.add(key)

    def take(self, limit: int) -> list[int]:
        """Remove and return the oldest key and up to `limit - 1` more of its group, in order."""
        if limit < 1 or not self._heads:
            return []
        _, group = self._heads[0]
        lane = self._lanes[group]
        taken = [lane.popleft()[1] for _ in range(min(limit, len(lane)))]
        self._keys.difference_update(taken)
        if lane:
            heapq.heapreplace(self._heads, (lane[0][0], group))
        else:
            # Groups may come and go, so an empty lane is not kept.
            heapq.heappop(self._heads)
            del self._lanes[group]
        return taken

    def heads(self) -> list[int]:
        """Return the oldest key of each group, in no order."""
        return [lane[0][1] for lane in self._lanes.values()]

    def clear(self) -> None:
        """Forget every key."""
        self._lanes.clear()
        self._heads.clear()
        self._keys.clear()
