"""What a check found."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Level(enum.Enum):
    """How much a finding matters."""

    OK = "ok"
    NONE = "n/a"
    """The question does not arise here."""
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True)
class Finding:
    """One answer of the doctor."""

    check: str
    """The check's name, the same in every release: scripts and pages may rely on it."""
    level: Level
    text: str
    """One sentence with what was seen."""
    advice: str = ""
    """The repair; empty unless something is wrong."""

    @property
    def is_bad(self) -> bool:
        """Whether there is something to repair."""
        return self.level in {Level.WARNING, Level.PROBLEM}


def ok(check: str, text: str) -> Finding:
    """Nothing to do."""
    return Finding(check, Level.OK, text)


def not_applicable(check: str, text: str) -> Finding:
    """Nothing to look at here, and why."""
    return Finding(check, Level.NONE, text)


def warning(check: str, text: str, advice: str) -> Finding:
    """It works, and may hurt."""
    return Finding(check, Level.WARNING, text, advice)


def problem(check: str, text: str, advice: str) -> Finding:
    """It does not work, or not for long."""
    return Finding(check, Level.PROBLEM, text, advice)
