"""What a command tells of its letters: what became of them."""

from __future__ import annotations

from outbox.cli.exits import Exit
from outbox.cli.output import emit, emit_json
from outbox.cli.settings import Settings
from outbox.values.readable import count

NOT_OPEN = "not there, completed, claimed by another, or not what the options ask for"
NOT_COMPLETED = "not there, not completed, or not what the options ask for"


def told(settings: Settings, done: str, number: int, *, named: int = 0, otherwise: str = NOT_OPEN) -> Exit:
    """Print how many letters changed, and how many of those that were named did not, and why."""
    unchanged = max(named - number, 0)
    if settings.json:
        emit_json({done: number, "unchanged": unchanged} if named else {done: number})
    else:
        rest = f", {unchanged} unchanged ({otherwise})" if unchanged else ""
        emit(f"{count(number, 'letter')} {done}{rest}")
    return Exit.FAILED if unchanged else Exit.OK
