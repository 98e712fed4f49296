"""``outbox web``: the page by itself."""

from __future__ import annotations

import threading
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import click

from outbox.cli.commands import OutboxCommand, examples, pass_settings
from outbox.cli.exits import Exit
from outbox.cli.listening import ADDRESS, Address
from outbox.cli.loading import load_callable
from outbox.cli.output import emit
from outbox.cli.settings import Settings
from outbox.cli.signals import StopSignals
from outbox.cli.target import opened
from outbox.contrib.web.application import OutboxPage

# How often it looks for a signal.
LOOK_SECONDS = 1.0
# A browser that says nothing may not keep a thread for longer.
REQUEST_SECONDS = 30.0


class Server(ThreadingMixIn, WSGIServer):
    """One thread a request: for the few people who look after an outbox."""

    daemon_threads = True


class Quiet(WSGIRequestHandler):
    """Logs no request: actions are logged by the page."""

    timeout = REQUEST_SECONDS

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@click.command(
    cls=OutboxCommand,
    epilog=examples(
        "outbox web",
        "outbox web --listen 127.0.0.1:8090 --access shop.operations:access --redact shop.operations:redact",
    ),
)
@click.option("--listen", type=ADDRESS, metavar="HOST:PORT", default="127.0.0.1:8090", show_default=True)
@click.option(
    "--access", metavar="MODULE:FUNCTION", help="Takes the WSGI environment; returns READ, ACT or None."
)
@click.option(
    "--redact", metavar="MODULE:FUNCTION", help="Takes payload and queue; returns what may be shown."
)
@pass_settings
def web(settings: Settings, /, *, listen: Address, access: str | None, redact: str | None) -> Exit:
    """Serve a page about queues, partitions, workers and dead letters until SIGTERM or SIGINT.

    Without --access it answers this machine alone, whatever it listens on, and changes nothing.
    """
    functions: dict[str, Any] = {
        name: load_callable(given) for name, given in (("access", access), ("redact", redact)) if given
    }
    with opened(settings) as outbox, StopSignals() as signals:
        page = OutboxPage(outbox, **functions)
        server = make_server(listen.host, listen.port, page, Server, Quiet)
        thread = threading.Thread(target=server.serve_forever, name="outbox-web", daemon=True)
        thread.start()
        emit(f"the page is at http://{listen.host}:{server.server_port}/")
        while not signals.wait(LOOK_SECONDS):
            pass
        server.shutdown()
        server.server_close()
        page.close()
    return Exit.OK
