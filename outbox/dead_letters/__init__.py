"""Messages that no handler could deliver, and what an operator can do about them.

::

    (given up) --> PENDING <==> REPROCESSING --> RESOLVED --+
                      |                                     +--> (deleted)
                      +--> RESOLVED by requeue, DISCARDED --+

The arrows are drawn in full at `DeadLetterStatus`. What holds throughout:

- Nothing is replayed by itself, and nothing pending is ever deleted.
- Letters are looked for without locks, a bounded portion at a time; what is to change is then locked by id,
  checked again, and changed. So no lock is held on a letter that was only looked at.
- A claim is a token with a deadline by the database's clock. Who has lost it changes nothing.
- No call holds more payloads than its page.

From the bottom: `letter`, `scope` (what is meant), `store` (the statements), `search` (ids that match),
`actions` (one portion or one transaction), `operations` (what needs no handler), `replaying` and `rehearsing`
(through a handler), `office` (what users call).
"""

from outbox.dead_letters.letter import DeadLetter, DeadLetterGroup, DeadLetterStatus
from outbox.dead_letters.office import DeadLetters
from outbox.dead_letters.scope import DeadLetterFilter, DeadLetterScope

__all__ = [
    "DeadLetter",
    "DeadLetterFilter",
    "DeadLetterGroup",
    "DeadLetterScope",
    "DeadLetterStatus",
    "DeadLetters",
]
