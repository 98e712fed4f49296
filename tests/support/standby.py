"""Make commits wait on PostgreSQL."""

from __future__ import annotations

from tests.support.databases import Database
from tests.support.eventually import eventually

WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"


class MissingStandby:
    """A standby that has to have every commit, and is not there: who waits for its commit, waits for ever.

    It is the whole server's, so the server has to be private.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def demand(self) -> None:
        """From now on commits wait, except those of sessions whose ``synchronous_commit`` is off."""
        self._set("ALTER SYSTEM SET synchronous_standby_names = 'nobody'", "nobody")

    def forget(self) -> None:
        """Let them go on."""
        self._set("ALTER SYSTEM RESET synchronous_standby_names", "")

    def waiting(self) -> int:
        """Return how many commits wait."""
        ((count,),) = self._database.query(WAITING)
        return int(count)

    def _set(self, command: str, value: str) -> None:
        self._database.execute(command)
        self._database.query("SELECT pg_reload_conf()")
        eventually(lambda: self._database.query("SHOW synchronous_standby_names") == [(value,)])
