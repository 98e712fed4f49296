"""Remember something about a caller's connection for as long as it is open."""

from __future__ import annotations

import secrets
import threading
import weakref
from typing import Any

from outbox.statements import Catalog


class Mark:
    """What SQLite keeps for as long as a connection is open, as a function that is never called."""

    __slots__ = ("__weakref__", "catalog")

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog

    def __call__(self) -> None:
        """Do nothing."""


class SeenConnections:
    """What is known of connections, none of which it keeps alive. Thread-safe.

    A new connection at the address of an old one is not taken for it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._weak: weakref.WeakKeyDictionary[Any, Catalog] = weakref.WeakKeyDictionary()
        # Those of sqlite3 take no weak reference. A function of theirs lives as long as they are open.
        self._marks: weakref.WeakValueDictionary[int, Mark] = weakref.WeakValueDictionary()
        self._function = f"outbox_place_{secrets.token_hex(8)}"

    def get(self, raw: Any) -> Catalog | None:
        """Return what was added for a connection."""
        mark = self._marks.get(id(raw))
        return mark.catalog if mark is not None else self._weak_get(raw)

    def add(self, raw: Any, catalog: Catalog) -> None:
        """Remember what is known of a connection."""
        with self._lock:
            try:
                self._weak[raw] = catalog
            except TypeError:
                mark = Mark(catalog)
                raw.create_function(self._function, 0, mark)
                self._marks[id(raw)] = mark

    def _weak_get(self, raw: Any) -> Catalog | None:
        try:
            return self._weak.get(raw)
        except TypeError:
            return None
