"""Relay to an HTTP endpoint, over urllib3, signed as Standard Webhooks has it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, ClassVar
from urllib.parse import urlsplit

from outbox.clock import Deadline
from outbox.contrib.relays.answers import Answer
from outbox.contrib.relays.envelopes import Envelope
from outbox.contrib.relays.imports import import_library
from outbox.contrib.relays.outgoing import Outgoing, Router
from outbox.contrib.relays.pool import SessionPool
from outbox.contrib.relays.relay import DEFAULT_TIMEOUT, Relay
from outbox.contrib.relays.signature import Signer
from outbox.errors import ConfigurationError


class WebhookRelay(Relay):
    """POST every message to a URL, one after the other.

    Each request has the headers of Standard Webhooks: ``webhook-id`` (`OutboxMessage.uid`, the same at each
    attempt), ``webhook-timestamp`` and, with ``secrets``, ``webhook-signature`` with one signature for each
    of them, so that a receiver can change its key while messages flow. A secret is written ``whsec_`` and
    base64.

    Any 2xx is done. 410 says that the receiver wants no more: the message goes to the dead letters.
    429, 502, 503 and 504, and an endpoint that cannot be reached or does not answer in time, count as no
    attempt; every other answer does. ``Retry-After`` is the delay until the next try.

    Redirects are refused unless ``allow_redirects``, which follows 307 and 308. Addresses that are not public
    (private, loopback, link-local, …) are refused unless ``allow_private``; the address that was checked is
    the one connected to.
    """

    wave_size: ClassVar[int] = 1
    attribute_prefix: ClassVar[str] = "ce-"

    def __init__(
        self,
        url: str | None = None,
        *,
        secrets: Sequence[str] = (),
        allow_private: bool = False,
        allow_redirects: bool = False,
        envelope: Envelope | None = None,
        route: Router | None = None,
        timeout: float | timedelta = DEFAULT_TIMEOUT,
    ) -> None:
        """Check the URL and the secrets; without a URL the route gives each message's."""
        super().__init__(url, envelope=envelope, route=route, timeout=timeout)
        import_library("urllib3", "webhook")
        if url is None and route is None:
            raise ConfigurationError("url", url, "give a URL, or a route that returns one")
        if url is not None and (urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).hostname):
            raise ConfigurationError("url", url, "give an http:// or https:// URL")
        self._signer = Signer(secrets)
        self._allow_private = allow_private
        self._allow_redirects = allow_redirects
        self._sessions = SessionPool(self._open)

    def close(self) -> None:
        """Close the connections."""
        self._sessions.close()

    def _open(self, _: Deadline) -> Any:
        from outbox.contrib.relays.webhook_session import WebhookSession

        return WebhookSession(
            self._signer, allow_private=self._allow_private, allow_redirects=self._allow_redirects
        )

    def _send(self, wave: Sequence[Outgoing], deadline: Deadline) -> Sequence[Answer]:
        with self._sessions.acquire(deadline) as session:
            return [session.post(outgoing, deadline) for outgoing in wave]
