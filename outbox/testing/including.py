"""Match a part of a value: `including`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Including:
    """Equal to every mapping that has at least these items, whose values may be `including` again."""

    def __init__(self, items: Mapping[str, Any]) -> None:
        self.items = dict(items)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Mapping):
            return NotImplemented
        return all(name in other and expected == other[name] for name, expected in self.items.items())

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"including({', '.join(f'{name}={value!r}' for name, value in self.items.items())})"


def including(items: Mapping[str, Any] | None = None, /, **more: Any) -> Any:
    """Return what equals every mapping with at least these items: for payloads, and for headers.

    ::

        sent.assert_enqueued("orders", payload=including(id=7, customer=including(name="Anna")))
    """
    return Including({**(items or {}), **more})
