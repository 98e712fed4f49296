"""Replay dead letters with a handler of yours, until something new goes wrong.

    python examples/replay_dead_letters.py postgresql://localhost/shop mailer:send_again --queue mails

The handler is called as a worker calls it, once for each letter, oldest first. Kill this whenever you like,
and run several at once if you like: what is settled stays so, what was claimed can be claimed again after a
minute. The letter that it was at is then handed over a second time; `msg.uid` tells that it is the same.
"""

from __future__ import annotations

import argparse
import importlib
import sys

from outbox import DeadLetterScope, Outbox


def main() -> int:
    words = argparse.ArgumentParser(description="Replay dead letters with a handler of yours.")
    words.add_argument("url", help="postgresql://…, mysql://… or sqlite:///…")
    words.add_argument("handler", help="module:function, called with each message")
    words.add_argument("--queue", help="only letters of this queue")
    options = words.parse_args()

    sys.path.insert(0, "")
    module, _, name = options.handler.partition(":")
    handler = getattr(importlib.import_module(module), name)
    with Outbox.builder(options.url).open() as outbox:
        scope = DeadLetterScope(queue=options.queue)
        done = outbox.dead_letters.replay_with(handler, scope, stop_at_new=True)
        print(done)
        for group in outbox.dead_letters.groups(scope):
            print(f"{group.count} left: {group.fingerprint}")
    return 1 if done.rejected or done.lost else 0


if __name__ == "__main__":
    sys.exit(main())
