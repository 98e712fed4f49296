"""The outbox in the admin: read-only lists, and what an operator may do with dead letters.

Who sees them needs Django's view permission; who acts on them the permission ``outbox.operate_outbox``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.paginator import Paginator
from django.db import connections, transaction
from django.db.models import OuterRef, Subquery
from django.http import HttpRequest
from django.utils.functional import cached_property

from outbox.contrib.django.boxes import boxes, builder
from outbox.contrib.django.conf import OutboxSettings, outbox_settings
from outbox.contrib.django.models import Cursor, DeadLetter, Message, Partition
from outbox.dead_letters import DeadLetterScope
from outbox.dead_letters.replaying import ReplayCounts, replay_with

if TYPE_CHECKING:
    BasePaginator = Paginator[Any]
    BaseAdmin = admin.ModelAdmin[Any]
else:
    BasePaginator, BaseAdmin = Paginator, admin.ModelAdmin

OPERATE = "outbox.operate_outbox"
# Rows that a list counts: counting a table of millions takes as long as the whole page.
COUNTED = 10_000
# Characters of a payload on a letter's page.
SHOWN = 10_000
CURSOR = ("processed_seq", "attempts", "last_error")


class BoundedPaginator(BasePaginator):
    """Counts no further than a person would turn pages."""

    @cached_property
    def count(self) -> int:
        """Return the number of rows, at most `COUNTED`."""
        rows: Any = self.object_list
        return len(rows.values_list("pk")[:COUNTED])


class ReadOnlyAdmin(BaseAdmin):
    """Shows; changes nothing."""

    show_full_result_count = False
    paginator = BoundedPaginator

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 - Django's signature
        """Refuse."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 - Django's signature
        """Refuse."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 - Django's signature
        """Refuse."""
        return False


class KeySearch(ReadOnlyAdmin):
    """Finds messages by key, by id and by uid, each as a whole."""

    ordering = ("-pk",)
    search_fields = ("message_key",)
    search_help_text = "key, message id or uid, as a whole"
    id_field = "id"

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:  # noqa: ARG002 - Django's signature
        """Look for whole values: a part of one would be looked for in every row."""
        if not search_term:
            return queryset, False
        found = queryset.filter(message_key=search_term) | queryset.filter(uid=search_term)
        if search_term.isdecimal() and len(search_term) < 19:
            found |= queryset.filter(**{self.id_field: int(search_term)})
        return found, False

    @admin.display(description="payload")
    def payload_text(self, row: Any) -> str:
        """Return the payload as text, cut."""
        text = bytes(row.payload).decode(errors="backslashreplace")
        return text if len(text) <= SHOWN else f"{text[:SHOWN]}… ({len(text)} characters)"


class QueueFilter(admin.SimpleListFilter):
    """The queues, from the small table of partitions."""

    title = "queue"
    parameter_name = "queue"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002 - Django's signature
        """Return the queues."""
        names = Partition.objects.filter(partition=0).order_by("queue").values_list("queue", flat=True)
        return [(name, name) for name in names]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:  # noqa: ARG002 - Django's signature
        """Leave the chosen one."""
        return queryset.filter(partition__queue=self.value()) if self.value() else queryset


class StatusFilter(admin.SimpleListFilter):
    """What became of a letter; no look at the table."""

    title = "status"
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002 - Django's signature
        """Return the states."""
        return [(name, name) for name in ("pending", "reprocessing", "resolved", "discarded")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:  # noqa: ARG002 - Django's signature
        """Leave the chosen one."""
        return queryset.filter(status=self.value()) if self.value() else queryset


@admin.register(DeadLetter)
class DeadLetterAdmin(KeySearch):
    """Dead letters, with what can be done about them."""

    list_display = ("id", "queue", "message_key", "payload_type", "status", "attempts", "failed_at", "reason")
    list_filter = (StatusFilter, QueueFilter, "payload_type", "failed_at")
    list_select_related = ("partition",)
    exclude = ("payload", "partition", "claim")
    readonly_fields = ("queue", "payload_text")
    actions = ("requeue", "replay", "discard")
    id_field = "message_id"

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Ask for the permission that the actions need."""
        user: Any = request.user
        return bool(user.has_perm(OPERATE))

    @admin.display(description="queue", ordering="partition_id")
    def queue(self, letter: Any) -> str:
        """Return queue and partition."""
        return str(letter.partition)

    @admin.display(description="last error")
    def reason(self, letter: Any) -> str:
        """Return the beginning of the last error."""
        return (letter.last_error or "")[:120]

    @admin.action(permissions=["operate"], description="Requeue: enqueue again as new messages")
    def requeue(self, request: HttpRequest, queryset: Any) -> None:
        """Put letters back into their queues."""
        self._act(
            request, queryset, "requeued", lambda letters, scope, conn: letters.requeue(scope, conn=conn)
        )

    @admin.action(permissions=["operate"], description="Discard: keep, and never deliver")
    def discard(self, request: HttpRequest, queryset: Any) -> None:
        """Give letters up for good."""
        self._act(
            request, queryset, "discarded", lambda letters, scope, conn: letters.discard(scope, conn=conn)
        )

    @admin.action(permissions=["operate"], description="Replay: call the handler now, in this request")
    def replay(self, request: HttpRequest, queryset: Any) -> None:
        """Hand letters to the leased handlers of their queues, and settle each at once."""
        chosen = list(queryset.select_related("partition"))
        done = {}
        for queue in sorted({letter.partition.queue for letter in chosen}):
            handler = leased_handler(queue)
            of_queue = [letter for letter in chosen if letter.partition.queue == queue]
            if handler is None:
                text = f"{queue}: its handler needs a worker's transaction; requeue its letters instead"
                self.message_user(request, text, messages.WARNING)
                continue
            done[queue] = replay_with(self._letters(), sorted(letter.pk for letter in of_queue), handler)
            self._log(request, of_queue, f"replayed: {done[queue]}")
        for queue, counts in done.items():
            self.message_user(request, f"{queue}: {counts}", level_of(counts))

    def _act(
        self, request: HttpRequest, queryset: Any, done: str, act: Callable[[Any, DeadLetterScope, Any], Any]
    ) -> None:
        """Do something to the chosen letters, and write down who did it, in one transaction."""
        chosen = list(queryset.select_related("partition"))
        scope = DeadLetterScope(ids=[letter.pk for letter in chosen], limit=len(chosen))
        database = first_entry().database
        with transaction.atomic(using=database):
            result = act(self._letters(), scope, connections[database])
            self._log(request, chosen, done)
        count = result if isinstance(result, int) else len(result)
        level = messages.SUCCESS if count == len(chosen) else messages.WARNING
        self.message_user(request, f"{count} of {len(chosen)} {done}", level)

    def _letters(self) -> Any:
        return boxes[first_entry().name].dead_letters

    def _log(self, request: HttpRequest, letters: list[Any], what: str) -> None:
        kind = ContentType.objects.get_for_model(DeadLetter)
        LogEntry.objects.bulk_create(
            LogEntry(
                user_id=request.user.pk,
                content_type=kind,
                object_id=str(letter.pk),
                object_repr=str(letter),
                action_flag=CHANGE,
                change_message=what,
            )
            for letter in letters
        )


@admin.register(Message)
class MessageAdmin(KeySearch):
    """Messages that are on their way, or not cleared away yet."""

    list_display = ("id", "message_key", "payload_type", "created_at")
    exclude = ("payload",)
    readonly_fields = ("payload_text",)


@admin.register(Partition)
class PartitionAdmin(ReadOnlyAdmin):
    """Partitions, how far each is delivered, and what is wrong with its head."""

    list_display = ("id", "queue", "partition", "sequence", "processed", "attempts", "last_error")
    list_filter = (("queue", admin.AllValuesFieldListFilter),)
    ordering = ("queue", "partition")

    def get_queryset(self, request: HttpRequest) -> Any:
        """Bring each partition's cursor along."""
        cursor = Cursor.objects.filter(partition_id=OuterRef("pk"))
        found = {f"cursor_{name}": Subquery(cursor.values(name)[:1]) for name in CURSOR}
        return super().get_queryset(request).annotate(**found)

    @admin.display(description="delivered to")
    def processed(self, partition: Any) -> Any:
        """Return the last number that is delivered."""
        return partition.cursor_processed_seq

    @admin.display(description="failed attempts")
    def attempts(self, partition: Any) -> Any:
        """Return the deliveries of the head."""
        return partition.cursor_attempts

    @admin.display(description="last error of the head")
    def last_error(self, partition: Any) -> Any:
        """Return why the head failed."""
        return (partition.cursor_last_error or "")[:120]


def first_entry() -> OutboxSettings:
    """Return the outbox whose tables the models read."""
    return next(iter(outbox_settings().values()))


def leased_handler(queue: str) -> Callable[..., Any] | None:
    """Return the handler of a leased queue, None for any other one."""
    for declaration in builder(first_entry().name).options.declarations:
        if declaration.queue == queue and declaration.leased is not None:
            handler: Callable[..., Any] | None = getattr(declaration.leased, "handler", None)
            return handler
    return None


def level_of(counts: ReplayCounts) -> int:
    """Return how a replay is told."""
    whole = not (counts.rejected or counts.lost or counts.skipped)
    return messages.SUCCESS if whole else messages.WARNING
