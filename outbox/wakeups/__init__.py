"""The trip of a wake-up: from a flush to the workers that look, in this process and in others.

::

    enqueue --> FlushBuffer.note                       (the producer's thread, transaction still open)
    flush, or the commit's hook
       |
       +--> StageWakeups.enqueued --> ReadyQueue of the sequencers --> a sequencer looks
       |                                                                  |
       |        (queues of this process)            StageWakeups.sequenced v
       |                                            ReadyQueue of the processors --> a processor looks
       |
       +--> Notifier -- NotifyCoalescer --> NOTIFY ~~~> WakeupListener --> StageWakeups, in other processes
                (queues that other processes consume)         | FollowUpPoll
                                                              +--> the reconciler polls

Invariants:

- A wake-up follows the commit it tells of. It is only a hint: the reconciler's poll is underneath, so a
  lost one costs at most the poll interval.
- NOTIFY is never sent in a producer's transaction, where it would take a lock that all commits wait for.
  Producers send at most one in 10 ms (`NotifyCoalescer`: what is left out is covered by the receivers'
  follow-up poll), sequencers one in 50 ms (`RateLimit`, inside their own statement).
- Marking and waking never block; a failing NOTIFY is told to observers and dropped.
"""
