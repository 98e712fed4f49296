"""A user's program under strict type checkers."""
