"""Plain values: configuration, messages and results. No I/O, no threads.

Invariants:

- A value is checked when it is made, and the error names the option, the value and what to do: nothing that
  exists is invalid, so nothing is checked again.
- Values do not change.
"""
