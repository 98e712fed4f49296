"""Count what reaches the database; the fixture is `wire`."""

from tests.budgets.wire.proxy import Proxy
from tests.budgets.wire.tap import Tap
from tests.budgets.wire.wiretap import Wire, tapped

__all__ = ["Proxy", "Tap", "Wire", "tapped"]
