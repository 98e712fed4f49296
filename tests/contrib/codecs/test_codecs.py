"""Models of pydantic and msgspec, and payloads that only key holders can read."""

from __future__ import annotations

import msgspec
import pydantic
import pytest
from cryptography.fernet import Fernet

from outbox import ConfigurationError, Outbox
from outbox.contrib.codecs.encrypting import EncryptingCodec, UndecryptablePayload
from outbox.contrib.codecs.msgspec import MsgspecCodec
from outbox.contrib.codecs.pydantic import PydanticCodec
from outbox.testing import drain
from outbox.values.codec import Codec
from tests.support import Database

OLD, NEW = Fernet.generate_key(), Fernet.generate_key()


class Order(pydantic.BaseModel):
    id: int
    lines: list[str]


class Refund(msgspec.Struct):
    id: int
    amount: float


def through(database: Database, codec: Codec, *values: object) -> list[object]:
    seen: list[object] = []
    with (
        Outbox.builder(database.url)
        .codec(codec)
        .queue("orders", 1)
        .leased(lambda message: seen.append(message.decode()))
        .open() as outbox
    ):
        for value in values:
            outbox.enqueue_now("orders", value)
        drain(outbox)
    return seen


@pytest.mark.backends("sqlite")
def test_models_come_back_as_what_they_were(migrated: Database) -> None:
    order, refund = Order(id=7, lines=["tea"]), Refund(7, 1.5)
    assert through(migrated, PydanticCodec(Order), order, {"plain": 1}) == [order, {"plain": 1}]
    assert through(migrated, MsgspecCodec(Refund), refund, b"\0") == [refund, b"\0"]


def test_the_type_names_the_model_and_a_model_that_is_gone_is_plain_json() -> None:
    data, kind = PydanticCodec(Order).encode(Order(id=7, lines=[]))
    assert kind == "application/json; model=Order"
    assert PydanticCodec().decode(data, kind) == {"id": 7, "lines": []}
    with pytest.raises(pydantic.ValidationError):
        PydanticCodec(Order).decode(b'{"id": "x"}', kind)
    with pytest.raises(ConfigurationError, match="same name"):
        MsgspecCodec(Refund, Refund)


@pytest.mark.backends("sqlite")
def test_an_encrypted_payload_is_in_no_table_and_comes_back(migrated: Database) -> None:
    codec = EncryptingCodec({"2026-11": NEW}, PydanticCodec(Order))
    order = Order(id=7, lines=["secret"])
    with Outbox.builder(migrated.url).codec(codec).queue("orders", 1).enqueue_only().open() as outbox:
        outbox.enqueue_now("orders", order)
        with pytest.raises(ConfigurationError, match="writes the type itself"):
            outbox.enqueue_now("orders", order, payload_type="text/plain")
    [(payload, kind)] = migrated.query("SELECT payload, payload_type FROM outbox_body")
    assert b"secret" not in bytes(payload)
    assert kind == "application/vnd.outbox.fernet; key=2026-11; of=application/json; model=Order"
    assert codec.decode(bytes(payload), kind) == order


def test_a_key_is_replaced_while_messages_of_the_old_one_are_there() -> None:
    data, kind = EncryptingCodec({"old": OLD}).encode([1])
    assert EncryptingCodec({"new": NEW, "old": OLD}).decode(data, kind) == [1]
    assert EncryptingCodec({"new": NEW}).decode(b"[2]", "application/json") == [2]
    with pytest.raises(UndecryptablePayload, match="'old' cannot be read: there is no such key"):
        EncryptingCodec({"new": NEW}).decode(data, kind)
    with pytest.raises(UndecryptablePayload, match="it was changed"):
        EncryptingCodec({"old": NEW}).decode(data, kind)


@pytest.mark.parametrize("keys", [{}, {"a b": NEW}, {"a": b"short"}])
def test_keys_that_cannot_work_are_refused(keys: dict[str, bytes]) -> None:
    with pytest.raises(ConfigurationError, match="keys") as caught:
        EncryptingCodec(keys)
    assert "short" not in str(caught.value)
