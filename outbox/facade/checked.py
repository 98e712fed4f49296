"""What the options of a queue may be: each function returns what it was given, or says what is wrong."""

from __future__ import annotations

from collections.abc import Mapping

from outbox.errors import ConfigurationError
from outbox.values.bounds import LARGEST_INTEGER
from outbox.values.durations import whole
from outbox.values.lease_config import LeaseConfig
from outbox.values.rate import Rate
from outbox.values.worker_tuning import WorkerTuning


def refuse_unknown(options: Mapping[str, object]) -> None:
    """Raise `ConfigurationError` for the first of the options that do not exist.

    They are taken as ``**unknown: NoReturn``, so that the type checker still finds them.
    """
    for option, value in options.items():
        known = (
            "leased queues have lease, max_attempts, on_give_up, park_limits, tuning, around, rate and keep, "
            "transactional ones all but lease"
        )
        raise ConfigurationError(option, value, f"there is no such option here; {known}")


def checked_attempts(max_attempts: int | None) -> int | None:
    """Return a limit of at least 1, or None."""
    return (
        None
        if max_attempts is None
        else whole(max_attempts, option="max_attempts", minimum=1, maximum=LARGEST_INTEGER)
    )


def checked_rate(rate: Rate | None) -> Rate | None:
    """Return a rate, or None."""
    if rate is not None and not isinstance(rate, Rate):
        raise ConfigurationError("rate", rate, "give a Rate, such as Rate(100, per=60)")
    return rate


def checked_tuning(tuning: WorkerTuning | None) -> WorkerTuning | None:
    """Return a tuning, or None."""
    if tuning is not None and not isinstance(tuning, WorkerTuning):
        raise ConfigurationError("tuning", tuning, "give a WorkerTuning")
    return tuning


def checked_lease(lease: LeaseConfig | None) -> LeaseConfig | None:
    """Return a lease, or None."""
    if lease is not None and not isinstance(lease, LeaseConfig):
        raise ConfigurationError("lease", lease, "give a LeaseConfig")
    return lease
