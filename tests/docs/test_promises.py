"""Each promise of the documentation stands on its page and has tests; each page that promises is covered."""

from __future__ import annotations

import pytest

from tests.docs.pages import ROOT, read_sections
from tests.docs.promises import Promise, names_of_tests, promises, silent

PROMISING = ("docs/guarantees.md", "docs/handlers.md", "docs/enqueue.md", "docs/operation.md")
ALL = promises()


def words(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("promise", ALL, ids=lambda promise: f"{promise.page}-{promise.sentence[:40]}")
def test_a_promise_stands_on_its_page_and_its_tests_exist(promise: Promise) -> None:
    assert words(promise.sentence) in words((ROOT / promise.page).read_text())
    assert promise.tests
    for test in promise.tests:
        file, _, name = test.partition("::")
        assert name in names_of_tests(ROOT / file), test


@pytest.mark.parametrize(
    "promise",
    [promise for promise in ALL if promise.mutation],
    ids=lambda promise: f"{promise.page}-{promise.sentence[:40]}",
)
def test_a_mutation_changes_what_is_there(promise: Promise) -> None:
    assert promise.mutation
    text = (ROOT / promise.mutation.file).read_text()
    assert promise.mutation.applied(text) != text


def test_every_section_of_the_promising_pages_has_a_promise_or_says_why_not() -> None:
    missing = []
    for page in PROMISING:
        whole = (ROOT / page).read_text()
        for section in read_sections(page)[2:]:
            _, _, rest = whole.partition(f"\n## {section.title}\n")
            text = words(rest.partition("\n## ")[0])
            promised = any(promise.page == page and words(promise.sentence) in text for promise in ALL)
            if promised is (str(section) in silent()):
                missing.append(str(section))
    assert missing == []


def test_no_sentence_is_listed_twice() -> None:
    listed = [str(promise) for promise in ALL]
    assert sorted(set(listed)) == sorted(listed)
