"""For the tests of applications: deliver without workers, see what is enqueued, empty the tables."""

from outbox.testing.capture import Sent, SentMessage, capture
from outbox.testing.drain import drain
from outbox.testing.failed import DeliveryFailure, DrainCounts, HandlersFailed
from outbox.testing.failure_tracker_contract import FailureTrackerContract
from outbox.testing.including import including
from outbox.testing.message import message
from outbox.testing.reset import reset

__all__ = [
    "DeliveryFailure",
    "DrainCounts",
    "FailureTrackerContract",
    "HandlersFailed",
    "Sent",
    "SentMessage",
    "capture",
    "drain",
    "including",
    "message",
    "reset",
]
