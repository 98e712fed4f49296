"""What people may do on the page; each action says what it will do before it does it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from outbox.contrib.web.reading import Reader
from outbox.dead_letters.letter import DeadLetterStatus
from outbox.dead_letters.replaying import replay_with
from outbox.dead_letters.scope import DeadLetterScope

Form = Mapping[str, str]
AT_ONCE: Final = 100
"""Letters that one action hands to a handler: a browser waits for it, and its server's time-out is near."""


class Impossible(Exception):
    """An action cannot be done, and its text says why."""


@dataclass(frozen=True)
class Action:
    """``asks`` says what will happen, for the confirmation; ``does`` does it and says what was done."""

    title: str
    needs: tuple[str, ...]
    asks: Callable[[Reader, Form], str]
    does: Callable[[Reader, Form], str]
    takes: tuple[str, ...] = ()
    """What the question asks of the person, who may leave it out."""


def letters_of(reader: Reader, form: Form) -> DeadLetterScope:
    """Return the letters that an action is about: one by its id, or those of a group as the page shows it."""
    if form.get("id"):
        return DeadLetterScope(ids=[number(form, "id")])
    found = [
        group
        for group in reader.groups(DeadLetterStatus.PENDING, form.get("queue") or None)
        if group.reason == form.get("group")
    ]
    if not found:
        raise Impossible("there are no pending dead letters of this group any more")
    limit = number(form, "limit") if form.get("limit") else len(found[0].ids)
    return DeadLetterScope(ids=sorted(found[0].ids)[:limit])


def number(form: Form, name: str) -> int:
    """Return a field that is a number."""
    try:
        return int(form[name])
    except (KeyError, ValueError):
        raise Impossible(f"{name} is to be a number") from None


def counted(reader: Reader, form: Form) -> int:
    """Return how many letters an action is about."""
    scope = letters_of(reader, form)
    return len(list(scope.ids or ()))


def requeue(reader: Reader, form: Form) -> str:
    """Send letters through again."""
    ids = reader.outbox.dead_letters.requeue(letters_of(reader, form))
    return f"{len(ids)} dead letters were sent through again, as new messages"


def discard(reader: Reader, form: Form) -> str:
    """Give letters up."""
    return f"{reader.outbox.dead_letters.discard(letters_of(reader, form))} dead letters were discarded"


def replay(reader: Reader, form: Form) -> str:
    """Hand letters to the leased handler of their queue, in this process."""
    ids = [*(letters_of(reader, form).ids or ())][:AT_ONCE]
    counts = replay_with(reader.outbox.dead_letters, ids, handler_of(reader.handlers.replay, form))
    return f"replayed: {counts}"


def rehearse(reader: Reader, form: Form) -> str:
    """Try the transactional handler of a queue, and undo it."""
    ids = [*(letters_of(reader, form).ids or ())][:AT_ONCE]
    letters = reader.outbox.dead_letters
    groups = letters.rehearse(DeadLetterScope(ids=ids), handler_of(reader.handlers.rehearse, form))
    return f"rehearsed {len(ids)} letters, nothing is changed: " + "; ".join(map(str, groups))


def handler_of(handlers: Mapping[str, Callable[..., Any]], form: Form) -> Callable[..., Any]:
    """Return the handler of the queue that a form names."""
    try:
        return handlers[form["queue"]]
    except KeyError:
        raise Impossible(f"the page was given no such handler for queue {form.get('queue')}") from None


def place(form: Form) -> str:
    """Name a queue, a partition of it, or a key."""
    partition = f", partition {form['partition']}" if form.get("partition") else ""
    return f"queue {form.get('queue')}{partition}" + (f", key {form['key']}" if form.get("key") else "")


def partition_of(form: Form) -> int | None:
    """Return the partition that a form names, None for the whole queue."""
    return number(form, "partition") if form.get("partition") else None


def pause(reader: Reader, form: Form) -> str:
    """Let no worker take a queue, a partition or a key."""
    reader.outbox.pause(form["queue"], partition_of(form), reason=form.get("reason") or None)
    return f"{place(form)} is paused; workers obey within a second or so"


def resume(reader: Reader, form: Form) -> str:
    """Let workers go on."""
    reader.outbox.resume(form["queue"], partition_of(form))
    return f"{place(form)} goes on"


def skip(reader: Reader, form: Form) -> str:
    """Send the first message of a partition to the dead letters."""
    reader.outbox.skip(number(form, "partition_id"), number(form, "seq"))
    return f"message {form['seq']} of {place(form)} is a dead letter now"


def park(reader: Reader, form: Form) -> str:
    """Put a key's messages apart."""
    reader.outbox.parked.park(form["queue"], form["key"])
    return f"{place(form)} is parked"


def release(reader: Reader, form: Form) -> str:
    """Deliver a parked key's messages in order."""
    count = reader.outbox.parked.release(form["queue"], form["key"])
    return f"{count} messages of {place(form)} are released, in order"


ACTIONS: Final = {
    "requeue": Action(
        "Requeue",
        (),
        lambda reader, form: f"Send {counted(reader, form)} dead letters through again, as new messages?",
        requeue,
    ),
    "discard": Action(
        "Discard",
        (),
        lambda reader, form: f"Give up {counted(reader, form)} dead letters for good?",
        discard,
    ),
    "replay": Action(
        "Replay",
        ("queue",),
        lambda reader, form: f"Call the handler for {min(counted(reader, form), AT_ONCE)} dead letters?",
        replay,
    ),
    "rehearse": Action(
        "Rehearse",
        ("queue",),
        lambda reader, form: (
            f"Try the handler on {min(counted(reader, form), AT_ONCE)} dead letters, and roll it back?"
        ),
        rehearse,
    ),
    "pause": Action("Pause", ("queue",), lambda _, form: f"Pause {place(form)}?", pause, ("reason",)),
    "resume": Action("Resume", ("queue",), lambda _, form: f"Let {place(form)} go on?", resume),
    "skip": Action(
        "Skip",
        ("queue", "partition_id", "seq"),
        lambda _, form: f"Send message {form['seq']} of {place(form)} to the dead letters, undelivered?",
        skip,
    ),
    "park": Action("Park", ("queue", "key"), lambda _, form: f"Park all messages of {place(form)}?", park),
    "release": Action(
        "Release",
        ("queue", "key"),
        lambda _, form: f"Deliver the parked messages of {place(form)}, in order?",
        release,
    ),
}
