"""The receiving end: take every message of an outbox once, in one row for each of its partitions."""

from outbox.inbox.inbox import Inbox, InboxResult

__all__ = ["Inbox", "InboxResult"]
