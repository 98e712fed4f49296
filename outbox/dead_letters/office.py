"""All that users can do with dead letters."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, TypeAlias

from outbox.dead_letters import rehearsing, replaying
from outbox.dead_letters.letter import DeadLetter
from outbox.dead_letters.operations import PAGE, Operations, Progress
from outbox.dead_letters.rehearsing import RehearsedGroup
from outbox.dead_letters.replaying import ReplayCounts
from outbox.dead_letters.scope import DeadLetterFilter, DeadLetterScope, checked_filter

Rehearsed: TypeAlias = "list[RehearsedGroup]"


class DeadLetters(Operations):
    """The dead letters of an outbox; reached as ``outbox.dead_letters``. Thread-safe.

    Most calls take ``conn``, any connection that `Outbox.enqueue` accepts: then they run in the
    transaction that is open there and are undone with it.
    """

    def replay_with(
        self,
        handler: Callable[..., Any],
        scope: DeadLetterScope | None = None,
        timeout: float | timedelta = 60.0,
        *,
        stop_at_new: bool = False,
        progress: Progress | None = None,
    ) -> ReplayCounts:
        """Hand letters to a leased handler, each once, oldest first; return what became of them.

        What ``handler(msg)`` finishes is resolved at once, what it fails at or rejects is pending again with
        the reason. Letters are claimed for ``timeout`` seconds, a few at a time: kill it, run several, run
        it again. With ``stop_at_new`` it ends after the first letter that fails of something of which none
        of them had failed before: the repair has broken something else.

        Raises `ConfigurationError` for a handler that does not take a message, or takes a connection.
        """
        known = {group.fingerprint for group in self.groups(scope)} if stop_at_new else None
        ids = self.select(scope)
        return replaying.replay_with(self, ids, handler, timeout, known=known, progress=progress)

    def rehearse(self, scope: DeadLetterScope | None, handler: Callable[..., Any]) -> Rehearsed:
        """Try a transactional handler on letters, and undo it; return per group what would pass.

        ``handler(conn, msg)`` gets a transaction for each letter, which is rolled back whatever comes of it.
        No letter is claimed or changed. What leaves the transaction is not undone: calls of other services,
        commits of the handler's own; and what the database would find out at the commit does not show.
        """
        self._check_usable()
        return rehearsing.rehearse(self._backend, self._each(checked_filter(scope)), handler)

    def _each(self, wanted: DeadLetterFilter) -> Iterator[DeadLetter]:
        left = wanted.limit
        for page in self.pages(wanted.replace(limit=min(PAGE, left or PAGE))):
            yield from page if left is None else page[:left]
            if left is not None:
                left -= len(page)
                if left <= 0:
                    return
