"""Who may see the page, and who may act."""

from __future__ import annotations

import enum
import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping
from http.cookies import CookieError, SimpleCookie
from ipaddress import ip_address
from typing import Any, Final, TypeAlias

Environ: TypeAlias = Mapping[str, Any]
COOKIE: Final = "outbox_page"
FORWARDED: Final = ("HTTP_FORWARDED", "HTTP_X_FORWARDED_FOR", "HTTP_X_REAL_IP", "HTTP_X_FORWARDED_HOST")


class Access(enum.Enum):
    """What a person may do."""

    READ = "read"
    ACT = "act"


READ, ACT = Access.READ, Access.ACT
AccessFunction: TypeAlias = Callable[[Environ], "Access | None"]
"""Takes the WSGI environment; returns `READ`, `ACT`, or None for those who may not see the page."""


def only_this_machine(environ: Environ) -> Access | None:
    """Let clients of this machine read, and none act: what holds without an access function.

    A name in the address that is not the machine's own is refused, lest another site's page read this one by
    a name that it lets lead here; and what a proxy passes on comes from elsewhere.
    """
    if any(environ.get(name) for name in FORWARDED):
        return None
    host = str(environ.get("HTTP_HOST", "")).rsplit(":", 1)[0] if "HTTP_HOST" in environ else ""
    here = host.strip("[]") in {"localhost", "127.0.0.1", "::1", ""}
    return READ if here and is_loopback(str(environ.get("REMOTE_ADDR", ""))) else None


def is_loopback(address: str) -> bool:
    """Return whether an address is the machine's own."""
    try:
        return ip_address(address.removeprefix("::ffff:")).is_loopback
    except ValueError:
        return False


class Tokens:
    """Tokens that our forms carry and those of other sites cannot: bound to a cookie by a secret."""

    def __init__(self, secret: str | bytes | None) -> None:
        """Take the secret that all processes of a site share; one process alone needs none."""
        given = secret.encode() if isinstance(secret, str) else secret
        self._secret = given or secrets.token_bytes(32)

    def session(self, environ: Environ) -> str | None:
        """Return the value of the browser's cookie."""
        try:
            cookie = SimpleCookie(str(environ.get("HTTP_COOKIE", ""))).get(COOKIE)
        except CookieError:
            return None
        return cookie.value if cookie is not None and len(cookie.value) == 43 else None

    def token(self, session: str) -> str:
        """Return the token that belongs to a cookie."""
        return hmac.new(self._secret, session.encode(), hashlib.sha256).hexdigest()

    def is_ours(self, environ: Environ, token: str) -> bool:
        """Return whether a POST comes from a form that this page gave to this browser."""
        session = self.session(environ)
        if session is None or not hmac.compare_digest(self.token(session).encode(), token.encode()):
            return False
        if environ.get("HTTP_SEC_FETCH_SITE", "same-origin") not in {"same-origin", "none"}:
            return False
        origin = environ.get("HTTP_ORIGIN")
        # A proxy may speak TLS in front of us: the host decides, not the scheme.
        return origin is None or str(origin).partition("://")[2] == environ.get("HTTP_HOST")
