"""Refuse, where it is declared, a handler that could never work."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any

from outbox.errors import ConfigurationError

PURPOSES: Sequence[tuple[Callable[[Any], bool], str]] = (
    (inspect.iscoroutinefunction, "it is asynchronous; give a plain callable"),
    (inspect.isasyncgenfunction, "it is an asynchronous generator; give a plain callable"),
    (
        inspect.isgeneratorfunction,
        "it is a generator, whose body would never run; return instead of yielding",
    ),
)


def checked_handler(handler: Callable[..., Any], *takes: str, option: str = "handler") -> Callable[..., Any]:
    """Return a handler, or raise `ConfigurationError` for one that cannot be called with these arguments.

    ``takes`` names the arguments it is called with, by position. Classes, coroutine functions and
    generator functions are refused as well: calling them runs none of their code, or none that handles
    a message. What cannot be inspected, as some built-in functions, passes.
    """
    call = f"{option}({', '.join(takes)})"
    if not callable(handler):
        raise ConfigurationError(option, handler, f"give a callable, which is called as {call}")
    if inspect.isclass(handler):
        raise ConfigurationError(
            option, handler, f"it is a class; give an instance, which is called as {call}"
        )
    function = underneath(handler)
    for called in (function, type(function).__call__):
        for matches, problem in PURPOSES:
            if matches(called):
                raise ConfigurationError(option, handler, problem)
    try:
        # Not what a decorator wraps: that may well take other arguments than the decorator passes on.
        signature = inspect.signature(handler, follow_wrapped=False)
    except (TypeError, ValueError):
        return handler
    try:
        signature.bind(*takes)
    except TypeError as error:
        problem = f"it is called as {call}, and its signature {signature} does not fit that ({error})"
        raise ConfigurationError(option, handler, problem) from None
    return handler


def underneath(handler: Callable[..., Any]) -> Callable[..., Any]:
    """Return the callable inside any `functools.partial`."""
    while isinstance(handler, functools.partial):
        handler = handler.func
    return handler
