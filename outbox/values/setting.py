"""Dataclass fields that read as numbers and, called with another one, give a changed owner.

``tuning.batch_size`` is the int 10, and ``tuning.batch_size(50)`` is the tuning with 50 instead. What
is read is a subclass of int or float in every other respect: it compares, hashes, prints, formats and
serialises as the number, and copies and pickles become the plain number.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Generic, Protocol, TypeVar, overload

from outbox.values.bounds import LARGEST_INTEGER
from outbox.values.durations import seconds, whole


class Replaceable(Protocol):
    """A frozen value that makes changed copies of itself."""

    def replace(self, **changes: Any) -> Any:
        """Return a copy with some fields changed."""


OwnerT = TypeVar("OwnerT", bound=Replaceable)


# The trap: mysql-connector picks a converter by the lower-cased name of a parameter's class, so these
# two must be called like the numbers they are.
class Int(int, Generic[OwnerT]):
    """An int that can be called."""

    change: Callable[[int], OwnerT]

    def __call__(self, value: int) -> OwnerT:
        """Return a copy of the owner with this field changed."""
        return self.change(value)

    def __reduce__(self) -> tuple[type[int], tuple[int]]:
        return int, (int(self),)


class Float(float, Generic[OwnerT]):
    """A float, in seconds, that can be called."""

    change: Callable[[float | timedelta], OwnerT]

    def __call__(self, value: float | timedelta) -> OwnerT:
        """Return a copy of the owner with this field changed."""
        return self.change(value)

    def __reduce__(self) -> tuple[type[float], tuple[float]]:
        return float, (float(self),)


class CountField:
    """A field of whole numbers from ``minimum`` to ``maximum``, checked when set."""

    def __init__(self, default: int, *, minimum: int = 1, maximum: int = LARGEST_INTEGER) -> None:
        self.default = default
        self.minimum = minimum
        self.maximum = maximum

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, instance: None, owner: type) -> int: ...
    @overload
    def __get__(self, instance: OwnerT, owner: type) -> Int[OwnerT]: ...
    def __get__(self, instance: OwnerT | None, owner: type) -> int | Int[OwnerT]:
        if instance is None:
            return self.default
        number: Int[OwnerT] = Int(vars(instance)[self.name])
        number.change = lambda value: instance.replace(**{self.name: value})
        return number

    def __set__(self, instance: Any, value: int) -> None:
        vars(instance)[self.name] = whole(value, option=self.name, minimum=self.minimum, maximum=self.maximum)


class SecondsField:
    """A field of durations in seconds of at least ``minimum``, and above zero if ``positive``."""

    def __init__(self, default: float, *, positive: bool = False, minimum: float = 0.0) -> None:
        self.default = default
        self.positive = positive
        self.minimum = minimum

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, instance: None, owner: type) -> float: ...
    @overload
    def __get__(self, instance: OwnerT, owner: type) -> Float[OwnerT]: ...
    def __get__(self, instance: OwnerT | None, owner: type) -> float | Float[OwnerT]:
        if instance is None:
            return self.default
        number: Float[OwnerT] = Float(vars(instance)[self.name])
        number.change = lambda value: instance.replace(**{self.name: value})
        return number

    def __set__(self, instance: Any, value: float | timedelta) -> None:
        vars(instance)[self.name] = seconds(
            value, option=self.name, positive=self.positive, minimum=self.minimum
        )
