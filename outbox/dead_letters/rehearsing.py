"""Try a transactional handler on dead letters, and undo all that it did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from outbox.backends.protocol import Sources
from outbox.clock import Deadline
from outbox.dead_letters.letter import DeadLetter
from outbox.dead_letters.replaying import message_of
from outbox.handlers.call import call_handler
from outbox.handlers.outcome import Done, Failed
from outbox.handlers.signature import checked_handler
from outbox.values.fingerprints import fingerprint


@dataclass
class RehearsedGroup:
    """What the handler would do to the letters of one group."""

    group: str
    """Of what they had failed."""
    passed: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    """Of what they fail now: letters by fingerprint."""

    @property
    def failed(self) -> int:
        """How many would fail again."""
        return self.failures.total()

    def __str__(self) -> str:
        again = ", ".join(f"{number} of {kind}" for kind, number in self.failures.most_common())
        told = f"{self.group or 'unknown'}: {self.passed} would pass, {self.failed} fail"
        return f"{told} ({again})" if again else told


class _Undo(Exception):
    """Rolls a transaction back."""


def rehearse(
    backend: Sources, letters: Iterator[DeadLetter], handler: Callable[..., Any]
) -> list[RehearsedGroup]:
    """Call ``handler(conn, msg)`` for each letter in a transaction of its own that is rolled back.

    Nothing is claimed and no letter changes. Returns the groups, the one with the most failures first.
    """
    checked = checked_handler(handler, "conn", "msg")
    groups: dict[str, RehearsedGroup] = {}
    for letter in letters:
        group = groups.setdefault(letter.group, RehearsedGroup(letter.group))
        kind = attempt(backend, letter, checked)
        if kind is None:
            group.passed += 1
        else:
            group.failures[kind] += 1
    return sorted(groups.values(), key=lambda group: (-group.failed, -group.passed))


def attempt(backend: Sources, letter: DeadLetter, handler: Callable[..., Any]) -> str | None:
    """Return of what the handler fails, None when it passes."""
    try:
        with backend.connection() as conn:
            answer = call_handler(handler, conn, message_of(letter, Deadline.never()))
            raise _Undo  # noqa: TRY301 - it is how the transaction is told
    except _Undo:
        pass
    if isinstance(answer, Done):
        return None
    return fingerprint(answer.reason, answer.cause if isinstance(answer, Failed) else None)
