"""Words that readers stumble over stay out: each has a plainer one, and the noun of the thing says more."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLACES = ("outbox", "sql", "docs", "benchmarks", "examples", "README.md", "CHANGELOG.md", "CONTRIBUTING.md")
SUFFIXES = {".py", ".sql", ".md"}
WORST = re.compile(
    r"\b(nobody|somebody|whoever|so\s+many|hire[ds]?|hiring|bury|buried|buries|burying|to\s+be\s+had|in\s+vain|lent|farewells?|cautious|suspects?)\b",
    re.IGNORECASE,
)


def prose() -> list[Path]:
    found = [ROOT / place for place in PLACES]
    files = [file for place in found for file in (place.rglob("*") if place.is_dir() else [place])]
    return sorted(file for file in files if file.suffix in SUFFIXES and file.is_file())


def test_the_worst_words_stay_out() -> None:
    found = [
        f"{file.relative_to(ROOT)}: {' '.join(match.group().split())}"
        for file in prose()
        for match in WORST.finditer(file.read_text())
    ]
    assert found == []


@pytest.mark.parametrize(
    "text", ["Whoever polls", "so\nmany bytes", "hired", "could not be buried", "to be had"]
)
def test_the_pattern_knows_the_words(text: str) -> None:
    assert WORST.search(text)
