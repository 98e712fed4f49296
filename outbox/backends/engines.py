"""The user's SQLAlchemy Engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Engine


def with_pool_of_its_own(engine: Engine) -> Engine:
    """Return an Engine that connects like the user's and shares no connection with it.

    Its pool is made like the user's: creator, arguments and the pool's listeners take part. Listeners of
    the Engine itself do not. Dispose of it when it is not needed any more.
    """
    return Engine(
        engine.pool.recreate(),
        engine.dialect,
        engine.url,
        execution_options=engine.get_execution_options(),
        hide_parameters=engine.hide_parameters,
    )


def watch(lent: Any) -> Callable[[], bool]:
    """Return what tells whether a lent connection is still in the transaction it was lent with.

    SQLAlchemy's connection, when its user closed it or ended its transaction, may have given the driver's
    back already, and another thread may use that. A driver's own connection tells by itself.
    """
    if not isinstance(lent, Connection):
        return lambda: True
    transaction = lent.get_transaction()

    def still_lent() -> bool:
        if transaction is None or lent.closed or lent.invalidated:
            return False
        return lent.get_transaction() is transaction and transaction.is_active

    return still_lent
