"""A visitor without a browser: the WSGI application called directly."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        assert self.status < 400, self.text
        return json.loads(self.text)


class Visitor:
    """Keeps its cookie, as a browser does."""

    def __init__(self, application: Callable[..., Any], prefix: str = "") -> None:
        self.application = application
        self.prefix = prefix
        self.cookie = ""

    def call(
        self, method: str, path: str, form: Mapping[str, object] | None = None, **environ: str
    ) -> Answer:
        where, _, query = path.partition("?")
        body = urlencode(form or {}).encode()
        given: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": self.prefix,
            "PATH_INFO": where.encode().decode("latin-1"),
            "QUERY_STRING": query,
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_HOST": "localhost:8090",
            "HTTP_COOKIE": self.cookie,
            "CONTENT_TYPE": "application/x-www-form-urlencoded",
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
            "wsgi.url_scheme": "http",
            **environ,
        }
        seen: list[Any] = []
        text = b"".join(self.application(given, lambda *args: seen.extend(args))).decode()
        headers = dict(seen[1])
        if "Set-Cookie" in headers:
            self.cookie = headers["Set-Cookie"].partition(";")[0]
        return Answer(int(seen[0].split()[0]), headers, text)

    def get(self, path: str, **environ: str) -> Answer:
        return self.call("GET", path, None, **environ)

    def token(self) -> str:
        return str(self.get("/index.json").json["csrf"])

    def post(self, path: str, form: Mapping[str, object], **environ: str) -> Answer:
        return self.call("POST", path, {"csrf": self.token(), **form}, **environ)

    def act(self, name: str, **form: object) -> Answer:
        """Do it, confirmed."""
        return self.post(f"/act/{name}", {**form, "confirm": "yes"})


def links(answer: Answer) -> set[str]:
    """Return where a page's links, forms and files lead."""
    return set(re.findall(r'(?:href|src|action)="([^"#][^"]*)"', answer.text))
