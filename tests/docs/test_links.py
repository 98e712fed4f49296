import re

import pytest

from tests.docs.pages import PAGES, ROOT, all_sections

LINK = re.compile(r"\]\((?P<target>[^)\s]+)\)")
# The first page is also shown on PyPI, where relative links lead nowhere.
REPOSITORY = "https://github.com/outbox-pipeline/outbox-pipeline/blob/main/"


def anchors(page: str) -> set[str]:
    titles = [section.title for section in all_sections() if section.page == page]
    return {re.sub(r"[^\w -]", "", title).strip().lower().replace(" ", "-") for title in titles}


def test_the_first_page_has_absolute_links_alone() -> None:
    targets = [match["target"] for match in LINK.finditer((ROOT / "README.md").read_text())]
    assert targets
    assert all(target.startswith("https://") for target in targets)


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    for match in LINK.finditer((ROOT / page).read_text(encoding="utf-8")):
        path, _, anchor = match["target"].partition("#")
        inside = path.startswith(REPOSITORY)
        target = ROOT / path.removeprefix(REPOSITORY) if inside else (ROOT / page).parent / path
        assert target.exists(), match["target"]
        assert not anchor or anchor in anchors(str(target.resolve().relative_to(ROOT))), match["target"]
