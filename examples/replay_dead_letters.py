"""Replay dead letters with a function of yours.

    python examples/replay_dead_letters.py postgresql://localhost/shop mailer:send_again --queue mails

The function gets a `DeadLetter`, whose `payload`, `json()` and `headers` are those of the message. When
it returns, the letter is resolved; when it raises, the letter is rejected: pending again, with the error
and one attempt more.

Kill it whenever you like, and run as many at once as you like. What it has settled stays so. What it held
is claimable again when the claim's time is over: run it again then. The letter that was in hand is handed
over a second time, so let the function be idempotent; `(letter.partition_id, letter.seq)` is a good key.

Ends with status 0 when every letter was resolved, 1 when some were not (rejected, lost, left when the page's
time was over, or skipped because somebody else holds them), 2 on bad usage and when the database is away.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from array import array
from collections import Counter
from collections.abc import Callable, Iterator
from heapq import merge
from itertools import islice

from outbox import (
    DeadLetter,
    DeadLetterFilter,
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
            done = Replay(outbox, handler, options.page, options.timeout).run(options.queue)
    except (OutboxError, ImportError, AttributeError) as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 2
    return 0 if set(done) <= {"resolved"} else 1


class Replay:
    """One run: every letter that is open when it begins is handed over at most once."""

    def __init__(self, outbox: Outbox, handler: Handler, page: int, timeout: float) -> None:
        self.letters = outbox.dead_letters
        self.handler = handler
        self.page = page
        self.timeout = timeout

    def run(self, queue: str | None) -> Counter[str]:
        # The ids first: a rejected letter is pending again, and must not come back in this run.
        pending = self.ids(queue, DeadLetterStatus.PENDING)
        claimed = self.ids(queue, DeadLetterStatus.REPROCESSING)  # some of these claims may have run out
        oldest_first = merge(reversed(pending), reversed(claimed))
        total, position = len(pending) + len(claimed), 0
        if not total:
            print("no dead letters")
        done: Counter[str] = Counter()
        while page := list(islice(oldest_first, self.page)):
            done.update(self.work_on(DeadLetterScope(ids=page, limit=len(page))))
            position += len(page)
            # Some may have gone to others, or be claimed still: they were not handed to us.
            if skipped := position - sum(done.values()) + done["skipped"]:
                done["skipped"] = skipped
            show(position, total, done)
        return done

    def ids(self, queue: str | None, status: DeadLetterStatus) -> array[int]:
        """Newest first; one page of letters is in memory at a time, and eight bytes for each id."""
        found = array("q")
        for page in self.letters.pages(DeadLetterFilter(queue=queue, status=status)):
            found.extend(letter.id for letter in page)
        return found

    def work_on(self, scope: DeadLetterScope) -> Iterator[str]:
        # Taken before the claim, so that our idea of its end comes before the database's.
        due = time.monotonic() + self.timeout
        for letter in self.letters.replay(scope, self.timeout):
            if time.monotonic() >= due:
                yield "left"
            else:
                yield self.settle(letter)

    def settle(self, letter: DeadLetter) -> str:
        try:
            self.handler(letter)
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            return "rejected" if self.letters.reject([letter], reason) else "lost"
        # Zero: the claim ran out meanwhile, and somebody else has the letter.
        return "resolved" if self.letters.resolve([letter]) else "lost"


def show(position: int, total: int, done: Counter[str]) -> None:
    counts = ", ".join(f"{number} {word}" for word, number in sorted(done.items()))
    line = f"{position}/{total} letters: {counts}"
    # One line that grows on a terminal, a line a page in a log.
    if sys.stdout.isatty():
        print(f"\r\x1b[K{line}", end="\n" if position == total else "", flush=True)
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
    words.add_argument("--page", type=positive, default=50, help="letters claimed at once (default: 50)")
    words.add_argument(
        "--timeout", type=float, default=300.0, help="seconds that a page may take (default: 300)"
    )
    return words.parse_args()


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("give a number of at least 1")
    return number


if __name__ == "__main__":
    sys.exit(main())
