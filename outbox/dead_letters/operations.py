"""What an operator can do with dead letters."""

from __future__ import annotations

import secrets
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from functools import partial
from typing import TypeAlias

from outbox.access import Access
from outbox.backends.protocol import Backend
from outbox.dead_letters import actions, search
from outbox.dead_letters.letter import DeadLetter, DeadLetterGroup, DeadLetterStatus
from outbox.dead_letters.replay_runs import ReplayRuns
from outbox.dead_letters.scope import (
    DeadLetterFilter,
    DeadLetterScope,
    checked_filter,
    checked_scope,
    refuse_everything,
)
from outbox.dead_letters.store import Store
from outbox.enqueue.place import RightPlace
from outbox.errors import ConfigurationError
from outbox.events import Requeued
from outbox.values.durations import seconds
from outbox.values.fingerprints import fingerprint
from outbox.values.identity import Names
from outbox.values.reasons import reason_of
from outbox.wakeups.flush_buffer import FlushBuffer

# Inside the class, `list` is the method.
Letters: TypeAlias = "list[DeadLetter]"
Ids: TypeAlias = "list[int]"
Groups: TypeAlias = "list[DeadLetterGroup]"

PAGE = 100
"""How many letters are listed or claimed at once unless a limit is given."""
IDS_AT_ONCE = 1_000
"""Ids of one statement: 8 kB, and a round trip for each thousand does not show beside their rows."""
PORTION = 200
"""Selected letters in one transaction: locks stay short, and progress shows several times a second."""

Progress = Callable[[int], object]
"""Told after each portion how many letters it had."""


class Operations:
    """What can be done to letters without a handler; the base of `DeadLetters`. Thread-safe.

    Every call takes ``conn``, any connection that `Outbox.enqueue` accepts: then it runs in the
    transaction that is open there and is undone with it. What changes letters raises `TransactionRequired`
    for a connection that commits by itself. Without ``conn`` a call has a transaction of its own.

    Deadlines and times are by the database's clock. The life of a letter is drawn at `DeadLetterStatus`.
    """

    def __init__(
        self,
        backend: Backend,
        flush_buffer: FlushBuffer,
        check_usable: Callable[[], object],
        names: Names,
        place: RightPlace | None = None,
    ) -> None:
        """Use `Outbox.dead_letters` instead."""
        self._access = Access(backend, partial(Store, names=names), place)
        self._backend = backend
        self._names = names
        self._flush_buffer = flush_buffer
        self.observers = flush_buffer.observers
        self._check_usable = check_usable
        self._runs = ReplayRuns()

    def list(self, filter: DeadLetterScope | None = None, *, conn: object = None) -> Letters:  # noqa: A002
        """Return letters, payloads included, newest first: pending ones unless the filter says otherwise.

        At most 100 unless the filter has a ``limit``. A page is continued with
        ``filter.replace(after_id=letters[-1].id)``, or by `pages`.
        """
        self._check_usable()
        wanted = checked_filter(filter)
        return self._access.read(conn, partial(_list, wanted=wanted, limit=wanted.limit or PAGE))

    def pages(self, filter: DeadLetterScope | None = None, *, conn: object = None) -> Iterator[Letters]:  # noqa: A002
        """Yield everything that `list` would show, one page of the filter's ``limit`` after the other.

        Holds one page in memory. Letters that fail meanwhile are newer than the first page and do not show.
        """
        wanted = checked_filter(filter)
        while page := self.list(wanted, conn=conn):
            yield page
            wanted = wanted.replace(after_id=page[-1].id)

    def count(self, filter: DeadLetterScope | None = None, *, conn: object = None) -> int:  # noqa: A002
        """Return how many letters match, whatever the filter's ``limit``."""
        self._check_usable()
        return self._access.read(conn, partial(search.count, wanted=checked_filter(filter)))

    def groups(self, filter: DeadLetterScope | None = None, *, conn: object = None) -> Groups:  # noqa: A002
        """Return what the letters failed of: kinds with count, first and last failure and an example.

        The largest group first; of pending letters unless the filter says otherwise, whatever its ``limit``.
        """
        self._check_usable()
        return self._access.read(conn, partial(search.groups, wanted=checked_filter(filter)))

    def select(
        self,
        scope: DeadLetterScope | None = None,
        among: Sequence[DeadLetterStatus] = search.OPEN,
        *,
        conn: object = None,
    ) -> Sequence[int]:
        """Return the ids of the letters in these statuses, oldest first; of claims those that have run out.

        For a preview: what is shown before a question is what is changed after it, and letters that fail
        meanwhile are not among the ids. No payload is read, and each id takes eight bytes.
        """
        limits = checked_scope(scope)
        self._check_usable()
        found = array("q")
        after: int | None = 0
        while after is not None and (limits.limit is None or len(found) < limits.limit):
            look = partial(search.portion, scope=limits, among=among, after=after, size=IDS_AT_ONCE)
            ids, after = self._access.read(conn, look)
            found.extend(ids)
        return found[: limits.limit]

    def replay(
        self,
        scope: DeadLetterScope | None = None,
        timeout: float | timedelta = 60.0,
        *,
        conn: object = None,
    ) -> Letters:
        """Claim letters for ``timeout`` seconds and return them as claimed, oldest first.

        Takes pending ones and those whose claim has run out, at most 100 unless the scope has a ``limit``;
        passes over what another transaction has locked, so that any number of callers get disjoint sets.
        Nothing is delivered: work on the letters, then `resolve` or `reject` them. What is neither until
        the deadline can be claimed again.

        A loop over it ends: a letter that was rejected meanwhile is not returned again before a call with an
        equal scope has returned nothing. After that, or after ten minutes, calls begin anew with the oldest.
        `claim` takes letters by their ids and remembers nothing.
        """
        limits = checked_scope(scope)
        held = seconds(timeout, option="timeout", positive=True)
        self._check_usable()
        limit, passed = limits.limit or PAGE, self._runs.passed(limits)
        claimed = self._claim(limits, limit, held, conn, pending_after=passed)
        self._runs.replayed(limits, claimed, held)
        return claimed

    def claim(self, ids: Iterable[int], timeout: float | timedelta = 60.0, *, conn: object = None) -> Letters:
        """Claim the letters with these ids, as `replay` does, also those that were rejected just now."""
        scope = DeadLetterScope(ids=ids)
        held = seconds(timeout, option="timeout", positive=True)
        self._check_usable()
        return self._claim(scope, len(tuple(scope.ids or ())), held, conn)

    def resolve(self, messages: Iterable[DeadLetter], *, conn: object = None) -> int:
        """Mark letters as dealt with; return how many really changed.

        Give them as `replay` returned them. A letter that was not claimed, or that a later claim has taken
        over, does not change.
        """
        self._check_usable()
        claims = by_claim(messages)
        return self._access.write(conn, partial(actions.resolve, claims=claims)) if claims else 0

    def reject(self, messages: Iterable[DeadLetter], reason: object, *, conn: object = None) -> int:
        """Give letters back as pending: they have failed once more, now, and ``reason`` is their error.

        ``reason`` is an exception, which tells the group too, or a text, of which the first 2 000 characters
        are kept. Returns how many really changed; the rest is as in `resolve`.
        """
        self._check_usable()
        claims, text = by_claim(messages), reason_of(reason)
        cause = reason if isinstance(reason, BaseException) else None
        if not claims:
            return 0
        rejected = self._access.write(
            conn, partial(actions.reject, claims=claims, reason=text, kind=fingerprint(text, cause))
        )
        self._runs.rejected(claims)
        return rejected

    def discard(self, scope: DeadLetterScope, *, conn: object = None) -> int:
        """Give pending letters up for good; return how many. Claims that have run out count as pending.

        Raises `ConfigurationError` for a scope that restricts nothing: a forgotten argument must not
        throw everything away. A ``limit`` is a restriction. The letters stay readable until `cleanup`.
        Without ``conn``, each portion of some hundred letters is a transaction of its own.
        """
        refuse_everything(checked_scope(scope))
        return self._in_portions(actions.discard, scope, conn)

    def cleanup(self, scope: DeadLetterScope | None = None, *, conn: object = None) -> int:
        """Delete resolved and discarded letters, all unless the scope says otherwise; return how many.

        Without ``conn``, each portion of some hundred letters is a transaction of its own.
        """
        return self._in_portions(actions.delete, checked_scope(scope), conn)

    def requeue(self, scope: DeadLetterScope, *, conn: object = None) -> Ids:
        """Send pending letters through the pipeline again, as new messages; return the message ids.

        Payload, type, headers and partition stay; id, ``seq`` and place in the order are new. All letters
        of the scope without a limit, oldest first; they are resolved in the same transaction. Claims
        that have run out count as pending.
        """
        limits = checked_scope(scope)
        self._check_usable()
        requeued = self._access.write(conn, partial(actions.requeue, scope=limits))
        self._flush_buffer.note(requeued.partition_ids)
        if conn is None:
            self._flush_buffer.flush()
        else:
            self._access.on_commit(conn, self._flush_buffer.on_commit)
        if requeued.message_ids:
            event = Requeued(
                count=len(requeued.message_ids),
                message_ids=tuple(requeued.message_ids),
                partition_ids=tuple(sorted(requeued.partition_ids)),
            )
            on_commit = None if conn is None else partial(self._access.on_commit, conn)
            self._flush_buffer.tell_committed(event, on_commit)
        return requeued.message_ids

    def _claim(
        self, scope: DeadLetterScope, limit: int, timeout: float, conn: object, *, pending_after: int = 0
    ) -> Letters:
        """Claim in one transaction."""
        token = secrets.token_hex(16)
        work = partial(
            actions.claim, scope=scope, limit=limit, token=token, timeout=timeout, pending_after=pending_after
        )
        return self._access.write(conn, work)

    def _in_portions(self, change: actions.ChangePortion, scope: DeadLetterScope, conn: object) -> int:
        """Change each portion in a transaction of its own, unless the caller has one; return how many."""
        self._check_usable()
        changed = 0
        after: int | None = 0
        while after is not None and changed != scope.limit:
            size = actions.portion_size(scope, changed)
            work = partial(change, scope=scope, after=after, size=size)
            letters, after = self._access.write(conn, work)
            changed += letters
        return changed


def change_in_portions(
    ids: Sequence[int], change: Callable[[DeadLetterScope], int], *, progress: Progress | None = None
) -> int:
    """Call ``change`` with portions of selected ids, each a transaction of its own; return how many changed.

    What changed before an error stays changed.
    """
    changed = 0
    for start in range(0, len(ids), PORTION):
        portion = ids[start : start + PORTION]
        changed += change(DeadLetterScope(ids=portion))
        if progress is not None:
            progress(len(portion))
    return changed


def by_claim(messages: Iterable[DeadLetter]) -> dict[str, Ids]:
    """Group the ids of letters by claim; letters that were not claimed are left out."""
    found: dict[str, set[int]] = {}
    for letter in messages:
        if not isinstance(letter, DeadLetter):
            raise ConfigurationError("messages", letter, "give the DeadLetter objects that replay() returned")
        if letter.claim is not None:
            found.setdefault(letter.claim, set()).add(letter.id)
    # In one order everywhere, so that two callers never wait for each other.
    return {claim: sorted(found[claim]) for claim in sorted(found)}


def _list(store: Store, *, wanted: DeadLetterFilter, limit: int) -> list[DeadLetter]:
    return store.read(search.page(store, wanted, limit))[::-1]
