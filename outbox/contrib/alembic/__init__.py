"""For Alembic: the outbox's migrations as operations, and what keeps ``--autogenerate`` off its tables.

::

    from outbox.contrib import alembic as outbox_alembic     # Alembic 1.18 and later find it by themselves

    def upgrade():
        op.outbox_upgrade("0001_create_tables")

    def downgrade():
        op.outbox_downgrade("0001_create_tables")
"""

from typing import Any

from outbox.contrib.alembic.filters import include_name, include_object
from outbox.contrib.alembic.operations import OutboxDowngrade, OutboxUpgrade

__all__ = ["OutboxDowngrade", "OutboxUpgrade", "include_name", "include_object", "setup"]


def setup(plugin: Any) -> None:
    """Do nothing more: importing this module has registered the operations. Alembic's plugins need it."""
