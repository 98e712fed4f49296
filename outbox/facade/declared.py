"""Queues that are declared away from a builder, and how one finds them by the names of modules."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

from outbox.errors import ConfigurationError
from outbox.facade.options import Declaration


class Declared:
    """What has declared queues, in the order in which they were declared."""

    def __init__(self) -> None:
        self.declarations: tuple[Declaration, ...] = ()


def declared_by(sources: tuple[object, ...]) -> Iterator[Declaration]:
    """Yield the queues of objects, and of those in modules; raises `ConfigurationError` for other things."""
    seen: set[int] = set()
    for source in sources:
        for found in [source] if isinstance(source, Declared) else in_module(source):
            # A module that imports another one's object has it as well.
            if id(found) not in seen:
                seen.add(id(found))
                yield from found.declarations


def in_module(name: object) -> list[Declared]:
    """Import a module and return the objects at its top level."""
    if not isinstance(name, str):
        raise ConfigurationError("handlers", name, "give a Handlers object, or the name of a module with one")
    found = [value for value in vars(import_module(name)).values() if isinstance(value, Declared)]
    if not found:
        raise ConfigurationError("handlers", name, "the module has no Handlers object at its top level")
    return found
