"""Build HTML whose texts cannot be anything but texts."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from typing import TypeAlias


class Html(str):
    """A text that is HTML already; made by `tag` alone."""

    __slots__ = ()


Child: TypeAlias = "Html | str | int | float | Iterable[Child] | None"
VOID = {"input", "meta", "link", "br"}


def text(child: Child) -> str:
    """Return a child as HTML: everything that is not `Html` is escaped."""
    if child is None:
        return ""
    if isinstance(child, Html):
        return str(child)
    if isinstance(child, (str, int, float)):
        return html.escape(str(child))
    return "".join(map(text, child))


def tag(name: str, /, *children: Child, **attributes: str | float | bool | None) -> Html:
    """Return an element. An attribute's trailing underscore is dropped, others in it become hyphens.

    True is an attribute without a value, None and False are none at all.
    """
    written = "".join(
        f" {key.rstrip('_').replace('_', '-')}" + ("" if value is True else f'="{html.escape(str(value))}"')
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    inside = "" if name in VOID else f"{text(children)}</{name}>"
    return Html(f"<{name}{written}>{inside}")


def table(caption: str, columns: Sequence[str], rows: Iterable[Sequence[Child]], *, empty: str) -> Html:
    """Return a table; the first cell of a row is its header, ``#`` before a column's name aligns numbers."""
    body = [
        tag(
            "tr",
            [
                tag(
                    "th" if position == 0 else "td",
                    cell,
                    scope="row" if position == 0 else None,
                    class_="number" if columns[position].startswith("#") else None,
                )
                for position, cell in enumerate(row)
            ],
        )
        for row in rows
    ]
    if not body:
        return tag("p", empty, class_="empty")
    head = [
        tag("th", name.removeprefix("#"), scope="col", class_="number" if name.startswith("#") else None)
        for name in columns
    ]
    made = tag("table", tag("caption", caption), tag("thead", tag("tr", head)), tag("tbody", body))
    return tag("div", made, class_="scroll", role="region", aria_label=caption, tabindex=0)
