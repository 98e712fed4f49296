"""How Sphinx makes the site: `make docs`. The pages read well without it, on GitHub or in an editor."""

import re
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

_GIVEN = re.compile(r"^<!-- given\n.*?^-->\n", re.MULTILINE | re.DOTALL)
_OUTSIDE = re.compile(r"\]\((?:\.\./)+(?P<path>[^)\s]+)\)")


def for_the_site(_app: Any, docname: str, source: list[str]) -> None:
    """Leave out what only the tests run, and let links out of the site lead to the repository."""
    text = _GIVEN.sub("", source[0])
    depth = docname.count("/")

    def link(match: re.Match[str]) -> str:
        leaves = match[0].count("../") > depth
        return f"]({REPOSITORY}{match['path']})" if leaves else match[0]

    source[0] = _OUTSIDE.sub(link, text)


def setup(app: Any) -> None:
    """Register what happens to a page before it is read."""
    app.connect("source-read", for_the_site)
