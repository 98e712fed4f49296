"""Turn the files of ``sql/`` into statements a driver can run."""

from outbox.statements.catalog import Catalog
from outbox.statements.rows import Row, Rows
from outbox.statements.statement import Statement
from outbox.statements.tables import Naming

__all__ = ["Catalog", "Naming", "Row", "Rows", "Statement"]
