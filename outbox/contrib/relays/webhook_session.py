"""The connections of one call to HTTP endpoints."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError
from urllib3.response import BaseHTTPResponse

from outbox.clock import Deadline
from outbox.contrib.relays.addresses import PrivateAddress, resolve
from outbox.contrib.relays.answers import CONFIRMED, Answer, Failed, Refused
from outbox.contrib.relays.outgoing import Outgoing, visible
from outbox.contrib.relays.retry_after import retry_after
from outbox.contrib.relays.signature import Signer

GONE = 410  # the endpoint will never take anything again
# Answers that speak of the endpoint and not of the message.
AWAY = (429, 502, 503, 504)
# The redirects that keep a POST a POST.
FOLLOWED = (307, 308)
MOST_REDIRECTS = 5  # more is a circle
# Headers that say how the request travels: a message cannot set them.
OF_THE_CONNECTION = {
    *("connection", "content-length", "expect", "host", "keep-alive", "proxy-authorization"),
    *("proxy-connection", "trailer", "transfer-encoding", "upgrade"),
}
# What is read of an answer so that the connection can be used again; one that says more is closed.
MOST_READ = 65_536
MOST_READ_SECONDS = 1.0  # a new connection costs less than waiting longer


class Origin(NamedTuple):
    """Where a connection leads: the checked address, and the name it was asked for under."""

    scheme: str
    host: str
    port: int
    address: str


class WebhookSession:
    """Keeps one connection to each origin, used by one thread at a time."""

    def __init__(self, signer: Signer, *, allow_private: bool, allow_redirects: bool) -> None:
        self._signer = signer
        self._allow_private = allow_private
        self._redirects = MOST_REDIRECTS if allow_redirects else 0
        self._connections: dict[Origin, HTTPConnection] = {}

    def usable(self) -> bool:
        """Whether it may serve another call: always, since a connection that failed is closed at once."""
        return True

    def close(self) -> None:
        """Close the connections."""
        for connection in self._connections.values():
            connection.close()
        self._connections.clear()

    def post(self, outgoing: Outgoing, deadline: Deadline) -> Answer:
        """Send one message and return what the endpoint says to it."""
        headers = self._headers(outgoing)
        url = outgoing.topic
        try:
            for _ in range(self._redirects + 1):
                status, fields = self._exchange(url, headers, outgoing.body, deadline)
                if status not in FOLLOWED or not self._redirects:
                    return judge(url, status, fields)
                url = urljoin(url, fields.get("location", ""))
        except PrivateAddress as refused:
            return Failed(str(refused), counts=True)
        except (HTTPError, OSError) as error:
            return Failed(f"{host_of(url)} did not answer: {error}")
        return Failed(f"{host_of(outgoing.topic)} redirects more than {MOST_REDIRECTS} times", counts=True)

    def _headers(self, outgoing: Outgoing) -> dict[str, str]:
        own = {name.lower(): visible(value) for name, value in outgoing.headers.items()}
        own = {name: value for name, value in own.items() if name not in OF_THE_CONNECTION}
        signed = self._signer.headers(outgoing.message.uid, int(time.time()), outgoing.body)
        return {"user-agent": "outbox-pipeline", **own, "content-type": outgoing.content_type, **signed}

    def _exchange(
        self, url: str, headers: Mapping[str, str], body: bytes, deadline: Deadline
    ) -> tuple[int, Mapping[str, str]]:
        """Send a request; once more on a new connection if the kept one turns out to be closed."""
        origin = self._origin(url)
        kept = origin in self._connections
        try:
            return self._request(origin, url, headers, body, deadline)
        except (HTTPError, OSError):
            if not kept or deadline.passed:
                raise
        return self._request(origin, url, headers, body, deadline)

    def _request(
        self, origin: Origin, url: str, headers: Mapping[str, str], body: bytes, deadline: Deadline
    ) -> tuple[int, Mapping[str, str]]:
        connection = self._connections.pop(origin, None) or connect(origin)
        connection.timeout = max(deadline.remaining(), 0.001)
        host = urlsplit(url).netloc.rpartition("@")[2]
        try:
            with cut_at(deadline, connection):
                if connection.sock is None:
                    connection.connect()
                else:
                    connection.sock.settimeout(connection.timeout)
                connection.request("POST", target_of(url), body, {**headers, "host": host})
                response = connection.getresponse()
            if deadline.passed:  # cut in the middle, it looks like an answer without some of its headers
                raise TimeoutError("no whole answer in time")
            with cut_at(Deadline.after(min(deadline.remaining(), MOST_READ_SECONDS)), connection):
                if read_to_the_end(response):
                    self._connections[origin] = connection
        finally:
            if origin not in self._connections:
                connection.close()
        return response.status, response.headers

    def _origin(self, url: str) -> Origin:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
        return Origin(parts.scheme, host, port, resolve(host, port, allow_private=self._allow_private))


def connect(origin: Origin) -> HTTPConnection:
    """Return a connection, not yet open, to the address that was checked."""
    if origin.scheme != "https":
        return HTTPConnection(origin.address, origin.port)
    return HTTPSConnection(
        origin.address,
        origin.port,
        server_hostname=origin.host,
        assert_hostname=origin.host,
        cert_reqs="CERT_REQUIRED",
    )


@contextmanager
def cut_at(deadline: Deadline, connection: HTTPConnection) -> Iterator[None]:
    """Cut the connection at the deadline: a socket's time-out begins anew with every byte that drips in."""

    def cut() -> None:
        if connection.sock is not None:
            connection.sock.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(deadline.remaining(), cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def read_to_the_end(response: BaseHTTPResponse) -> bool:
    """Read the answer's body; return whether the connection may be used again."""
    try:
        body = response.read(MOST_READ)
    except (HTTPError, OSError):
        return False  # it has answered; what it says beyond that is not of interest
    return len(body) < MOST_READ and response.headers.get("connection", "").lower() != "close"


def judge(url: str, status: int, fields: Mapping[str, str]) -> Answer:
    """Return what a status means."""
    said = f"{host_of(url)} answered {status}"
    if 200 <= status < 300:
        return CONFIRMED
    if status == GONE:
        return Refused(f"{said}: it wants no more messages")
    if 300 <= status < 400:
        return Failed(f"{said}, a redirect, which is not followed", counts=True)
    return Failed(said, counts=status not in AWAY, delay=retry_after(fields.get("retry-after")))


def host_of(url: str) -> str:
    """Return what may be shown of a URL: it may hold a secret in its path or query."""
    return urlsplit(url).hostname or "the endpoint"


def target_of(url: str) -> str:
    """Return the part of a URL that a request names."""
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
