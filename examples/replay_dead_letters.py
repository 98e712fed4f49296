"""Replay dead letters with a function of yours.

    python examples/replay_dead_letters.py postgresql://localhost/shop mailer:send_again --queue mails

The function gets a `DeadLetter`, whose `payload`, `json()` and `headers` are those of the message. When
it returns, the letter is resolved; when it raises, the letter is rejected: pending again, with the error
and one attempt more.

Kill it whenever you like, and run several at once if you like. What it has settled stays so, and what it
held can be claimed again when the claim's time is over. The letter it was working on is then handed over a
second time, so let the function be idempotent; `(letter.partition_id, letter.seq)` is a good key.

Ends with status 0 when every letter was resolved, 1 when some were not, 2 on bad usage and when the
database is away.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections import Counter
from collections.abc import Callable

from outbox import (
    DeadLetter,
    DeadLetterFilter,
    DeadLetters,
    DeadLetterScope,
    DeadLetterStatus,
    Outbox,
    OutboxError,
)

Handler = Callable[[DeadLetter], object]


def main() -> int:
    options = parse_arguments()
    try:
        handler = load(options.handler)
        with Outbox.builder(options.url).table_prefix(options.prefix).open() as outbox:
            scope = DeadLetterScope(queue=options.queue, limit=options.page)
            done = replay(outbox.dead_letters, scope, options.timeout, handler)
            held = DeadLetterFilter(queue=options.queue, status=DeadLetterStatus.REPROCESSING)
            still_held = outbox.dead_letters.count(held)
    except (OutboxError, ImportError, AttributeError) as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 2
    if still_held:
        print(f"claimed by another process: {still_held}")
    elif not done:
        print("no dead letters")
    return 0 if set(done) <= {"resolved"} and not still_held else 1


def replay(letters: DeadLetters, scope: DeadLetterScope, timeout: float, handler: Handler) -> Counter[str]:
    done: Counter[str] = Counter()
    total = letters.count(scope)
    # It ends: a letter that was rejected is not returned again before a call has returned nothing.
    while claimed := letters.replay(scope, timeout):
        done.update(settle(letters, letter, handler) for letter in claimed)
        show(max(total, done.total()), done)
    return done


def settle(letters: DeadLetters, letter: DeadLetter, handler: Handler) -> str:
    try:
        handler(letter)
    except Exception as error:
        return "rejected" if letters.reject([letter], f"{type(error).__name__}: {error}") else "lost"
    # Zero: the claim ran out meanwhile, and another process has the letter.
    return "resolved" if letters.resolve([letter]) else "lost"


def show(total: int, done: Counter[str]) -> None:
    counts = ", ".join(f"{number} {word}" for word, number in sorted(done.items()))
    line = f"{done.total()}/{total} letters: {counts}"
    # One line that grows on a terminal, a line a page in a log.
    if sys.stdout.isatty():
        print(f"\r\x1b[K{line}", end="\n" if done.total() == total else "", flush=True)
    else:
        print(line, flush=True)


def load(path: str) -> Handler:
    """Import ``package.module:function``, from the current folder too."""
    module, colon, name = path.partition(":")
    if not (module and colon and name):
        raise ImportError(f"{path!r} does not name a function; write package.module:function")
    sys.path.insert(0, "")
    handler: Handler = getattr(importlib.import_module(module), name)
    return handler


def parse_arguments() -> argparse.Namespace:
    words = argparse.ArgumentParser(description="Replay dead letters with a function of yours.")
    words.add_argument("url", help="postgresql://…, mysql://… or sqlite:///…")
    words.add_argument("handler", help="package.module:function, called with each letter")
    words.add_argument("--queue", help="only letters of this queue")
    words.add_argument("--prefix", default="outbox", help="of the tables (default: outbox)")
    words.add_argument("--page", type=int, default=50, help="letters claimed at once (default: 50)")
    words.add_argument(
        "--timeout", type=float, default=300.0, help="seconds that a page may take (default: 300)"
    )
    return words.parse_args()


if __name__ == "__main__":
    sys.exit(main())
