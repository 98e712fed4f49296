"""What a store does: a directory, and a bucket of a service that speaks S3."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from outbox.contrib.codecs.stores import DirectoryStore, S3Store, Store
from tests.servers.brokers.brokers import Brokers


@pytest.fixture
def bucket() -> Iterator[S3Store]:
    brokers = Brokers()
    try:
        client = boto3.client(
            "s3",
            region_name="us-east-1",
            endpoint_url=brokers.get("moto").url,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
        client.create_bucket(Bucket="shop")
        client.put_object(Bucket="shop", Key="another/prefix", Body=b"not ours")
        yield S3Store(client, "shop", "claims/")
    finally:
        brokers.close()


def check(store: Store) -> None:
    assert dict(store.list()) == {}
    store.put("a", b"1")
    store.put("b", b"2" * 100_000)
    store.put("a", b"3")
    assert store.get("a") == b"3"
    assert len(store.get("b")) == 100_000
    found = dict(store.list())
    assert set(found) == {"a", "b"}
    assert all(-5 < age < 60 for age in found.values())
    store.delete("b")
    store.delete("b")
    with pytest.raises(KeyError):
        store.get("b")
    assert [name for name, _ in store.list()] == ["a"]


def test_a_directory_keeps_what_it_is_given(tmp_path: Path) -> None:
    check(DirectoryStore(tmp_path / "new" / "folder"))


@pytest.mark.broker
def test_a_bucket_keeps_what_it_is_given(bucket: S3Store) -> None:
    check(bucket)
