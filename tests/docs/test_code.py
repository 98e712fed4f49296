from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.pages import OF_PROJECTS, PAGES, Section, all_sections, read_sections
from tests.docs.run_section import expected_output, run_section
from tests.servers.fleet import Fleet
from tests.servers.selection import selected_backends
from tests.support import Database, Spawn
from tests.support.databases import Provider, new_provider

WITH_CODE = [
    section for section in all_sections() if section.of("python") and section.page not in OF_PROJECTS
]
LANGUAGES = {"python", "text", "console", "ini", "javascript", "properties", "sh", "sql", "toml"}


@pytest.fixture
def place(section: Section, providers: dict[str, Provider], fleet: Fleet) -> Iterator[Database]:
    """Yield a new database without tables, on the server that the section asks for."""
    if section.backend not in providers:
        providers[section.backend] = new_provider(fleet.shared(section.backend))
    provider = providers[section.backend]
    database = provider.empty()
    yield database
    provider.drop(database)


@pytest.mark.mp
@pytest.mark.parametrize(
    "section",
    [
        pytest.param(section, id=str(section), marks=getattr(pytest.mark, section.backend))
        for section in WITH_CODE
        if section.backend in selected_backends()
    ],
)
def test_the_code_of_the_section_runs(
    section: Section, place: Database, spawn: Spawn, tmp_path: Path
) -> None:
    url = place.url if section.backend != "sqlite" else "the file in the text"
    output = spawn(run_section, section.page, section.title, str(tmp_path), url).succeed(timeout=60)
    assert output == expected_output(section)


WORDS_ALONE = {
    "docs/architecture.md",
    "docs/comparison.md",
    "docs/glossary.md",
    "docs/index.md",
    "docs/performance.md",
    "docs/reference/commands.md",
    "docs/reference/tables.md",
    "docs/when-not.md",
}


def is_explanation(page: str) -> bool:
    """Whether a page explains, with pictures at most: its ``text`` blocks are no program's output."""
    return page in WORDS_ALONE or page.startswith("docs/decisions/")


def test_every_page_has_code_and_every_block_a_known_language() -> None:
    # The benchmark takes minutes; tests/benchmarks runs a hundredth of it.
    assert {section.page for section in WITH_CODE} == {
        page for page in PAGES if not is_explanation(page)
    } - OF_PROJECTS
    languages = {block.language for section in all_sections() for block in section.blocks}
    assert languages <= LANGUAGES


def test_only_the_quickstart_prints_what_no_code_beside_it_printed() -> None:
    unproven = [
        str(section)
        for section in all_sections()
        if section.of("text") and not section.of("python") and not is_explanation(section.page)
    ]
    assert unproven == ["README.md: Two commands"]  # tests/examples/test_quickstart.py runs that


@pytest.mark.parametrize("page", PAGES)
def test_no_two_sections_of_a_page_have_one_title(page: str) -> None:
    titles = [section.title for section in read_sections(page)]
    assert sorted(set(titles)) == sorted(titles)
