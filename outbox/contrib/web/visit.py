"""One look at the page, and what its pages are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from outbox.contrib.web.actions import ACTIONS
from outbox.contrib.web.history import History
from outbox.contrib.web.html import Child, Html, tag
from outbox.contrib.web.reading import Reader
from outbox.values.readable import duration

Query = Mapping[str, str]


class NotFound(Exception):
    """There is no such page."""


@dataclass(frozen=True)
class View:
    """A page."""

    title: str
    data: dict[str, Any]
    body: Child


@dataclass(frozen=True)
class Visit:
    """One look at the page: where it is mounted, and whether this person may act."""

    reader: Reader
    history: History
    base: str
    may_act: bool
    token: str
    log: list[dict[str, Any]]

    def link(self, text: str, *parts: object, **query: object) -> Html:
        """Return a link to another page of ours."""
        return tag("a", text, href=self.path(*parts, **query))

    def path(self, *parts: object, **query: object) -> str:
        """Return the path of a page of ours."""
        given = urlencode({key: value for key, value in query.items() if value not in {None, ""}})
        path = "/".join(quote(str(part), safe="") for part in parts)
        return f"{self.base}/{path}" + (f"?{given}" if given else "")

    def button(self, name: str, label: str | None = None, **fields: object) -> Html | None:
        """Return a form that asks for an action, for those who may act."""
        if not self.may_act:
            return None
        return self.form(name, label or ACTIONS[name].title, None, **fields)

    def form(self, name: str, label: str, asked: Child, **fields: object) -> Html:
        """Return a form for an action, with what it asks of the person."""
        hidden = [tag("input", type="hidden", name=key, value=str(value)) for key, value in fields.items()]
        hidden.append(tag("input", type="hidden", name="csrf", value=self.token))
        press = tag("button", label, type="submit")
        return tag(
            "form", hidden, asked, press, method="post", action=self.path("act", name), class_="inline"
        )


def facts(values: Mapping[str, Any]) -> Html:
    """Return names and values."""
    pairs = [
        (tag("dt", name.replace("_", " ")), tag("dd", "-" if value is None else str(value)))
        for name, value in values.items()
    ]
    return tag("dl", pairs)


def is_number(given: str) -> bool:
    """Return whether a text of a client is a number that the databases know."""
    return given.isascii() and given.isdigit() and len(given) <= 18


def age(seconds: float) -> str:
    """Return a time for people."""
    return duration(seconds) if seconds >= 1 else "-"
