"""The builder of an outbox, with the queues that the project declares."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from outbox.contrib.django.conf import OutboxSettings
from outbox.contrib.django.running_tasks import with_tasks
from outbox.contrib.django.target import DjangoDatabase
from outbox.errors import ConfigurationError
from outbox.facade import OutboxBuilder
from outbox.facade.outbox import Outbox
from outbox.handlers.around import Delivery
from outbox.values.results import HandlerResult

# Looked for in each installed app; a module of that name may be about something else.
MODULE = "outbox"
FUNCTION = "declare"
OWN_APP = "outbox.contrib.django"


def declared(settings: OutboxSettings) -> OutboxBuilder:
    """Return a builder on Django's database with everything that the project declares.

    Raises `ConfigurationError` for a BUILDER that is none, and what importing it raises.
    """
    builder = Outbox.builder(DjangoDatabase(settings.database))
    builder.table_prefix(settings.prefix).schema(settings.schema).around(looked_after)
    if settings.builder is not None:
        builder = call(load(settings.builder), builder, settings.builder)
    else:
        for name, declare in discovered():
            builder = call(declare, builder, name)
    return with_tasks(builder, settings.name)


def discovered() -> Iterator[tuple[str, Any]]:
    """Yield ``declare`` of each installed app's module ``outbox``, in the order of INSTALLED_APPS."""
    from django.apps import apps

    for app in apps.get_app_configs():
        name = f"{app.name}.{MODULE}"
        # Not the library itself, whose module of that name is another one.
        if app.name != OWN_APP and find_spec(name) is not None:
            declare = getattr(import_module(name), FUNCTION, None)
            if declare is not None:
                yield f"{name}.{FUNCTION}", declare


def load(path: str) -> Any:
    """Return what a BUILDER names, ``shop.outbox.declare`` or ``shop.outbox:declare``."""
    from django.utils.module_loading import import_string

    try:
        return import_string(path.replace(":", "."))
    except ImportError as error:
        problem = f"it cannot be imported: {error}"
        raise ConfigurationError("BUILDER", path, problem) from error


def call(declare: Any, builder: OutboxBuilder, name: str) -> OutboxBuilder:
    """Let a function declare its queues; raises `ConfigurationError` unless it returns the builder."""
    if isinstance(declare, OutboxBuilder) or not callable(declare):
        problem = "give a function that takes the builder, declares queues on it and returns it"
        raise ConfigurationError("BUILDER", name, problem)
    found = declare(builder)
    if not isinstance(found, OutboxBuilder):
        problem = f"it returned a {type(found).__name__}; let it return the builder, with each queue decided"
        raise ConfigurationError("BUILDER", name, problem)
    return found


def looked_after(delivery: Delivery, call_next: Callable[[], HandlerResult]) -> HandlerResult:
    """Run a handler as the outermost wrapper: no query log that grows, no connection past its age.

    The connection that a transactional handler was given is in use; those of leased ones are looked at
    before and after, as Django looks at them when a request begins and when it ends.
    """
    from django.db import reset_queries

    reset_queries()
    tidy(delivery)
    try:
        return call_next()
    finally:
        tidy(delivery)


def tidy(delivery: Delivery) -> None:
    """Close the connections of this thread that a handler left unusable, or that are past CONN_MAX_AGE.

    With CONN_MAX_AGE 0, Django's default, they live as long as the worker: a message is no request.
    """
    from django.db import connections

    for wrapper in connections.all(initialized_only=True):
        if wrapper is delivery.conn or wrapper.in_atomic_block:
            continue
        if wrapper.connection is not None and not wrapper.settings_dict["CONN_MAX_AGE"]:
            wrapper.close_at = None
        wrapper.close_if_unusable_or_obsolete()
