"""One database each, behind one protocol.

Invariants:

- An operation is one short transaction of its own, from any thread, and holds a connection for no longer. One
  that lost a race for a lock is run again (`retry`), so every operation may be run twice.
- Times are the database's: no operation takes a moment from the clock of this process.
- Partitions are locked in ascending order of their ids, whichever operation locks them.
- What a driver raises leaves this room as an error of `outbox.errors`, except to the code that asked for a
  connection and runs statements of its own on it.
- The folders have the same files; what one database alone needs is listed in a test, with the reason.
- `connect` is the only place that knows which databases there are.
"""
