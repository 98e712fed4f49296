"""Tell observers of events, and let none of them harm who tells."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from outbox.runtime.throttle import Throttle

log = logging.getLogger("outbox.observers")

AnyObserver: TypeAlias = Callable[[Any], object]


class Observers:
    """Calls each observer with each event of the kinds it asked for, in the order they were given.

    Frozen and thread-safe. An event is told outside every lock, in the thread it happened in. What an
    observer raises is logged, at most once a minute for all of them together.
    """

    def __init__(
        self,
        observers: Iterable[AnyObserver] = (),
        *,
        chosen: Iterable[tuple[AnyObserver, Iterable[type]]] = (),
        throttle: Throttle | None = None,
    ) -> None:
        """Take observers of everything, and ``chosen`` ones with the kinds of events they want."""
        self._all = tuple(observers)
        self._chosen = tuple((observer, frozenset(kinds)) for observer, kinds in chosen)
        self._by_kind: dict[type, tuple[AnyObserver, ...]] = {}
        self._throttle = throttle or Throttle(longest=60.0)

    def plus(self, observer: AnyObserver, kinds: Iterable[type]) -> Observers:
        """Return observers with one more, for some kinds of events."""
        return Observers(self._all, chosen=(*self._chosen, (observer, kinds)), throttle=self._throttle)

    def want(self, kind: type) -> bool:
        """Return whether anything observes this kind of event: what nothing wants need not be made."""
        return bool(self._of(kind))

    def tell(self, event: object) -> None:
        """Call the observers of this kind of event."""
        for observer in self._of(type(event)):
            try:
                observer(event)
            except BaseException as error:
                if isinstance(error, KeyboardInterrupt) and (
                    threading.current_thread() is threading.main_thread()
                ):
                    raise
                self._report(observer, event, error)

    def _of(self, kind: type) -> tuple[AnyObserver, ...]:
        found = self._by_kind.get(kind)
        if found is None:
            # A race makes it twice, and the same.
            chosen = [observer for observer, kinds in self._chosen if kind in kinds]
            found = self._by_kind[kind] = (*chosen, *self._all)
        return found

    def _report(self, observer: AnyObserver, event: object, error: BaseException) -> None:
        admission = self._throttle.admit("observer")
        if admission is not None:
            log.error(
                "observer %r failed at %s (%d more such failures were not logged)",
                observer,
                type(event).__name__,
                admission.held_back,
                exc_info=error,
                extra={"event": "outbox.observer_failed"},
            )
