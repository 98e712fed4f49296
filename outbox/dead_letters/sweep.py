"""Go through a scope in portions: bounded statements and memory, however many letters there are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from outbox.dead_letters.scope import DeadLetterScope
from outbox.dead_letters.search import portion
from outbox.dead_letters.status import DeadLetterStatus
from outbox.dead_letters.store import Store

T = TypeVar("T")

ROWS = 500


@dataclass(frozen=True)
class Done(Generic[T]):
    """What became of a portion, and where the next one begins; ``last`` is None at the end."""

    results: list[T]
    last: int | None


@dataclass(frozen=True)
class Sweep(Generic[T]):
    """What to do with the letters of a scope that have one of these statuses.

    ``act`` gets candidates, which may have changed since they were found: it locks those that still
    qualify, changes them, and returns one result for each.
    """

    scope: DeadLetterScope
    among: Sequence[DeadLetterStatus]
    act: Callable[[Store, Sequence[int]], list[T]]

    def portions(
        self, run: Callable[[Callable[[Store], Done[T]]], Done[T]], limit: int | None
    ) -> Iterator[list[T]]:
        """Act until ``limit`` letters are done or none is left; yield the results portion by portion.

        ``run`` supplies the store and with it the transaction: one for all portions, or one for each. It
        may repeat what it is given after a rollback.
        """
        after: int | None = 0
        left = limit
        while after is not None and left != 0:
            done = run(partial(self._step, after=after, size=ROWS if left is None else min(ROWS, left)))
            after = done.last
            left = None if left is None else left - len(done.results)
            yield done.results

    def _step(self, store: Store, *, after: int, size: int) -> Done[T]:
        found = portion(store, self.scope, self.among, after, size)
        return Done(self.act(store, found.ids) if found.ids else [], found.last)
