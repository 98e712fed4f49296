"""A page for people who look after an outbox: a WSGI application to mount anywhere, or ``outbox web``.

Needs nothing but the standard library. Without an ``access`` function it answers this machine alone, and
changes nothing.
"""

from outbox.contrib.web.access import ACT, READ, Access
from outbox.contrib.web.application import OutboxPage
from outbox.contrib.web.flask import blueprint

__all__ = ["ACT", "READ", "Access", "OutboxPage", "blueprint"]
