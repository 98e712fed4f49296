from __future__ import annotations

from collections import Counter

import pytest

from outbox.errors import ConfigurationError, PartitionOutOfRange
from outbox.values.partitions import Partitions

# Fixed for ever: a key that moved to another partition would lose its order.
PARTITION_OF_64 = {
    "": 52,
    "a": 47,
    "b": 53,
    "customer-42": 42,
    "customer-43": 18,
    "order:1": 14,
    "order:2": 23,
    "7": 2,
    "Zürich": 8,
    "日本語": 8,
    "🚚": 18,
    "a" * 1000: 24,
    "0": 53,
    "user@example.com": 8,
    "550e8400-e29b-41d4-a716-446655440000": 60,
    "tenant/9": 63,
    " ": 2,
    "A": 6,
    "customer-42 ": 57,
    "\x00": 8,
}


@pytest.mark.parametrize("count", [1, 2, 4, 8, 16, 32, 64])
def test_powers_of_two_up_to_64_are_partition_counts(count: int) -> None:
    assert Partitions.of(count).count == count


@pytest.mark.parametrize("count", [0, -1, -2, 3, 5, 63, 65, 128, True, 4.0, "4", None])
def test_any_other_count_is_refused_and_shown(count: int) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Partitions.of(count)
    assert caught.value.option == "partitions"
    assert caught.value.value is count


def test_the_constructor_checks_as_well() -> None:
    with pytest.raises(ConfigurationError):
        Partitions(3)


@pytest.mark.parametrize(("key", "partition"), PARTITION_OF_64.items())
def test_a_key_has_the_same_partition_in_every_release(key: str, partition: int) -> None:
    assert Partitions.of(64).for_key(key) == partition
    assert Partitions.of(4).for_key(key) == partition % 4
    assert Partitions.of(1).for_key(key) == 0


def test_text_and_its_utf_8_bytes_are_the_same_key() -> None:
    assert Partitions.of(64).for_key("Zürich") == Partitions.of(64).for_key("Zürich".encode())


@pytest.mark.parametrize("prefix", ["", "customer-", "0000000"])
def test_keys_spread_evenly(prefix: str) -> None:
    partitions = Partitions.of(64)
    hits = Counter(partitions.for_key(f"{prefix}{number}") for number in range(64_000))
    assert len(hits) == 64
    assert min(hits.values()) > 850
    assert max(hits.values()) < 1150


@pytest.mark.parametrize("key", [7, 1.5, bytearray(b"x"), "\ud800"])
def test_a_key_that_is_no_text_and_no_bytes_is_refused(key: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Partitions.of(4).for_key(key)
    assert caught.value.option == "key"


def test_a_message_names_its_partition_or_a_key_or_neither() -> None:
    partitions = Partitions.of(4)
    assert partitions.resolve("orders", partition=0) == 0
    assert partitions.resolve("orders", partition=3) == 3
    assert partitions.resolve("orders", key="a") == 3
    assert partitions.resolve("orders", key="") == 0
    assert partitions.resolve("orders") is None


def test_naming_both_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="give one of the two"):
        Partitions.of(4).resolve("orders", partition=0, key="")


@pytest.mark.parametrize("partition", [-1, 4, 1000])
def test_a_partition_beyond_the_last_is_refused_and_the_last_named(partition: int) -> None:
    with pytest.raises(PartitionOutOfRange) as caught:
        Partitions.of(4).resolve("orders", partition=partition)
    assert (caught.value.queue, caught.value.partition, caught.value.max) == ("orders", partition, 3)


@pytest.mark.parametrize("partition", [True, 1.0, "1"])
def test_a_partition_that_is_no_whole_number_is_refused(partition: int) -> None:
    with pytest.raises(ConfigurationError, match="partition"):
        Partitions.of(4).resolve("orders", partition=partition)
