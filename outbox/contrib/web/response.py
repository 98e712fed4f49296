"""What is sent back: HTML, JSON, the two files beside them, and headers that keep a browser careful."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from importlib.resources import files
from typing import Any, Final

from outbox.contrib.web.html import tag
from outbox.contrib.web.visit import NotFound, View, Visit

# Nothing from elsewhere, nothing inline, and no other site may show the page in a frame of its own.
POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
STATIC: Final = {
    "page.css": "text/css; charset=utf-8",
    "page.js": "text/javascript; charset=utf-8",
    "page.svg": "image/svg+xml",
}
PAGES: Final = (
    ("Overview", ()),
    ("Dead letters", ("letters",)),
    ("Workers", ("workers",)),
    ("Log", ("log",)),
)


@dataclass
class Response:
    """A status, headers and a body."""

    status: HTTPStatus
    content_type: str
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def text(cls, status: HTTPStatus, text: str) -> Response:
        """Answer in plain text."""
        return cls(status, "text/plain; charset=utf-8", f"{text}\n".encode())

    @classmethod
    def json(cls, status: HTTPStatus, data: Any) -> Response:
        """Answer in JSON."""
        return cls(status, "application/json", json.dumps(data, default=plain, ensure_ascii=False).encode())

    @property
    def status_line(self) -> str:
        """Number and name."""
        return f"{self.status.value} {self.status.phrase}"

    def header_list(self) -> list[tuple[str, str]]:
        """Return all headers; none of them is made of what a client or a message says."""
        return [
            ("Content-Type", self.content_type),
            ("Content-Length", str(len(self.body))),
            ("Content-Security-Policy", POLICY),
            ("X-Content-Type-Options", "nosniff"),
            ("Referrer-Policy", "same-origin"),
            ("Cache-Control", "no-store"),
            *self.headers.items(),
        ]


def page(
    visit: Visit, view: View, *, refreshed: bool = False, status: HTTPStatus = HTTPStatus.OK
) -> Response:
    """Put a view into the frame that all pages share."""
    links = [tag("li", visit.link(name, *parts)) for name, parts in PAGES]
    head = [
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", f"{view.title} · Outbox"),
        tag("link", rel="stylesheet", href=visit.path("static", "page.css")),
        tag("link", rel="icon", href=visit.path("static", "page.svg"), type="image/svg+xml"),
        tag("script", src=visit.path("static", "page.js"), defer=True),
    ]
    body = [
        tag("a", "Skip to the content", href="#main", class_="skip"),
        tag("header", tag("nav", tag("ul", links), aria_label="Pages")),
        tag("main", tag("h1", view.title), view.body, id="main", data_refresh=5 if refreshed else None),
        tag("footer", "You may act here." if visit.may_act else "You may look and not act."),
    ]
    document = "<!doctype html>" + tag("html", tag("head", head), tag("body", body), lang="en")
    return Response(status, "text/html; charset=utf-8", document.encode("utf-8", "replace"))


def static(parts: list[str]) -> Response:
    """Return the stylesheet or the script."""
    if len(parts) != 1 or parts[0] not in STATIC:
        raise NotFound
    return Response(
        HTTPStatus.OK, STATIC[parts[0]], files("outbox.contrib.web").joinpath(parts[0]).read_bytes()
    )


def plain(value: Any) -> Any:
    """Return what JSON has for a value of ours."""
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if not isinstance(value, (set, frozenset)) else sorted(value)
