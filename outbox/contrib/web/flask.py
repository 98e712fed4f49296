"""The page inside of a Flask application."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from outbox.contrib.web.application import OutboxPage
from outbox.facade.outbox import Outbox

if TYPE_CHECKING:
    from flask import Blueprint


def blueprint(outbox: Outbox | OutboxPage, *, name: str = "outbox_page", **options: Any) -> Blueprint:
    """Return a blueprint to register under a prefix, of a page, or of an outbox with the page's options.

    ``access`` runs within the request, so that it may ask ``flask_login.current_user`` and the session.
    """
    from flask import Blueprint, Response, request

    application = outbox if isinstance(outbox, OutboxPage) else OutboxPage(outbox, **options)
    made = Blueprint(name, __name__)

    def show(path: str = "") -> Any:
        # Flask matches the whole path: what stands before our part of it is where we are mounted.
        environ, whole = dict(request.environ), request.environ.get("PATH_INFO", "")
        ours = "/" + path.encode().decode("latin-1")
        mounted = whole[: len(whole) - len(ours)] if whole.endswith(ours) else whole
        environ |= {"SCRIPT_NAME": environ.get("SCRIPT_NAME", "") + mounted, "PATH_INFO": ours}
        return Response.from_app(application, environ)

    methods = ["GET", "HEAD", "POST"]
    made.add_url_rule("/", "index", show, methods=methods)
    made.add_url_rule("/<path:path>", "page", show, methods=methods)
    return made
