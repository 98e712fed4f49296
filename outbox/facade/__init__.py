"""The front door: describe an outbox, open or start it, write to it.

Only `outbox.facade.assembly` puts parts together. A builder knows options and no parts; an `Outbox` writes
and reads and knows no workers; an `OutboxHandle` owns the threads. Nothing below this room imports it.

::

    OutboxBuilder --options--> assembly --> Outbox                    open(): a producer, no thread
                                  |            ^
                                  +--> Pipeline, WorkerThreads --> OutboxHandle          start()
"""

from outbox.facade.outbox_builder import OutboxBuilder, QueueBuilder

__all__ = ["OutboxBuilder", "QueueBuilder"]
