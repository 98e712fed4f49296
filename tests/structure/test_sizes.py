"""One concept a file, short functions."""

import ast
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts import house_figures

ROOT = Path(__file__).parents[2]
LONGEST_FILE = 300
MEDIAN_FILE = (60, 90)
COMMENTS = (0.04, 0.08)
"""The share of lines, Python and SQL together."""
# Small files with one importer that stay: a stranger searches for these names.
ALLOWED = {
    "outbox.contrib.web.flask": "the page inside of one framework",
    "outbox.cli.main": "where the console script starts",
    "outbox.cli.systemd": "what systemd is told",
    "outbox.testing.including": "a name of the public testing tools",
    "outbox.workers.backoff": "the formula of the waits between deliveries",
    "outbox.contrib.relays.addresses": "which addresses a webhook may be sent to",
    "outbox.contrib.relays.retry_after": "how an HTTP header is read",
}
ALLOWED_FOLDERS = {
    "outbox.backends": "the same files in each backend's folder",
    "outbox.connections": "one file per driver",
}
LONGEST_USUAL_FUNCTION = 30
FOLDERS = ("outbox", "tests", "examples", "benchmarks")


def python_files(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def lines(path: Path) -> int:
    return len(path.read_text().splitlines())


def function_lengths() -> Iterator[int]:
    for path in python_files("outbox"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and node.end_lineno is not None:
                yield node.end_lineno - node.lineno + 1


def test_no_file_is_longer_than_300_lines() -> None:
    sizes = {str(path.relative_to(ROOT)): lines(path) for path in python_files(*FOLDERS)}
    assert {path: size for path, size in sizes.items() if size > LONGEST_FILE} == {}


def test_the_median_file_of_the_package_has_60_to_90_lines() -> None:
    lower, upper = MEDIAN_FILE
    assert lower <= house_figures.median_lines() <= upper


def test_comments_are_4_to_8_percent_of_the_lines() -> None:
    lower, upper = COMMENTS
    assert lower <= house_figures.comment_share() <= upper


def test_a_small_file_with_one_importer_has_a_reason_to_be_a_file() -> None:
    folders = tuple(f"{folder}." for folder in ALLOWED_FOLDERS)
    small = {name for name in house_figures.small_with_one_importer() if not name.startswith(folders)}
    assert small - ALLOWED.keys() == set(), (
        "move it into its importer, or say here why a stranger searches for it"
    )
    assert ALLOWED.keys() - small == set(), "this exception excuses nothing any more: delete it"


def test_nine_functions_in_ten_are_shorter_than_30_lines() -> None:
    tenths = statistics.quantiles(function_lengths(), n=10)
    assert tenths[8] < LONGEST_USUAL_FUNCTION


@pytest.mark.parametrize("folder", ["outbox", "sql"])
def test_nothing_empty_is_shipped(folder: str) -> None:
    files = [path for path in (ROOT / folder).rglob("*") if path.suffix in {".py", ".sql"}]
    assert files
    assert [path for path in files if not path.read_text().strip()] == []
