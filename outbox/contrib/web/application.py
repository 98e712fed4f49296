"""The page as a WSGI application."""

from __future__ import annotations

import logging
import secrets
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timezone
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qsl, quote

from outbox.contrib.web import letters, queues, views
from outbox.contrib.web.access import COOKIE, Access, AccessFunction, Environ, Tokens, only_this_machine
from outbox.contrib.web.actions import ACTIONS, Impossible
from outbox.contrib.web.history import History
from outbox.contrib.web.html import Child, tag
from outbox.contrib.web.reading import Handlers, Reader, Redact
from outbox.contrib.web.response import Response, page, static
from outbox.contrib.web.visit import NotFound, View, Visit
from outbox.errors import OutboxError
from outbox.facade.outbox import Outbox

log = logging.getLogger("outbox.web")

MOST_FORM_BYTES: Final = 65_536
REMEMBERED: Final = 200
"""Actions that the page shows; the log has all."""
# The parts of a path, "*" for any, and who makes the page.
ROUTES: Final[tuple[tuple[tuple[str, ...], Callable[..., View]], ...]] = (
    ((), views.overview),
    (("queues", "*"), queues.queue_page),
    (("queues", "*", "*"), queues.partition_page),
    (("queues", "*", "*", "*"), queues.message_page),
    (("letters",), letters.letters_page),
    (("letters", "*"), letters.letter_page),
    (("workers",), views.workers_page),
    (("log",), views.log_page),
)

NO_SUCH: Final = Response.text(HTTPStatus.BAD_REQUEST, "There can be no such queue, key or number.")


class OutboxPage:
    """A WSGI application; mount it anywhere under any prefix, or serve it by itself.

    ``access(environ)`` returns `READ`, `ACT` or None. Without it the page answers clients of this machine
    alone and changes nothing. ``redact(payload, queue)`` returns what may be shown of a payload.
    ``user(environ)`` names the person for the log of actions. ``secret`` is one that all processes of a site
    share; without it a form is valid in the process that made it. ``replay`` and ``rehearse`` have, by queue,
    leased and transactional handlers that dead letters may be handed to.
    """

    def __init__(
        self,
        outbox: Outbox,
        *,
        access: AccessFunction | None = None,
        redact: Redact | None = None,
        replay: Mapping[str, Callable[..., Any]] | None = None,
        rehearse: Mapping[str, Callable[..., Any]] | None = None,
        user: Callable[[Environ], str] | None = None,
        secret: str | bytes | None = None,
    ) -> None:
        self._reader = Reader(outbox, redact, Handlers(replay or {}, rehearse or {}))
        self._access = access or only_this_machine
        self._user = user or user_of
        self._tokens = Tokens(secret)
        self._history = History(self._reader.partitions)
        self._log: deque[dict[str, Any]] = deque(maxlen=REMEMBERED)

    def close(self) -> None:
        """End the thread that collects the last hour. The outbox stays open."""
        self._history.close()

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a request; see PEP 3333."""
        try:
            response = self._answer(environ)
        except NotFound:
            response = Response.text(HTTPStatus.NOT_FOUND, "There is no such page.")
        except (OutboxError, ValueError) as error:
            if isinstance(error, ValueError):  # a name or a number that cannot be one
                return self._send(start_response, environ, NO_SUCH)
            log.warning("the page cannot answer: %s", error, extra={"event": "outbox.page_failed"})
            response = Response.text(HTTPStatus.SERVICE_UNAVAILABLE, f"The outbox cannot be read: {error}")
        return self._send(start_response, environ, response)

    def _send(
        self, start_response: Callable[..., Any], environ: Environ, response: Response
    ) -> Iterable[bytes]:
        start_response(response.status_line, response.header_list())
        return [b"" if environ.get("REQUEST_METHOD") == "HEAD" else response.body]

    def _answer(self, environ: Environ) -> Response:
        path = path_of(environ)
        if path[:1] == ["static"]:
            return static(path[1:])
        access = self._access(environ)
        if access is None:
            return Response.text(HTTPStatus.FORBIDDEN, "This page is not for you.")
        self._history.begin()
        session = self._tokens.session(environ)
        fresh = session is None
        visit = self._visit(environ, access, self._tokens.token(session := session or new_session()))
        if environ["REQUEST_METHOD"] == "POST":
            response = self._post(environ, visit, access, path)
        elif environ["REQUEST_METHOD"] in {"GET", "HEAD"}:
            response = self._show(environ, visit, path)
        else:
            response = Response.text(HTTPStatus.METHOD_NOT_ALLOWED, "GET shows and POST acts.")
        if fresh:
            secure = "; Secure" if environ.get("wsgi.url_scheme") == "https" else ""
            where = quote(visit.base or "/", safe="/")
            response.headers["Set-Cookie"] = (
                f"{COOKIE}={session}; Path={where}; HttpOnly; SameSite=Strict{secure}"
            )
        return response

    def _visit(self, environ: Environ, access: Access, token: str) -> Visit:
        base = quote(decoded(environ.get("SCRIPT_NAME", "")).rstrip("/"), safe="/")
        # Two slashes at the front would make the first part of a path a host.
        base = "/" + base.strip("/") if base.strip("/") else ""
        return Visit(self._reader, self._history, base, access is Access.ACT, token, [*self._log])

    def _show(self, environ: Environ, visit: Visit, path: list[str]) -> Response:
        as_json = bool(path) and path[-1].endswith(".json")
        if as_json:
            path = [*path[:-1], path[-1].removesuffix(".json")]
            path = [] if path == ["index"] else path
        query = dict(parse_qsl(str(environ.get("QUERY_STRING", ""))))
        view = view_of(visit, query, path)
        if as_json:
            data = {**view.data, "csrf": visit.token} if visit.may_act else view.data
            return Response.json(HTTPStatus.OK, data)
        return page(visit, view, refreshed=path == [])

    def _post(self, environ: Environ, visit: Visit, access: Access, path: list[str]) -> Response:
        form = form_of(environ)
        token = form.pop("csrf", "") or str(environ.get("HTTP_X_CSRF_TOKEN", ""))
        if access is not Access.ACT:
            return Response.text(HTTPStatus.FORBIDDEN, "You may look and not act.")
        if not self._tokens.is_ours(environ, token):
            return Response.text(
                HTTPStatus.FORBIDDEN, "This form is not of this page, or too old; load the page again."
            )
        if len(path) != 2 or path[0] != "act" or path[1] not in ACTIONS:
            raise NotFound
        wants_json = "application/json" in str(environ.get("HTTP_ACCEPT", ""))
        try:
            return self._act(environ, visit, path[1], form, wants_json=wants_json)
        except Impossible as reason:
            return outcome(visit, f"Not done: {reason}", HTTPStatus.CONFLICT, wants_json=wants_json)

    def _act(
        self, environ: Environ, visit: Visit, name: str, form: dict[str, str], *, wants_json: bool
    ) -> Response:
        action, confirmed = ACTIONS[name], form.pop("confirm", "") == "yes"
        if lacking := [field for field in action.needs if not form.get(field)]:
            raise Impossible(f"{', '.join(lacking)} is missing")
        if not confirmed:
            question = action.asks(self._reader, form)
            if wants_json:
                return Response.json(HTTPStatus.ACCEPTED, {"question": question, "confirm": "yes"})
            return page(visit, View(action.title, {}, [tag("p", question), ask(visit, name, form)]))
        try:
            done = action.does(self._reader, form)
        except OutboxError as error:
            self._note(environ, name, form, f"failed: {error}")
            raise Impossible(str(error)) from error
        self._note(environ, name, form, done)
        return outcome(visit, done, HTTPStatus.OK, wants_json=wants_json)

    def _note(self, environ: Environ, name: str, form: dict[str, str], result: str) -> None:
        at, user = datetime.now(timezone.utc).isoformat(timespec="seconds"), self._user(environ)
        about = ", ".join(f"{field}={value}" for field, value in form.items() if value)
        self._log.appendleft({"at": at, "user": user, "action": name, "about": about, "outcome": result})
        extra = {
            "event": "outbox.page_action",
            "user": user,
            "action": name,
            "about": form,
            "outcome": result,
        }
        log.warning("%s by %s: %s (%s)", name, user, result, about, extra=extra)


def view_of(visit: Visit, query: dict[str, str], path: list[str]) -> View:
    """Return the page at a path; raises `NotFound`."""
    for route, make in ROUTES:
        if len(route) == len(path) and all(one in {"*", part} for one, part in zip(route, path, strict=True)):
            parts = [part for one, part in zip(route, path, strict=True) if one == "*"]
            return make(visit, query, *parts)
    raise NotFound


def ask(visit: Visit, name: str, form: dict[str, str]) -> Child:
    """Return the form that confirms an action."""
    asked = [
        tag("p", tag("label", f"{field.title()} ", tag("input", name=field))) for field in ACTIONS[name].takes
    ]
    again = visit.form(name, f"Yes, {ACTIONS[name].title.lower()}", asked, **form, confirm="yes")
    return [again, tag("p", visit.link("No, back to the overview"))]


def outcome(visit: Visit, text: str, status: HTTPStatus, *, wants_json: bool) -> Response:
    """Say what an action did."""
    if wants_json:
        return Response.json(status, {"outcome": text})
    body = [tag("p", text, role="status", class_="outcome"), tag("p", visit.link("Back to the overview"))]
    return page(visit, View("Done" if status is HTTPStatus.OK else "Not done", {}, body), status=status)


def path_of(environ: Environ) -> list[str]:
    """Return the parts of the path below where the page is mounted."""
    return [part for part in decoded(environ.get("PATH_INFO", "")).split("/") if part]


def decoded(raw: Any) -> str:
    """Return a text of the environment, which WSGI passes as bytes in Latin-1."""
    return str(raw).encode("latin-1", "replace").decode("utf-8", "replace")


def form_of(environ: Environ) -> dict[str, str]:
    """Return the fields of a form; none of what is too long or is no form."""
    length = str(environ.get("CONTENT_LENGTH") or "0")
    kind = str(environ.get("CONTENT_TYPE", "")).partition(";")[0].strip()
    if not length.isdigit() or int(length) > MOST_FORM_BYTES or kind != "application/x-www-form-urlencoded":
        return {}
    body = environ["wsgi.input"].read(int(length))
    return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))


def user_of(environ: Environ) -> str:
    """Return who acts, as the server before us knows it."""
    return str(environ.get("REMOTE_USER") or environ.get("REMOTE_ADDR") or "unknown")


def new_session() -> str:
    """Return what a browser is told apart by."""
    return secrets.token_urlsafe(32)
