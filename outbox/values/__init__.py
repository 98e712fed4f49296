"""Plain values: configuration, messages and results. No I/O, no threads."""
