from __future__ import annotations

import pickle

import pytest

from outbox import errors
from outbox.errors import (
    ConfigurationError,
    InvalidHeaders,
    InvalidPayload,
    InvalidPayloadType,
    InvalidQueueName,
    InvalidTablePrefix,
    MissingDriver,
    OutboxError,
    PartitionCountMismatch,
    PartitionOutOfRange,
    PayloadTooLarge,
    QueueNotRegistered,
    SchemaNotReady,
    TransactionRequired,
    UnsupportedConnection,
)

EXAMPLES = [
    (QueueNotRegistered("orders"), {"queue": "orders"}, "'orders'"),
    (PartitionOutOfRange("orders", 4, 3), {"queue": "orders", "partition": 4, "max": 3}, "maximum 3"),
    (PartitionCountMismatch("orders", 4, 8), {"queue": "orders", "expected": 4, "found": 8}, "found 8"),
    (PayloadTooLarge(65537, 65536), {"size": 65537, "max": 65536}, "65537 bytes"),
    (InvalidPayload("Decimal", "no"), {"payload_kind": "Decimal", "problem": "no"}, "Decimal"),
    (InvalidHeaders("a value is of type int"), {"problem": "a value is of type int"}, "type int"),
    (InvalidQueueName(".x"), {"name": ".x"}, "'.x'"),
    (InvalidPayloadType("a\nb"), {"payload_type": "a\nb"}, r"'a\nb'"),
    (InvalidTablePrefix("1x"), {"prefix": "1x"}, "'1x'"),
    (TransactionRequired("sqlite3"), {"connection_kind": "sqlite3"}, "sqlite3"),
    (UnsupportedConnection("str", ["a", "b"]), {"connection_type": "str", "accepted": ("a", "b")}, "a, b"),
    (SchemaNotReady(["0001"]), {"missing": ("0001",), "command": "outbox.migrate(target)"}, "0001"),
    (ConfigurationError("lease", 0, "no"), {"option": "lease", "value": 0, "problem": "no"}, "lease is 0"),
    (MissingDriver.of("mysql", "mysql.connector", "mysql"), {"value": "mysql"}, '"outbox-pipeline[mysql]"'),
]


@pytest.mark.parametrize(("error", "facts", "excerpt"), EXAMPLES, ids=lambda part: type(part).__name__)
def test_an_error_carries_its_facts_and_shows_them_in_one_line(
    error: OutboxError, facts: dict[str, object], excerpt: str
) -> None:
    assert {name: getattr(error, name) for name in facts} == facts
    assert excerpt in str(error)
    assert "\n" not in str(error)


@pytest.mark.parametrize(
    "error", [example[0] for example in EXAMPLES], ids=lambda error: type(error).__name__
)
def test_an_error_survives_pickling(error: OutboxError) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert str(copy) == str(error)
    assert vars(copy) == vars(error)


def test_every_error_has_the_one_root() -> None:
    classes = [value for value in vars(errors).values() if isinstance(value, type)]
    assert len(classes) > 15
    assert all(issubclass(value, OutboxError) for value in classes if issubclass(value, BaseException))


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://ann:s3cret@db/shop", "postgresql://ann:***@db/shop"),
        ("mysql://ann:p@ss:w@rd@db:3306/shop", "mysql://ann:***@db:3306/shop"),
        ("postgresql://ann@db/shop", "postgresql://ann@db/shop"),
        ("sqlite:////data/a.db", "sqlite:////data/a.db"),
    ],
)
def test_a_configuration_error_never_shows_a_password(url: str, shown: str) -> None:
    error = ConfigurationError("target", url, "no such thing")
    assert error.value == shown
    assert "s3cret" not in repr(error)
    assert "ss:w" not in repr(error)


def test_a_long_value_is_cut_in_the_text_and_kept_in_the_attribute() -> None:
    error = InvalidQueueName("q" * 5000)
    assert len(str(error)) < 500
    assert error.name == "q" * 5000
