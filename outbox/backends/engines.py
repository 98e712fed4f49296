"""The user's SQLAlchemy Engine."""

from __future__ import annotations

from sqlalchemy import Engine


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
