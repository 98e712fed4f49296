"""Run the code of one section, in a process of its own."""

from __future__ import annotations

import os
import sys
from urllib.parse import urlsplit

from tests.docs.pages import Section, read_sections


def run_section(page: str, title: str, folder: str, url: str) -> None:
    """Execute the section's Python blocks in a new folder, on the database of ``url``."""
    (section,) = (section for section in read_sections(page) if section.title == title)
    os.chdir(folder)
    namespace = vars(sys.modules["__main__"])
    for block in section.of("python"):
        # The empty lines make the lines of a traceback those of the page.
        code = "\n" * (block.line - 1) + at_home(block.text, url)
        exec(compile(code, page, "exec", dont_inherit=True), namespace)
    sys.stdout.flush()


def at_home(code: str, url: str) -> str:
    """Replace the reader's server by the one of this run."""
    if "://" not in url:
        return code
    parts = urlsplit(url)
    code = code.replace("://localhost/shop", "://" + url.partition("://")[2])
    code = code.replace("host=localhost dbname=shop", url)
    return code.replace(
        'host="localhost", user="shop", database="shop"',
        f'host="{parts.hostname}", port={parts.port}, user="{parts.username}",'
        f' password="{parts.password or ""}", database="{parts.path[1:]}"',
    )


def expected_output(section: Section) -> str:
    return "\n".join(block.text for block in section.of("text"))
