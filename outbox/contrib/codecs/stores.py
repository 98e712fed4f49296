"""Where a claim check leaves payloads: a directory, a bucket, or a place of one's own."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol


class Store(Protocol):
    """Keeps bytes under names of letters and digits. Any thread may use it."""

    def put(self, name: str, data: bytes) -> None:
        """Keep the data. They survive a power cut once this returns: the message that has them is next."""

    def get(self, name: str) -> bytes:
        """Return the data; raises `KeyError` where there are none."""

    def delete(self, name: str) -> None:
        """Delete the data, if they are there."""

    def list(self) -> Iterator[tuple[str, float]]:
        """Yield the name and the age in seconds of everything that is kept."""


class DirectoryStore:
    """Files in a directory that producers and workers share, such as a mounted volume."""

    def __init__(self, path: str | Path) -> None:
        """Make the directory, unless it is there."""
        self._path = Path(path)
        self._path.mkdir(parents=True, exist_ok=True)

    def put(self, name: str, data: bytes) -> None:
        """Write a file, on the disk and under its name at once."""
        draft = self._path / f".{uuid.uuid4().hex}"
        try:
            with draft.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self._path / name)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
        folder = os.open(self._path, os.O_RDONLY)
        try:
            os.fsync(folder)  # else the name may be lost when the data are not
        finally:
            os.close(folder)

    def get(self, name: str) -> bytes:
        """Return a file's content; raises `KeyError`."""
        try:
            return (self._path / name).read_bytes()
        except FileNotFoundError:
            raise KeyError(name) from None

    def delete(self, name: str) -> None:
        """Delete a file, if it is there."""
        (self._path / name).unlink(missing_ok=True)

    def list(self) -> Iterator[tuple[str, float]]:
        """Yield every file, drafts of writers that were killed included."""
        now = time.time()
        with os.scandir(self._path) as entries:
            for entry in entries:
                with suppress(FileNotFoundError):  # another worker has deleted it
                    yield entry.name, now - entry.stat().st_mtime


class S3Store:
    """Objects of an S3-compatible service: ``S3Store(boto3.client("s3"), "bucket", "prefix/")``.

    The client's time-outs and retries are its own. A prefix belongs to one outbox.
    """

    def __init__(self, client: Any, bucket: str, prefix: str = "") -> None:
        self._client = client
        self._bucket = bucket
        self._prefix = prefix

    def put(self, name: str, data: bytes) -> None:
        """Write an object."""
        self._client.put_object(Bucket=self._bucket, Key=self._prefix + name, Body=data)

    def get(self, name: str) -> bytes:
        """Return an object's content; raises `KeyError`."""
        try:
            found = self._client.get_object(Bucket=self._bucket, Key=self._prefix + name)
        except self._client.exceptions.NoSuchKey:
            raise KeyError(name) from None
        content: bytes = found["Body"].read()
        return content

    def delete(self, name: str) -> None:
        """Delete an object, if it is there."""
        self._client.delete_object(Bucket=self._bucket, Key=self._prefix + name)

    def list(self) -> Iterator[tuple[str, float]]:
        """Yield every object below the prefix."""
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=self._prefix
        )
        for page in pages:
            for found in page.get("Contents", ()):
                yield found["Key"][len(self._prefix) :], time.time() - found["LastModified"].timestamp()
