"""Helpers for test authors; the fixtures that hand them out are described in ``tests/conftest.py``."""

from tests.support.databases import Database
from tests.support.eventually import eventually
from tests.support.private_server import PrivateServer
from tests.support.processes import Child, Spawn
from tests.support.standby import MissingStandby

__all__ = ["Child", "Database", "MissingStandby", "PrivateServer", "Spawn", "eventually"]
