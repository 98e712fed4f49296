"""A queue on a database, workers for it, and eyes on its rows; the fixture is `bench`."""

from tests.acceptance.bench.bench import (
    PARTITIONS,
    QUEUE,
    Bench,
    Declare,
    Letter,
    Row,
    all_delivered,
    at_rest,
    builder_for,
)
from tests.acceptance.bench.groups import send_everywhere, warm_up
from tests.acceptance.bench.hands import Hands
from tests.acceptance.bench.sql import run_sql

__all__ = [
    "PARTITIONS",
    "QUEUE",
    "Bench",
    "Declare",
    "Hands",
    "Letter",
    "Row",
    "all_delivered",
    "at_rest",
    "builder_for",
    "run_sql",
    "send_everywhere",
    "warm_up",
]
