"""What an operator can do with dead letters."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from functools import partial
from itertools import chain
from typing import Protocol, TypeAlias

from outbox.access import Access
from outbox.backends.protocol import Backend
from outbox.dead_letters import actions, search
from outbox.dead_letters.checks import checked_filter, checked_scope, refuse_everything
from outbox.dead_letters.claims import by_claim, settle
from outbox.dead_letters.filter import DeadLetterFilter
from outbox.dead_letters.letter import DeadLetter
from outbox.dead_letters.scope import DeadLetterScope
from outbox.dead_letters.status import DeadLetterStatus
from outbox.dead_letters.store import Store
from outbox.dead_letters.sweep import Sweep
from outbox.values.durations import seconds
from outbox.values.reasons import clean_reason

# Inside the class, `list` is the method.
Letters: TypeAlias = "list[DeadLetter]"
Ids: TypeAlias = "list[int]"

PAGE = 100
"""How many letters are listed or claimed at once unless a limit is given."""


class Announcer(Protocol):
    """Tells the pipeline of messages; see `outbox.wakeups.flush_buffer.Wakers`."""

    def note(self, partition_ids: Iterable[int]) -> None:
        """Remember partitions that this thread has written to."""

    def flush(self) -> None:
        """What was noted is committed: pass it on."""


class DeadLetters:
    """The dead letters of an outbox; reached as ``outbox.dead_letters``. Thread-safe.

    Every call takes ``conn``, any connection that `Outbox.enqueue` accepts: then it runs in the
    transaction that is open there and is undone with it. What changes letters raises `TransactionRequired`
    for a connection that commits by itself. Without ``conn`` a call has a transaction of its own.

    Deadlines and times are by the database's clock. The life of a letter is drawn at `DeadLetterStatus`.
    """

    def __init__(self, backend: Backend, announcer: Announcer, check_usable: Callable[[], object]) -> None:
        """Use `Outbox.dead_letters` instead."""
        self._access = Access(backend, Store)
        self._announcer = announcer
        self._check_usable = check_usable

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

    def replay(
        self,
        scope: DeadLetterScope | None = None,
        timeout: float | timedelta = 60.0,
        *,
        conn: object = None,
    ) -> Letters:
        """Claim letters for ``timeout`` seconds and return them as claimed, oldest first.

        Takes pending ones and those whose claim has run out, at most 100 unless the scope has a
        ``limit``; passes over what another transaction has locked, so that any number of callers get
        disjoint sets. Nothing is delivered: work on the letters, then `resolve` or `reject` them. What is
        neither until the deadline can be claimed again.
        """
        limits = checked_scope(scope)
        token = secrets.token_hex(16)
        held = seconds(timeout, option="timeout", positive=True)
        self._check_usable()
        sweep = Sweep(limits, search.OPEN, partial(actions.claim, token=token, timeout=held))
        return self._access.write(conn, partial(_claim, sweep=sweep, limit=limits.limit or PAGE))

    def resolve(self, messages: Iterable[DeadLetter], *, conn: object = None) -> int:
        """Mark letters as dealt with; return how many really changed.

        Give them as `replay` returned them: whoever lost one to a later claim, or never had it, changes
        nothing.
        """
        return self._settle(messages, lambda store, ids: store.complete(ids, DeadLetterStatus.RESOLVED), conn)

    def reject(self, messages: Iterable[DeadLetter], reason: object, *, conn: object = None) -> int:
        """Give letters back as pending, with one attempt more and ``reason`` as their error.

        Of a longer reason the first 2 000 characters are kept. Returns how many really changed; the rest
        is as in `resolve`.
        """
        text = clean_reason(reason)
        return self._settle(messages, lambda store, ids: store.reject(ids, text), conn)

    def discard(self, scope: DeadLetterScope, *, conn: object = None) -> int:
        """Give pending letters up for good; return how many. Claims that have run out count as pending.

        Raises `ConfigurationError` for a scope that restricts nothing: a forgotten argument must not
        throw everything away. A ``limit`` is a restriction. The letters stay readable until `cleanup`.
        Without ``conn``, each portion of some hundred letters is a transaction of its own.
        """
        refuse_everything(checked_scope(scope))
        return self._in_portions(Sweep(scope, search.OPEN, actions.discard), conn)

    def cleanup(self, scope: DeadLetterScope | None = None, *, conn: object = None) -> int:
        """Delete resolved and discarded letters, all unless the scope says otherwise; return how many.

        Without ``conn``, each portion of some hundred letters is a transaction of its own.
        """
        return self._in_portions(Sweep(checked_scope(scope), search.COMPLETED, actions.delete), conn)

    def requeue(self, scope: DeadLetterScope, *, conn: object = None) -> Ids:
        """Send pending letters through the pipeline again, as new messages; return the message ids.

        Payload, type, headers and partition stay; id, ``seq`` and place in the order are new. All letters
        of the scope without a limit, oldest first; they are resolved in the same transaction. Claims
        that have run out count as pending.
        """
        limits = checked_scope(scope)
        self._check_usable()
        sweep = Sweep(limits, search.OPEN, actions.requeue)
        message_ids, partition_ids = self._access.write(conn, partial(_requeue, sweep=sweep))
        self._announcer.note(partition_ids)
        if conn is None:
            self._announcer.flush()
        else:
            self._access.on_commit(conn, self._announcer.flush)
        return message_ids

    def _settle(
        self, messages: Iterable[DeadLetter], change: Callable[[Store, Sequence[int]], object], conn: object
    ) -> int:
        self._check_usable()
        claims = by_claim(messages)
        return self._access.write(conn, partial(settle, claims=claims, change=change)) if claims else 0

    def _in_portions(self, sweep: Sweep[int], conn: object) -> int:
        """Act on each portion in a transaction of its own, unless the caller has one; return how many."""
        self._check_usable()
        return sum(map(len, sweep.portions(partial(self._access.write, conn), sweep.scope.limit)))


def _claim(store: Store, *, sweep: Sweep[DeadLetter], limit: int) -> Letters:
    """Claim all portions in one transaction."""
    return [*chain.from_iterable(sweep.portions(lambda step: step(store), limit))]


def _requeue(store: Store, *, sweep: Sweep[actions.Requeued]) -> tuple[Ids, set[int]]:
    """Requeue all portions in one transaction; keep of them what is returned, and where they went."""
    message_ids: list[int] = []
    partition_ids: set[int] = set()
    for portion in sweep.portions(lambda step: step(store), sweep.scope.limit):
        message_ids += [sent.message_id for sent in portion]
        partition_ids.update(sent.partition_id for sent in portion)
    return message_ids, partition_ids


def _list(store: Store, *, wanted: DeadLetterFilter, limit: int) -> list[DeadLetter]:
    return store.read(search.page(store, wanted, limit))[::-1]
