"""A transactional outbox for PostgreSQL, MySQL/MariaDB and SQLite.

Write messages in the transaction of your own data with `Outbox.enqueue`; worker threads deliver them
to plain callables, in order within a partition, at least once or exactly once. Begin with
`Outbox.builder` and `migrate`.
"""

from outbox.dead_letters import (
    DeadLetter,
    DeadLetterFilter,
    DeadLetters,
    DeadLetterScope,
    DeadLetterStatus,
)
from outbox.errors import (
    BatchError,
    ConfigurationError,
    ConnectionLost,
    Contention,
    DatabaseError,
    ForkedProcess,
    InvalidHeaders,
    InvalidPayload,
    InvalidPayloadType,
    InvalidQueueName,
    InvalidTablePrefix,
    MissingDriver,
    OutboxClosed,
    OutboxError,
    PartitionCountMismatch,
    PartitionOutOfRange,
    PayloadTooLarge,
    QueueNotRegistered,
    ReadOnlyServer,
    SchemaNotReady,
    TransactionRequired,
    UnsupportedConnection,
    UnsupportedServer,
    WrongDatabase,
)
from outbox.events import (
    DeadLettered,
    Delivered,
    Enqueued,
    Event,
    HandlerFailed,
    LeaseLost,
    LeaseRenewed,
    PartitionBlocked,
    Polled,
    QuarantineFull,
    Requeued,
    Retried,
    Sequenced,
    SequencerPassed,
    TrackerFailed,
    TurnEnded,
    Vacuumed,
    WakeupsLost,
    WakeupsRestored,
    WorkerFailed,
    WorkerRecovered,
)
from outbox.facade import OutboxBuilder, QueueBuilder
from outbox.facade.handle import OutboxHandle, OutboxStats
from outbox.facade.outbox import Outbox
from outbox.facade.status import OutboxStatus, QueuePartitionStatus
from outbox.failures import (
    FailureEntry,
    FailureKey,
    FailureTracker,
    InMemoryFailureTracker,
    SqlFailureTracker,
)
from outbox.handlers.around import Delivery
from outbox.handlers.batch import Batch
from outbox.inbox import Inbox, InboxResult
from outbox.schema import Migration, migrate, migrations, rollback
from outbox.values.lease_config import LeaseConfig
from outbox.values.message import EnqueueMessage, OutboxMessage
from outbox.values.partitions import Partitions
from outbox.values.profile import OutboxProfile
from outbox.values.results import HandlerResult, Reject, Retry, Success
from outbox.values.worker_tuning import WorkerTuning

__version__ = "0.1.0"

__all__ = [
    "Batch",
    "BatchError",
    "ConfigurationError",
    "ConnectionLost",
    "Contention",
    "DatabaseError",
    "DeadLetter",
    "DeadLetterFilter",
    "DeadLetterScope",
    "DeadLetterStatus",
    "DeadLettered",
    "DeadLetters",
    "Delivered",
    "Delivery",
    "EnqueueMessage",
    "Enqueued",
    "Event",
    "FailureEntry",
    "FailureKey",
    "FailureTracker",
    "ForkedProcess",
    "HandlerFailed",
    "HandlerResult",
    "InMemoryFailureTracker",
    "Inbox",
    "InboxResult",
    "InvalidHeaders",
    "InvalidPayload",
    "InvalidPayloadType",
    "InvalidQueueName",
    "InvalidTablePrefix",
    "LeaseConfig",
    "LeaseLost",
    "LeaseRenewed",
    "Migration",
    "MissingDriver",
    "Outbox",
    "OutboxBuilder",
    "OutboxClosed",
    "OutboxError",
    "OutboxHandle",
    "OutboxMessage",
    "OutboxProfile",
    "OutboxStats",
    "OutboxStatus",
    "PartitionBlocked",
    "PartitionCountMismatch",
    "PartitionOutOfRange",
    "Partitions",
    "PayloadTooLarge",
    "Polled",
    "QuarantineFull",
    "QueueBuilder",
    "QueueNotRegistered",
    "QueuePartitionStatus",
    "ReadOnlyServer",
    "Reject",
    "Requeued",
    "Retried",
    "Retry",
    "SchemaNotReady",
    "Sequenced",
    "SequencerPassed",
    "SqlFailureTracker",
    "Success",
    "TrackerFailed",
    "TransactionRequired",
    "TurnEnded",
    "UnsupportedConnection",
    "UnsupportedServer",
    "Vacuumed",
    "WakeupsLost",
    "WakeupsRestored",
    "WorkerFailed",
    "WorkerRecovered",
    "WorkerTuning",
    "WrongDatabase",
    "__version__",
    "migrate",
    "migrations",
    "rollback",
]
