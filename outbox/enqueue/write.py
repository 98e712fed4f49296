"""Write prepared messages through an adapted connection."""

from __future__ import annotations

from collections.abc import Sequence

from outbox.connections.connection import ProducerConnection
from outbox.enqueue.prepared_message import PreparedMessage
from outbox.enqueue.write_mysql import write_mysql
from outbox.enqueue.write_postgresql import write_postgresql
from outbox.enqueue.write_sqlite import write_sqlite
from outbox.statements import Catalog
from outbox.statements.dialect import NewIds

WRITERS = {NewIds.RETURNED: write_postgresql, NewIds.FIRST: write_mysql, NewIds.LAST: write_sqlite}


def write(connection: ProducerConnection, catalog: Catalog, messages: Sequence[PreparedMessage]) -> list[int]:
    """Write messages in the caller's transaction and return their ids, in the order of the messages.

    Any number of them: they are cut into statements by rows and bytes. When one fails, what the
    earlier ones wrote goes with the rollback that is the caller's to make. ``catalog`` is that of the
    connection's backend. The driver's errors pass through.
    """
    return WRITERS[catalog.dialect.new_ids](connection, catalog, messages) if messages else []
