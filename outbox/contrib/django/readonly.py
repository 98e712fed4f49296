"""Models that are read: what changes the outbox's tables is the outbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from django.db import models

REFUSAL = (
    "the outbox's tables are changed by the outbox: enqueue with outbox.contrib.django.enqueue, and use "
    "box.dead_letters to requeue, replay or discard"
)


class ReadOnlyError(TypeError):
    """A write through one of the outbox's models."""

    def __init__(self) -> None:
        super().__init__(REFUSAL)


def refuse(*_: object, **__: object) -> NoReturn:
    """Stand in for what writes."""
    raise ReadOnlyError


if TYPE_CHECKING:
    Base = models.QuerySet[Any]
else:
    Base = models.QuerySet


class ReadOnlyQuerySet(Base):
    """A query that cannot write."""

    create = bulk_create = bulk_update = get_or_create = update_or_create = refuse
    update = delete = refuse


ReadOnlyManager = models.Manager.from_queryset(ReadOnlyQuerySet)


class ReadOnlyModel(models.Model):
    """A model whose objects cannot be saved or deleted.

    Managed, so that ``flush`` and `TransactionTestCase` empty the table with the others.
    """

    objects: Any = ReadOnlyManager()

    class Meta:
        abstract = True
        default_permissions = ("view",)

    save = delete = refuse
