"""Read the documentation: its sections, and the blocks of code in them.

The code of one section runs as one program, from top to bottom. What a reader need not see, such as the
function that the text calls ``ship``, stands in the page as an HTML comment that begins with ``given``
and is run as well. A block marked ``text`` that follows code is what the program prints.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", *sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md")))
# Files of a project of a framework's, which a test in tests/contrib writes down and runs.
OF_PROJECTS = frozenset({"docs/django.md"})

_HEADING = re.compile(r"^#{1,3} (?P<title>.+)$")
_OPENING = re.compile(r"^(?:```(?P<language>\S+)|<!-- (?P<given>given))$")


@dataclass(frozen=True)
class Block:
    """``line`` is where its first line stands; ``shown`` is False for what only the tests see."""

    language: str
    text: str
    line: int
    shown: bool = True


@dataclass
class Section:
    page: str
    title: str
    blocks: list[Block] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.page}: {self.title}"

    def of(self, *languages: str) -> list[Block]:
        return [block for block in self.blocks if block.language in languages]

    @property
    def backend(self) -> str:
        """The database that its code asks for: that of the first URL, else SQLite."""
        code = "\n".join(block.text for block in self.of("python"))
        found = re.search(r"\b(postgresql|mysql|mariadb)\b[+\w]*://", code)
        return found[1] if found else "sqlite"


def read_sections(page: str) -> list[Section]:
    lines = (ROOT / page).read_text(encoding="utf-8").splitlines()
    sections = [Section(page, "top")]
    position = 0
    while position < len(lines):
        line = lines[position]
        position += 1
        if heading := _HEADING.match(line):
            sections.append(Section(page, heading["title"]))
        elif opening := _OPENING.match(line):
            end = lines.index("-->" if opening["given"] else "```", position)
            language = "python" if opening["given"] else opening["language"]
            text = "\n".join(lines[position:end])
            sections[-1].blocks.append(Block(language, text, position + 1, shown=not opening["given"]))
            position = end + 1
    return sections


def all_sections() -> list[Section]:
    return [section for page in PAGES for section in read_sections(page)]
