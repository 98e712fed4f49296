"""Find what a proxy stands for.

Tracing agents (Datadog, New Relic, Elastic, OpenTelemetry), and pools, wrap what a driver's ``connect()``
returns in objects that pass everything on. They are recognised by what they hold, not by their class.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

T = TypeVar("T")

# Where wrapt and the agents built on it, New Relic's own proxies and common hand-written ones keep what
# they wrap; ``_con`` is that of DBUtils.
ATTRIBUTES = (
    "__wrapped__",
    "_wrapped",
    "_connection",
    "connection",
    "_conn",
    "_con",
    "conn",
    "_cursor",
    "cursor",
)
MOST_LOOKS = 32  # a few agents on top of each other; a proxy that leads to itself must end
# What an object must have at least to be a connection, or a cursor, that stands for another one.
SHAPES = (("cursor", "commit", "rollback"), ("execute", "fetchall", "close"))


def unwrap(given: Any, found: Callable[[Any], T | None]) -> T | None:
    """Return the first thing that ``found`` recognises: the object itself or what it stands for.

    ``found`` returns None for what it does not know. None if nothing underneath is known.
    """
    waiting = [given]
    for looked, candidate in enumerate(waiting):
        known = found(candidate)
        if known is not None:
            return known
        if looked == MOST_LOOKS:
            break
        # What is appended here is looked at in its turn, after what is nearer to the surface.
        waiting += _inside(candidate)
    return None


def innermost(given: Any, kind: type[T]) -> T:
    """Return what is really of a class: the object itself, or what its proxies stand for.

    What cannot be unwrapped is returned as it is: it may work all the same.
    """
    # By `type`, not `isinstance`: a proxy says that it is of the class it wraps.
    known: T = given
    if issubclass(type(given), kind):
        return known  # each checkout asks, and hardly ever for a proxy
    found = unwrap(given, lambda candidate: candidate if issubclass(type(candidate), kind) else None)
    return known if found is None else found


def _inside(given: Any) -> Iterator[Any]:
    """Yield what a proxy may stand for, the likeliest first."""
    if not _has_shape(given):
        return
    for name in ATTRIBUTES:
        inner = _attribute(given, name)
        if inner is not None and inner is not given and not inspect.isroutine(inner):
            yield inner
    for inner in getattr(given, "__dict__", {}).values():
        if _has_shape(inner):
            yield inner


def _has_shape(given: Any) -> bool:
    # An asynchronous connection may hold a synchronous one, which belongs to another thread.
    return any(all(_is_plain_method(given, name) for name in shape) for shape in SHAPES)


def _is_plain_method(given: Any, name: str) -> bool:
    method = _attribute(given, name)
    return callable(method) and not inspect.iscoroutinefunction(method)


def _attribute(given: Any, name: str) -> Any:
    try:
        return getattr(given, name, None)
    except Exception:  # a foreign property that fails, as that of a closed cursor does
        return None
