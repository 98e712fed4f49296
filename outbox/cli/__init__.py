"""The command ``outbox``, for people and for scripts; needs the extra ``cli``.

Invariants:

- A command asks the rooms below and prints; what it knows, a page or a probe could ask for as well.
- Standard output is the answer alone, with ``--json`` nothing but JSON; questions, progress and errors go to
  standard error.
- Exit codes are a promise (`exits`), an error is one sentence, and no password is shown.
"""
