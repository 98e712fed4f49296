"""Run work on plain threads: pacing, wake-ups, ready keys, supervision, observers.

Nothing in here knows queues, leases or databases. A worker is a loop around an action::

      +--------------------------------------------------------------+
      |                        a worker's thread                     |
      |                                                              |
      |   pacer.wait(directive) ---> action.run_once() ---+          |
      |        ^      ^                    |              |          |
      |        |      |   Proceed: pace    | raises: ErrorBackoff    |
      |        +------+--------------------+              |          |
      +---------------|-----------------------------------|----------+
                      | wake()                            | claim, done, again, defer
               WakeGroup (any thread)  <-- subscribe -- ReadyQueue (any thread) <-- mark()

Invariants:

- Clear, look, wait, in that order: a wake that lands in between is never lost (`pacer`).
- A key of a `ready_queue` is worked on by one claimant at a time, and a mark that arrives meanwhile makes it
  ready again.
- A worker's thread ends only by `stop`; whatever its action raises is counted, told and backed off from.
- Nothing waits, logs or calls back under a lock; waits end at once on stop.
- What an observer raises reaches no teller (`observers`); a line that would be repeated is throttled, in one
  way for all (`throttle`).
"""
