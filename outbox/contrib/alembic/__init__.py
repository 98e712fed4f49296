"""For Alembic: the outbox's migrations as operations, and what keeps ``--autogenerate`` off its tables.

::

    import outbox.contrib.alembic     # Alembic 1.18 and later find it by themselves

    def upgrade():
        op.outbox_upgrade("0001_create_tables")

    def downgrade():
        op.outbox_downgrade("0001_create_tables")
"""

from typing import Any


# Before the imports: the first import of this imports Alembic, which looks for its plugins at once.
def setup(plugin: Any) -> None:
    """Do nothing more: importing this module has registered the operations. Alembic's plugins need it."""


from outbox.contrib.alembic.filters import include_name, include_object  # noqa: E402
from outbox.contrib.alembic.operations import OutboxDowngrade, OutboxUpgrade  # noqa: E402

__all__ = ["OutboxDowngrade", "OutboxUpgrade", "include_name", "include_object", "setup"]
