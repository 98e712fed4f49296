"""``groups`` and ``rehearse``: what the letters failed of, and what a mended handler would do to them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from outbox.cli.commands import OutboxCommand, examples, pass_settings
from outbox.cli.dead_letters.filters import filtered, limited, make_filter, with_status
from outbox.cli.exits import Exit
from outbox.cli.loading import load_callable
from outbox.cli.output import emit, emit_json, emit_rich, our_own_output, plain, table
from outbox.cli.settings import Settings
from outbox.cli.target import connected
from outbox.errors import ConfigurationError
from outbox.facade.assembly import open_dead_letters


@click.command(
    "groups",
    cls=OutboxCommand,
    epilog=examples("outbox dead-letters groups", "outbox dead-letters groups --queue orders --json"),
)
@filtered
@with_status
@pass_settings
def groups_command(settings: Settings, /, **filters: Any) -> None:
    """Show what the letters failed of: the exception and the function that raised it, most letters first."""
    with connected(settings, reading=True) as backend:
        found = open_dead_letters(backend).groups(make_filter(backend, limit=None, **filters))
    if settings.json:
        emit_json([asdict(group) for group in found])
        return
    if not found:
        emit("no dead letters")
        return
    rows = [
        (
            group.count,
            group.first_failed_at.isoformat(" ", "seconds"),
            group.last_failed_at.isoformat(" ", "seconds"),
            group.example,
            group.fingerprint or "unknown",
        )
        for group in found
    ]
    emit_rich(table(["#letters", "first failure", "last failure", "#newest", "group"], rows))


@click.command(
    "rehearse",
    cls=OutboxCommand,
    epilog=examples("outbox dead-letters rehearse --queue orders --handler shop.handlers:book"),
)
@filtered
@limited(1000)
@click.option(
    "--handler", required=True, metavar="MODULE:FUNCTION", help="A transactional handler: handler(conn, msg)."
)
@pass_settings
def rehearse_command(settings: Settings, /, *, handler: str, limit: int, **filters: Any) -> Exit:
    """Try a transactional handler on pending letters in transactions that are rolled back; no letter changes.

    What leaves the transaction is not undone, such as a mail that the handler sends.

    Exit code 1 when some would fail.
    """
    with our_own_output(settings):  # its module and the handler may print
        function = load_callable(handler)
        with connected(settings) as backend:
            wanted = make_filter(backend, status="pending", limit=limit, **filters)
            try:
                found = open_dead_letters(backend).rehearse(wanted, function)
            except ConfigurationError as error:
                raise click.UsageError(
                    f"{handler} cannot be called with a connection: {error.problem}"
                ) from None
    if settings.json:
        emit_json([asdict(group) for group in found])
    else:
        emit("\n".join(plain(str(group)) for group in found) or "no dead letters")
    return Exit.FAILED if any(group.failed for group in found) else Exit.OK
