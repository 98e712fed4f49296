"""Workers without a database: the decisions and the bookkeeping."""
