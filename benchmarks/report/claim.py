"""A figure that was promised, and how it turned out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from benchmarks.report.figures import Figures, Missing


class Verdict(Enum):
    """What became of a claim."""

    SHOWN = "shown"
    MET = "met"
    SHORT = "falls short"
    UNKNOWN = "not measured"


@dataclass(frozen=True)
class Claim:
    """One bound of the table of targets."""

    row: str
    what: str
    bound: float | None
    """None: nothing is promised, the figure is shown."""
    unit: str
    measure: Callable[[Figures], float]
    at_most: bool = False

    def check(self, figures: Figures) -> Checked:
        """Compare the measured value with the bound."""
        try:
            value = self.measure(figures)
        except Missing:
            return Checked(self, None, Verdict.UNKNOWN)
        if self.bound is None:
            return Checked(self, value, Verdict.SHOWN)
        met = value <= self.bound if self.at_most else value >= self.bound
        return Checked(self, value, Verdict.MET if met else Verdict.SHORT)

    @property
    def demand(self) -> str:
        if self.bound is None:
            return "-"
        return f"{'at most' if self.at_most else 'at least'} {self.say(self.bound)}"

    def say(self, value: float) -> str:
        """Write a value in the claim's unit."""
        if self.unit == "%":
            return f"{value * 100:.0f} %"
        return f"{value:,.{_digits(value)}f} {self.unit}".replace(",", " ")


@dataclass(frozen=True)
class Checked:
    """A claim with its value."""

    claim: Claim
    value: float | None
    verdict: Verdict

    def to_json(self) -> dict[str, object]:
        """Return the row with its value as a number."""
        claim = self.claim
        return {
            "row": claim.row,
            "what": claim.what,
            "target": claim.demand,
            "unit": claim.unit,
            "value": self.value,
            "verdict": self.verdict.value,
        }

    @property
    def measured(self) -> str:
        return "-" if self.value is None else self.claim.say(self.value)


def _digits(value: float) -> int:
    if value == round(value):
        return 0
    if value >= 100:
        return 0
    if value >= 1:
        return 1
    return 3
