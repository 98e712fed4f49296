"""Messages that no handler could deliver, and what an operator can do about them."""

from outbox.dead_letters.filter import DeadLetterFilter
from outbox.dead_letters.letter import DeadLetter
from outbox.dead_letters.operations import DeadLetters
from outbox.dead_letters.scope import DeadLetterScope
from outbox.dead_letters.status import DeadLetterStatus

__all__ = ["DeadLetter", "DeadLetterFilter", "DeadLetterScope", "DeadLetterStatus", "DeadLetters"]
