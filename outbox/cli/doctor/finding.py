"""What an examination found."""

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
    """One answer of the doctor; what is not well says what to do."""

    check: str
    level: Level
    text: str
    advice: str = ""


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
