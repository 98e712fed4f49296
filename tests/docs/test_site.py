"""The site is built without a warning, and has what it must have."""

from __future__ import annotations

import importlib
import re
import sqlite3
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

import outbox
from outbox.contrib.codecs.encrypting import UndecryptablePayload
from outbox.errors import OutboxError
from outbox.testing import HandlersFailed
from tests.docs.pages import ROOT, read_sections

BESIDE = (
    "outbox.contrib.alembic",
    "outbox.contrib.django",
    "outbox.contrib.flask",
    "outbox.contrib.opentelemetry",
    "outbox.contrib.prometheus",
    "outbox.contrib.relays",
    "outbox.contrib.sqlalchemy",
    "outbox.contrib.web",
    "outbox.doctor",
    "outbox.testing",
)
PICTURES = sorted((ROOT / "docs" / "pictures").glob("*.svg"))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the site, built as `make docs` builds it: a warning is an error."""
    folder = tmp_path_factory.mktemp("site")
    makefile = (ROOT / "Makefile").read_text()
    (options,) = re.findall(r"-m sphinx (.*) docs build/docs", makefile)
    command = [sys.executable, "-m", "sphinx", *options.split(), "-d", str(folder / "trees")]
    done = subprocess.run(
        [*command, "docs", str(folder / "html")], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder / "html"


@pytest.mark.slow
def test_the_reference_has_every_public_name(site: Path) -> None:
    described = set(re.findall(r'id="(outbox[\w.]*)"', (site / "reference" / "api.html").read_text()))
    assert {f"outbox.{name}" for name in outbox.__all__} <= described
    described = set(re.findall(r'id="(outbox[\w.]*)"', (site / "reference" / "extras.html").read_text()))
    wanted = {f"{module}.{name}" for module in BESIDE for name in importlib.import_module(module).__all__}
    assert wanted <= described


@pytest.mark.slow
def test_the_site_shows_nothing_that_only_tests_run_and_needs_no_network(site: Path) -> None:
    pages = {page: page.read_text() for page in site.rglob("*.html")}
    assert len(pages) > 40
    for page, text in pages.items():
        assert "<!-- given" not in text, page
        assert not re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="https?://[^"]+"', text), page
    # The index of Sphinx's own search is a file beside the pages.
    assert "quarantin" in (site / "searchindex.js").read_text()


def errors() -> list[type[Exception]]:
    public = [getattr(outbox, name) for name in outbox.__all__]
    found = [thing for thing in public if isinstance(thing, type) and issubclass(thing, OutboxError)]
    return [*found, UndecryptablePayload, HandlersFailed]


@pytest.mark.parametrize("error", errors())
def test_the_page_of_errors_says_when_why_and_what_to_do(error: type[Exception]) -> None:
    text = (ROOT / "docs" / "reference" / "errors.md").read_text()
    if error is OutboxError:
        assert "`OutboxError` is the root of all" in text
        return
    (row,) = re.findall(rf"^\| `{error.__name__}` \|(.*)\|$", text, re.MULTILINE)
    assert all(len(cell.strip()) > 5 for cell in row.split(" | ")), row
    assert len(row.split(" | ")) == 3


def test_the_page_of_errors_names_no_class_that_there_is_not() -> None:
    text = (ROOT / "docs" / "reference" / "errors.md").read_text()
    assert set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)) < {error.__name__ for error in errors()}


@pytest.mark.slow
def test_the_page_of_commands_has_each_of_them_with_its_options(site: Path) -> None:
    text = (site / "reference" / "commands.html").read_text()
    for name in (
        "outbox status",
        "outbox dead-letters replay",
        "outbox queues pause",
        "outbox relay",
        "outbox run",
    ):
        assert f"<h2>{name}<" in text
    for option in ("--liveness-file", "--stop-at-new", "--watch"):
        assert option in text


def test_the_page_of_tables_has_every_table_and_column(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "reference" / "tables.md").read_text()
    named = set(re.findall(r"`(\w+)`", page.partition("\n## PostgreSQL")[0]))
    outbox.migrate(f"sqlite:///{tmp_path}/shop.db")
    conn = sqlite3.connect(tmp_path / "shop.db")
    columns = conn.execute(
        "SELECT tables.name, columns.name FROM sqlite_master AS tables, pragma_table_info(tables.name) AS columns "
        "WHERE tables.type = 'table' AND tables.name LIKE 'outbox_%'"
    ).fetchall()
    conn.close()
    assert len(columns) > 50
    assert {name for row in columns for name in row} <= named


@pytest.mark.parametrize("picture", PICTURES, ids=lambda path: path.name)
def test_a_picture_is_text_with_a_description_and_stands_on_a_page(picture: Path) -> None:
    root = ET.parse(picture).getroot()
    inside = {child.tag.rpartition("}")[2] for child in root}
    assert {"title", "desc"} <= inside
    assert root.get("aria-labelledby") == "title desc"
    pages = [page.read_text() for page in (ROOT / "docs").rglob("*.md")]
    assert any(f"](pictures/{picture.name})" in page for page in pages)


def test_the_glossary_is_in_the_order_of_the_alphabet() -> None:
    terms = re.findall(r"^(\w[^\n]*)\n: ", (ROOT / "docs" / "glossary.md").read_text(), re.MULTILINE)
    assert len(terms) > 25
    assert terms == sorted(terms, key=str.lower)
    assert read_sections("docs/glossary.md")
