"""The four stages and the threads beside them: actions that know backends, and no driver.

::

    sequencer ----> processor ------> vacuum      reconciler: polls what is pending, wakes the first two
    numbers         leases, calls     deletes     lease keeper: renews leases, frees partitions of a slow turn
                    handlers, acks                sweeper: dead-letters what a failure tracker counted

    A partition for the processors::

        idle --> ready --> claimed --(refused: held, locked, missing)--> deferred --> ready
                   ^          |
                   |          +--> leased turn: lease_and_read -> [handler, settle_and_read]* -> release
                   |          +--> transactional turn: lock, read, [savepoint, handler]*, settle, commit
                   +----------+--- again: there is more        failed: deferred for the backoff
                              +--> idle: nothing past the cursor

Invariants:

- One thread of a process works on a partition; between processes its row decides, by lease or lock.
- Every write of a leased turn is guarded by its token, by a lease that still lasts and by the cursor, which
  only grows: what arrives after something later was settled changes nothing.
- Each turn has a token of its own, so that no earlier turn of this process can settle for it.
- What a handler's call came to is decided in `settling`, without clock or database, and told in `telling`,
  after the commit.
- What is remembered here between turns (`partition_state`, `handler_speed`) makes turns quicker or smaller;
  to lose it costs speed and nothing else.
"""
