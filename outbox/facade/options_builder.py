"""The options of an outbox, set one by one and checked at once."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from outbox.backends.connect import check_listen_url, check_target
from outbox.errors import ConfigurationError
from outbox.events import Observer
from outbox.facade.options import WAKEUPS, Options
from outbox.failures import FailureTracker
from outbox.failures.quarantine import Quarantine
from outbox.handlers.around import Wrapper, checked_wrappers
from outbox.handlers.signature import checked_handler
from outbox.statements import Naming
from outbox.values.bounds import LARGEST_BATCH, LARGEST_INTEGER, LARGEST_PAYLOAD, MOST_THREADS
from outbox.values.codec import Codec, checked_codec
from outbox.values.durations import seconds, whole
from outbox.values.headers import HeaderSource
from outbox.values.profile import OutboxProfile
from outbox.values.validation import validate_prefix
from outbox.values.worker_tuning import WorkerTuning

if TYPE_CHECKING:
    from typing_extensions import Self


class OptionsBuilder:
    """The options of an outbox but for its queues; every method returns the builder itself."""

    def __init__(self, target: object) -> None:
        """Take a URL, an `sqlalchemy.Engine` or a `psycopg_pool.ConnectionPool`."""
        check_target(target)
        self._options = Options(target)

    @property
    def options(self) -> Options:
        """What this builder was told so far, for tools that look at it; a frozen value."""
        return self._options

    def profile(self, profile: OutboxProfile) -> Self:
        """Choose the tunings of all workers at once; `OutboxProfile.adaptive` unless called."""
        if not isinstance(profile, OutboxProfile):
            raise ConfigurationError("profile", profile, "give an OutboxProfile")
        return self._with(profile=profile)

    def processor_tuning(self, tuning: WorkerTuning) -> Self:
        """Override the profile's tuning of the processors; a queue may have a ``tuning`` of its own."""
        return self._with(processor_tuning=checked(tuning, "processor_tuning"))

    def sequencer_tuning(self, tuning: WorkerTuning) -> Self:
        """Override the profile's tuning of the sequencers."""
        return self._with(sequencer_tuning=checked(tuning, "sequencer_tuning"))

    def vacuum_tuning(self, tuning: WorkerTuning) -> Self:
        """Override the profile's tuning of the vacuum."""
        return self._with(vacuum_tuning=checked(tuning, "vacuum_tuning"))

    def reconciler_tuning(self, tuning: WorkerTuning) -> Self:
        """Override the profile's tuning of the reconciler.

        It polls at least every ``idle_interval``, if that is shorter than a second and `poll_interval` is
        not called; its other numbers have no meaning.
        """
        return self._with(reconciler_tuning=checked(tuning, "reconciler_tuning"))

    def processors(self, count: int) -> Self:
        """Set the number of processor threads of this process (default 4)."""
        return self._with(processors=whole(count, option="processors", minimum=1, maximum=MOST_THREADS))

    def sequencers(self, count: int) -> Self:
        """Set the number of sequencer threads of this process (default 1)."""
        return self._with(sequencers=whole(count, option="sequencers", minimum=1, maximum=MOST_THREADS))

    def producer_connections(self, count: int) -> Self:
        """Set how many transactions `Outbox.transaction` and `enqueue_now` have open at once (default 4).

        A pool made for a URL has as many connections beside those of the workers. With workers in the same
        process a further `Outbox.transaction` waits for one of them to end, up to 30 seconds, so that
        producers never take the workers' connections; of an Engine or a pool of your own it lends no more
        than what the workers leave.
        """
        return self._with(
            producer_connections=whole(count, option="producer_connections", minimum=1, maximum=MOST_THREADS)
        )

    def stats_interval(self, interval: float | timedelta) -> Self:
        """Log a line of statistics every ``interval`` seconds (default 60); 0 switches it off."""
        return self._with(stats_interval=seconds(interval, option="stats_interval"))

    def table_prefix(self, prefix: str) -> Self:
        """Use the family of tables with this prefix (default ``outbox``); raises `InvalidTablePrefix`."""
        return self._with(prefix=validate_prefix(prefix))

    def schema(self, name: str | None) -> Self:
        """Use the tables in this schema (PostgreSQL); None for the first of the search path."""
        Naming(schema=name)
        return self._with(schema=name)

    def max_payload_size(self, size: int) -> Self:
        """Refuse payloads of more bytes than this (default 65 536)."""
        return self._with(
            max_payload_size=whole(size, option="max_payload_size", minimum=1, maximum=LARGEST_PAYLOAD)
        )

    def wakeup(self, how: str, *, listen_url: str | None = None) -> Self:
        """Choose how processes wake each other.

        ``notify`` uses LISTEN and NOTIFY (PostgreSQL), ``poll`` asks the database every poll interval,
        ``auto`` (the default) takes the first where it exists. Polling always goes on underneath.
        ``listen_url`` is the server's own address for LISTEN, where the target is a pooler in transaction
        mode.
        """
        if how not in WAKEUPS:
            raise ConfigurationError("wakeup", how, f"give one of {', '.join(WAKEUPS)}")
        if listen_url is not None:
            listen_url = check_listen_url(listen_url)
            if how == "poll":
                raise ConfigurationError(
                    "listen_url",
                    listen_url,
                    "polling opens no LISTEN connection; leave it out",
                )
        return self._with(wakeup=how, listen_url=listen_url)

    def poll_interval(self, interval: float | timedelta) -> Self:
        """Set the longest time, in seconds, that a message waits for a wake-up that got lost (default 1)."""
        return self._with(poll_interval=seconds(interval, option="poll_interval", positive=True))

    def require_transaction(self, required: bool = True) -> Self:  # noqa: FBT001, FBT002 - a switch
        """Say whether enqueue refuses connections that autocommit (default True)."""
        if not isinstance(required, bool):
            raise ConfigurationError("require_transaction", required, "give True or False")
        return self._with(require_transaction=required)

    def around(self, wrapper: Wrapper) -> Self:
        """Run ``wrapper(delivery, call_next)`` around each call of a handler, of every queue.

        It runs in the handler's thread and returns what ``call_next()`` returned, or another result in its
        place; an exception that leaves it is the handler's. ``delivery`` has ``messages`` (one for a handler
        of single messages), ``queue``, ``mode``, ``conn`` (None when leased), ``attempts``, and ``batch`` for
        a `QueueBuilder.leased_batch`. Called again it adds a wrapper inside those given before; a queue's own
        ``around`` is inside all of them.
        """
        return self._with(wrappers=(*self._options.wrappers, *checked_wrappers(wrapper)))

    def observe(self, observer: Observer) -> Self:
        """Call ``observer(event)`` with each event of `outbox.events`, after the commit that made it true.

        It runs in the thread it happened in, so it must be quick. What it raises is logged, at most once a
        minute, and changes nothing. Called again it adds an observer.
        """
        checked_handler(observer, "event", option="observe")
        return self._with(observers=(*self._options.observers, observer))

    def headers_from(self, source: HeaderSource) -> Self:
        """Add the headers that ``source()`` returns to every message, such as a trace or a tenant.

        It is called in the producer's thread, once for each enqueue or batch, and returns a mapping of str to
        str, or None for no headers. What the message itself has wins. Its exceptions are the enqueue's.
        Called again it adds a source, whose headers win over those of the sources before.
        """
        checked_handler(source, option="headers_from")
        return self._with(header_sources=(*self._options.header_sources, source))

    def codec(self, codec: Codec) -> Self:
        """Let ``codec`` turn what is enqueued into bytes, and `OutboxMessage.decode` back.

        It has ``encode(value) -> (bytes, payload type)`` and ``decode(bytes, payload_type)``, see `Codec`,
        and gets bytes-like payloads too. Processes that deliver need it as much as those that enqueue.
        """
        return self._with(codec=checked_codec(codec))

    def quarantine(
        self,
        tracker: FailureTracker | None = None,
        *,
        threshold: int,
        interval: float | timedelta = 5.0,
        min_age: float | timedelta = 600.0,
        max_per_sweep: int = 10,
    ) -> Self:
        """Dead-letter messages that keep failing, whichever process they fail in; off unless called.

        A backstop for all queues behind ``max_attempts``, which a queue's own processors apply at once. A
        thread looks into ``tracker`` (the table of the outbox's own database unless given) every
        ``interval`` seconds, and gives up a message with at least ``threshold`` counted failures, as soon
        as its partition is free. So that an outage downstream does not empty the queues, it must
        have been failing for ``min_age`` seconds, from the first failure to the last, and one sweep gives
        up at most ``max_per_sweep`` messages. `Retry` with ``counts=False`` is not counted at all, nor is
        a batch's failure while it may be that of several messages.
        """
        given: object = tracker
        if isinstance(given, type):
            raise ConfigurationError("tracker", given.__name__, "it is a class; give an instance of it")
        if given is not None and not isinstance(given, FailureTracker):
            raise ConfigurationError("tracker", type(given).__name__, "derive its class from FailureTracker")
        return self._with(
            quarantine=Quarantine(
                tracker,
                whole(threshold, option="threshold", minimum=1, maximum=LARGEST_INTEGER),
                seconds(interval, option="interval", positive=True),
                seconds(min_age, option="min_age"),
                whole(max_per_sweep, option="max_per_sweep", minimum=1, maximum=LARGEST_BATCH),
            )
        )

    def _with(self, **changes: Any) -> Self:
        self._options = self._options.replace(**changes)
        return self


def checked(tuning: WorkerTuning, option: str) -> WorkerTuning:
    """Return a tuning, or raise `ConfigurationError`."""
    if not isinstance(tuning, WorkerTuning):
        raise ConfigurationError(option, tuning, "give a WorkerTuning")
    return tuning
