"""What the operations accept."""

from __future__ import annotations

from dataclasses import fields

from outbox.dead_letters.filter import DeadLetterFilter
from outbox.dead_letters.scope import DeadLetterScope
from outbox.errors import ConfigurationError


def checked_filter(given: object) -> DeadLetterFilter:
    """Return a filter: the given one, the default for None, or one of the pending letters of a scope."""
    if given is None:
        return DeadLetterFilter()
    if isinstance(given, DeadLetterFilter):
        return given
    if isinstance(given, DeadLetterScope):
        return DeadLetterFilter(**{field.name: getattr(given, field.name) for field in fields(given)})
    raise ConfigurationError("filter", given, "give a DeadLetterFilter")


def checked_scope(given: object) -> DeadLetterScope:
    """Return a scope: the given one, or all for None."""
    if given is None:
        return DeadLetterScope()
    # A filter is a scope too, but its times and its status would be passed over in silence.
    if isinstance(given, DeadLetterFilter) or not isinstance(given, DeadLetterScope):
        raise ConfigurationError("scope", given, "give a DeadLetterScope; filters are for list() and count()")
    return given


def refuse_everything(scope: DeadLetterScope) -> None:
    """Refuse a scope that restricts nothing."""
    if scope == DeadLetterScope():
        raise ConfigurationError(
            "scope", scope, "it names every letter there is; give a queue, partition_id, type, ids or limit"
        )
