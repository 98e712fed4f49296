"""Every error of the library.

The class is the decision: catch `OutboxError` for all of them, a subclass for one case. Each carries
its facts as attributes (and as ``args``, so that it survives pickling), and its text says what was
wrong, with which value, and what to do.
"""

from __future__ import annotations

from collections.abc import Sequence

from outbox.shown import mask, shorten


class OutboxError(Exception):
    """Root of every error this library raises on purpose.

    ``index`` is the place in a batch of the message that the error is about, from 0; None elsewhere.
    """

    index: int | None = None

    def __str__(self) -> str:
        place = "" if self.index is None else f"message {self.index} of the batch: "
        return place + self._sentence()

    def _sentence(self) -> str:
        """Return what was wrong, with which value, and what to do."""
        return super().__str__()


class ConfigurationError(OutboxError, ValueError):
    """An option has a value that cannot work.

    ``option`` names it, ``value`` is what was given (the password of a URL masked), ``problem`` says
    what would have been right.
    """

    def __init__(self, option: str, value: object, problem: str) -> None:
        shown = mask(value) if isinstance(value, str) else value
        problem = mask(problem)
        super().__init__(option, shown, problem)
        self.option = option
        self.value = shown
        self.problem = problem

    def _sentence(self) -> str:
        return f"{self.option} is {shorten(self.value)}: {self.problem}"


class UnsupportedServer(ConfigurationError):
    """The database server is too old, or is not one of those the library knows."""


class MissingDriver(ConfigurationError):
    """The driver for a database is not installed; ``problem`` says how to install it."""

    @classmethod
    def of(cls, backend: str, module: str, extra: str) -> MissingDriver:
        """Build the error for ``module``, which the extra ``extra`` of the distribution brings."""
        return cls(
            "target",
            backend,
            f"it needs the module {module!r}, which cannot be imported; "
            f'install it with: pip install "outbox-pipeline[{extra}]"',
        )


class QueueNotRegistered(OutboxError, LookupError):
    """A message was meant for a queue that this outbox does not know."""

    def __init__(self, queue: str) -> None:
        super().__init__(queue)
        self.queue = queue

    def _sentence(self) -> str:
        return f"queue {shorten(self.queue)} is not registered; declare it or call register_queue() first"


class PartitionOutOfRange(OutboxError, ValueError):
    """A partition index is not one of the queue's. ``max`` is the largest valid index."""

    def __init__(self, queue: str, partition: object, max: int) -> None:  # noqa: A002 - the public name of the fact
        super().__init__(queue, partition, max)
        self.queue, self.partition, self.max = queue, partition, max

    def _sentence(self) -> str:
        return (
            f"partition {shorten(self.partition)} of queue {shorten(self.queue)} does not exist; "
            f"give an index from 0 to the maximum {self.max}"
        )


class PartitionCountMismatch(OutboxError):
    """A queue exists in the database with another number of partitions than declared.

    ``expected`` is what was declared, ``found`` what the database has.
    """

    def __init__(self, queue: str, expected: int, found: int) -> None:
        super().__init__(queue, expected, found)
        self.queue, self.expected, self.found = queue, expected, found

    def _sentence(self) -> str:
        return (
            f"queue {shorten(self.queue)} exists with another partition count: expected {self.expected}, "
            f"found {self.found}; declare Partitions.of({self.found}), resize the queue or use a new name"
        )


class PayloadTooLarge(OutboxError, ValueError):
    """A payload is larger than the outbox allows. ``size`` and ``max`` are in bytes."""

    def __init__(self, size: int, max: int) -> None:  # noqa: A002 - the public name of the fact
        super().__init__(size, max)
        self.size = size
        self.max = max

    def _sentence(self) -> str:
        return (
            f"payload of {self.size} bytes exceeds the maximum of {self.max}; "
            "store it elsewhere and enqueue a reference, or raise max_payload_size()"
        )


class InvalidPayload(OutboxError, TypeError):
    """A payload is neither bytes-like nor something JSON can carry.

    ``payload_kind`` is its type's name and ``problem`` the encoder's complaint; the payload itself
    is not shown.
    """

    def __init__(self, payload_kind: str, problem: str) -> None:
        super().__init__(payload_kind, problem)
        self.payload_kind = payload_kind
        self.problem = problem

    def _sentence(self) -> str:
        return (
            f"payload of type {self.payload_kind} cannot be written as JSON ({self.problem}); "
            "give bytes, or plain dicts, lists, strings and finite numbers"
        )


class InvalidHeaders(OutboxError, TypeError):
    """Headers are not a flat mapping of str to str."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem

    def _sentence(self) -> str:
        return f"headers must be a flat mapping of str to str: {self.problem}"


class InvalidQueueName(OutboxError, ValueError):
    """A queue name is not 1 to 1024 characters of ``[A-Za-z0-9._-]`` with alphanumeric ends."""

    def __init__(self, name: object) -> None:
        super().__init__(name)
        self.name = name

    def _sentence(self) -> str:
        return (
            f"invalid queue name {shorten(self.name)}; use 1 to 1024 of the characters A-Z a-z 0-9 . _ - "
            "with a letter or digit first and last"
        )


class InvalidPayloadType(OutboxError, ValueError):
    """A payload type is not 1 to 1024 printable ASCII characters."""

    def __init__(self, payload_type: object) -> None:
        super().__init__(payload_type)
        self.payload_type = payload_type

    def _sentence(self) -> str:
        return f"invalid payload type {shorten(self.payload_type)}; use 1 to 1024 printable ASCII characters"


class InvalidTablePrefix(OutboxError, ValueError):
    """A table prefix is not a letter followed by up to 35 letters, digits or underscores."""

    def __init__(self, prefix: object) -> None:
        super().__init__(prefix)
        self.prefix = prefix

    def _sentence(self) -> str:
        return (
            f"invalid table prefix {shorten(self.prefix)}; use a letter, then up to 35 letters, digits "
            "or underscores"
        )


class TransactionRequired(OutboxError):
    """A connection would commit the message, or another change, by itself, apart from the caller's data.

    ``connection_kind`` names the kind of connection, ``what`` the change, ``otherwise`` the alternative to
    a transaction.
    """

    def __init__(
        self,
        connection_kind: str,
        what: str = "the message",
        otherwise: str = "build the outbox with require_transaction(False)",
    ) -> None:
        super().__init__(connection_kind, what, otherwise)
        self.connection_kind, self.what, self.otherwise = connection_kind, what, otherwise

    def _sentence(self) -> str:
        return (
            f"this {self.connection_kind} connection would commit {self.what} at once, apart from your data; "
            f"begin a transaction first, or {self.otherwise}"
        )


class UnsupportedConnection(OutboxError, TypeError):
    """An object is no connection that the outbox can write through."""

    def __init__(self, connection_type: str, accepted: Sequence[str]) -> None:
        super().__init__(connection_type, tuple(accepted))
        self.connection_type = connection_type
        self.accepted = tuple(accepted)

    def _sentence(self) -> str:
        return f"cannot use a {self.connection_type} as a connection; give one of: {', '.join(self.accepted)}"


class WrongDatabase(OutboxError):
    """A connection leads to another database, server or file than the outbox's; nothing was written.

    ``connection_kind`` names the kind of connection, ``found`` where it leads, ``expected`` where the
    outbox is.
    """

    def __init__(self, connection_kind: str, found: str, expected: str) -> None:
        super().__init__(connection_kind, found, expected)
        self.connection_kind, self.found, self.expected = connection_kind, found, expected

    def _sentence(self) -> str:
        return (
            f"this {self.connection_kind} connection leads to {self.found}, while the outbox is in "
            f"{self.expected}; give a connection to the outbox's own database, or build an outbox on that one"
        )


class SchemaNotReady(OutboxError):
    """The tables are missing or older than this release.

    ``missing`` names the migrations to apply, ``command`` is the call that applies them.
    """

    def __init__(self, missing: Sequence[str], command: str = "outbox.migrate(target)") -> None:
        super().__init__(tuple(missing), command)
        self.missing = tuple(missing)
        self.command = command

    def _sentence(self) -> str:
        return f"the outbox tables are not ready, {', '.join(self.missing)} not applied; run {self.command}"


class BatchError(OutboxError):
    """A handler marked messages of its `Batch` that it cannot mark; nothing was changed."""


class DatabaseError(OutboxError):
    """A statement failed, and trying again does not cure it; the driver's error is the ``__cause__``."""


class Contention(DatabaseError):
    """Deadlock, lock timeout, serialization failure or busy: retry the whole transaction."""


class StatementTimeout(DatabaseError):
    """The server ended a statement that took longer than it allows: try it with less."""


class ConnectionLost(DatabaseError):
    """There is no connection: the server is away or refuses the user, or all of the pool are in use.

    When it went away in the middle, whether the last statement took effect is unknown.
    """


class PermissionRefused(DatabaseError):
    """The user lacks a right; ``outbox schema grants`` prints what each role needs."""


class ReadOnlyServer(DatabaseError):
    """The server accepts no writes, as a standby does."""


class ForkedProcess(OutboxError):
    """Something made before a fork was used after it, where its threads and sockets do not exist."""


class OutboxClosed(OutboxError):
    """The outbox was used after it was closed or stopped."""
