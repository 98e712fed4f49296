"""How Sphinx makes the site: `make docs`. The pages read well without it, on GitHub or in an editor."""

import importlib
import re
import runpy
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import outbox  # noqa: E402 - the checkout's

project = "outbox-pipeline"
author = project_copyright = "outbox-pipeline contributors"
version = release = outbox.__version__
REPOSITORY = "https://github.com/outbox-pipeline/outbox-pipeline/blob/main/"

extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["_build"]
myst_enable_extensions = ["colon_fence", "deflist"]
# Links such as `guarantees.md#order` name headings as GitHub does.
myst_heading_anchors = 3
html_theme = "furo"
html_title = f"outbox {release}"
html_copy_source = False
html_show_sourcelink = False
# Console blocks show commands without a prompt, and outputs are no program.
highlight_language = "text"

# One backtick in a docstring is a name of ours where there is one, else code.
default_role = "py:obj"
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_default_options = {"members": True, "show-inheritance": True}
python_maximum_signature_line_length = 90

# Where a page of the reference says so, the public names of a module that it does not describe yet.
_NAMES = re.compile(r"^\.\. names of (?P<module>[\w.]+)$", re.MULTILINE)
# Sphinx would ask them for everything, and they would ask Django for its settings.
_DESCRIBED = {
    "outbox.contrib.django.box": "The outbox named ``default``.",
    "outbox.contrib.django.boxes": "The outboxes of this process by their names in the setting ``OUTBOX``.",
}
# A type of SQLAlchemy's, with members of SQLAlchemy's.
_WITHOUT_MEMBERS = frozenset({"outbox.contrib.sqlalchemy.Moment"})
_GIVEN = re.compile(r"^<!-- given\n.*?^-->\n", re.MULTILINE | re.DOTALL)
_OUTSIDE = re.compile(r"\]\((?:\.\./)+(?P<path>[^)\s]+)\)")


def for_the_site(_app: Any, docname: str, source: list[str]) -> None:
    """Leave out what only the tests run, mend links out of the site, and add what is generated."""
    text = _GIVEN.sub("", source[0])
    depth = docname.count("/")

    def link(match: re.Match[str]) -> str:
        leaves = match[0].count("../") > depth
        return f"]({REPOSITORY}{match['path']})" if leaves else match[0]

    text = _OUTSIDE.sub(link, text)
    text = _NAMES.sub(lambda match: names_of(match["module"], text), text)
    if docname == "index":
        text += unlisted(text)
    if docname == "reference/commands":
        text += "\n" + runpy.run_path(str(ROOT / "scripts" / "command_reference.py"))["page"]()
    source[0] = text


def unlisted(index: str) -> str:
    """Return a table of contents for the pages that the first page does not list."""
    names = sorted(page.stem for page in Path(__file__).parent.glob("*.md"))
    rest = [name for name in names if name != "index" and f"\n{name}\n" not in index]
    return "\n".join(["", ":::{toctree}", ":caption: More", ":hidden:", "", *rest, ":::", ""]) if rest else ""


def names_of(module: str, page: str) -> str:
    """Return directives for the public names of a module that the page has none for."""
    names = [f"{module}.{name}" for name in importlib.import_module(module).__all__ if name != "__version__"]
    return "\n".join(described(name) for name in names if f":: {name}\n" not in page)


def described(name: str) -> str:
    """Return the directive for a public name."""
    module, _, last = name.rpartition(".")
    if name in _DESCRIBED:
        return f".. py:data:: {last}\n   :module: {module}\n\n   {_DESCRIBED[name]}\n"
    thing = getattr(importlib.import_module(module), last)
    if isinstance(thing, type):
        kind = "autoexception" if issubclass(thing, BaseException) else "autoclass"
    else:
        kind = "autofunction" if callable(thing) else "autodata"
    return f".. {kind}:: {name}\n" + ("   :no-members:\n" if name in _WITHOUT_MEMBERS else "")


def setup(app: Any) -> None:
    """Register what happens to a page before it is read."""
    app.connect("source-read", for_the_site)
