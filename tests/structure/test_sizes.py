"""One concept a file, short functions."""

import ast
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LONGEST_FILE = 300
MEDIAN_FILE = 120
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


def test_the_median_file_of_the_package_is_at_most_120_lines() -> None:
    assert statistics.median(map(lines, python_files("outbox"))) <= MEDIAN_FILE


def test_nine_functions_in_ten_are_shorter_than_30_lines() -> None:
    tenths = statistics.quantiles(function_lengths(), n=10)
    assert tenths[8] < LONGEST_USUAL_FUNCTION


@pytest.mark.parametrize("folder", ["outbox", "sql"])
def test_nothing_empty_is_shipped(folder: str) -> None:
    files = [path for path in (ROOT / folder).rglob("*") if path.suffix in {".py", ".sql"}]
    assert files
    assert [path for path in files if not path.read_text().strip()] == []
