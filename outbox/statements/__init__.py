"""Turn the files of ``sql/`` into statements a driver can run.

Invariants:

- A file is valid SQL as it stands. Names of tables are replaced as whole words; an unknown one is an error.
- A catalogue is complete, checked and frozen before the first statement runs.
- A statement's text never depends on its values: a list is one parameter. Only the row of a ``:values``
  statement is repeated, for drivers that insert many rows so.
- Rows are read by the names of their columns.
"""

from outbox.statements.catalog import Catalog
from outbox.statements.rows import Row, Rows
from outbox.statements.statement import Statement
from outbox.statements.tables import Naming

__all__ = ["Catalog", "Naming", "Row", "Rows", "Statement"]
