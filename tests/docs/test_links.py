import re

import pytest

from tests.docs.pages import PAGES, ROOT, all_sections

LINK = re.compile(r"\]\((?P<target>[^)\s]+)\)")


def anchors(page: str) -> set[str]:
    titles = [section.title for section in all_sections() if section.page == page]
    return {re.sub(r"[^\w -]", "", title).strip().lower().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    for match in LINK.finditer((ROOT / page).read_text(encoding="utf-8")):
        path, _, anchor = match["target"].partition("#")
        target = (ROOT / page).parent / path
        assert target.exists(), match["target"]
        assert not anchor or anchor in anchors(str(target.resolve().relative_to(ROOT))), match["target"]
