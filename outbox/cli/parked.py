"""``outbox parked``: keys whose messages wait apart."""

from __future__ import annotations

from dataclasses import asdict

import click

from outbox.cli.commands import OutboxGroup, examples, pass_settings
from outbox.cli.confirm import confirm, yes_option
from outbox.cli.exits import Exit
from outbox.cli.output import emit, emit_json, emit_rich, plain, table
from outbox.cli.settings import Settings
from outbox.cli.target import connected
from outbox.cli.words import WholeNumber
from outbox.installation import Installation
from outbox.queues.parked import Parked
from outbox.values.readable import count, shortened

ERROR_WIDTH = 60


@click.group(
    cls=OutboxGroup,
    epilog=examples("outbox parked list --queue orders", "outbox parked release orders customer-17"),
)
def parked() -> None:
    """Look at keys whose messages wait apart; deliver them again, or give them up."""


@parked.command("list", epilog=examples("outbox parked list", "outbox parked list --queue orders --json"))
@click.option("--queue", metavar="NAME", help="Only of this queue.")
@click.option("--limit", type=WholeNumber(min=1), default=100, show_default=True, help="How many keys.")
@pass_settings
def list_command(settings: Settings, queue: str | None, limit: int) -> None:
    """Show the keys that wait, those parked first at the head."""
    with connected(settings, reading=True) as backend:
        found = Parked(backend, Installation(backend)).list(queue, limit)
    if settings.json:
        emit_json([asdict(key) for key in found])
    elif found:
        rows = [
            (
                key.queue,
                key.partition,
                key.key,
                key.messages,
                key.parked_at.isoformat(" ", "seconds"),
                shortened(key.last_error, ERROR_WIDTH),
            )
            for key in found
        ]
        emit_rich(table(["queue", "#partition", "key", "#messages", "parked at", "error"], rows))
    else:
        emit("no key is parked")


@parked.command("release", epilog=examples("outbox parked release orders customer-17"))
@click.argument("queue")
@click.argument("key")
@pass_settings
def release_command(settings: Settings, queue: str, key: str) -> Exit:
    """Deliver a key's messages, in order and before newer ones. Exit code 1 when the key is not parked."""
    with connected(settings) as backend:
        keys = Parked(backend, Installation(backend))
        known = key in {found.key for found in keys.list(queue, limit=10_000)}
        released = keys.release(queue, key)
    return told(
        settings, known, f"{count(released, 'message')} of key {plain(key)} released", released=released
    )


@parked.command("discard", epilog=examples("outbox parked discard orders customer-17"))
@click.argument("queue")
@click.argument("key")
@yes_option
@pass_settings
def discard_command(settings: Settings, queue: str, key: str, *, yes: bool) -> Exit:
    """Make discarded dead letters of a key's messages; newer ones are delivered. Asks first."""
    with connected(settings) as backend:
        keys = Parked(backend, Installation(backend))
        waiting = sum(found.messages for found in keys.list(queue, limit=10_000) if found.key == key)
        if waiting:
            confirm(f"{count(waiting, 'message')} of key {plain(key)} will be discarded. Go on?", yes=yes)
        discarded = keys.discard(queue, key)
    sentence = f"{count(discarded, 'message')} of key {plain(key)} discarded"
    return told(settings, bool(waiting), sentence, discarded=discarded)


def told(settings: Settings, known: bool, sentence: str, **facts: int) -> Exit:  # noqa: FBT001 - a private step
    """Say what was done."""
    if settings.json:
        emit_json(facts)
    else:
        emit(sentence if known else "the key is not parked")
    return Exit.OK if known else Exit.FAILED
