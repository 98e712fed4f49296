"""What logical decoding gives Debezium of the outbox's tables, and whether the documented configuration fits it."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

import psycopg
import pytest

from outbox import Outbox, OutboxBuilder
from outbox.testing import drain
from tests.docs.pages import read_sections
from tests.support import Database, PrivateServer

pytestmark = pytest.mark.backends("postgresql")

Row = dict[str, bytes | None]


@dataclass
class Decoded:
    """What pgoutput sent: the columns of the table with their types, and the changes in order."""

    columns: dict[str, int]
    changes: list[tuple[str, Row]]


@pytest.fixture
def database(private_server: PrivateServer) -> Iterator[Database]:
    """A database on a server with logical decoding, the publication of the page, and a slot."""
    with psycopg.connect(private_server.url, autocommit=True) as admin:
        admin.execute("ALTER SYSTEM SET wal_level = 'logical'")
    private_server.restart()
    database = private_server.new_database()
    (publication,) = block("sql")
    with psycopg.connect(database.url, autocommit=True) as owner:
        owner.execute(publication)
        owner.execute("SELECT pg_create_logical_replication_slot('outbox', 'pgoutput')")
        yield database
        owner.execute("SELECT pg_drop_replication_slot('outbox')")
        owner.execute("ALTER SYSTEM RESET wal_level")


def block(language: str) -> list[str]:
    """Return the lines of the page's block, without what ends a statement."""
    (found,) = (found for section in read_sections("docs/debezium.md") for found in section.of(language))
    return [line.rstrip(";") for line in found.text.splitlines()]


def decode(database: Database) -> Decoded:
    """Read what the slot has, in pgoutput's format, which is Debezium's default."""
    with psycopg.connect(database.url, autocommit=True) as conn:
        rows = conn.execute(
            "SELECT data FROM pg_logical_slot_get_binary_changes("
            "'outbox', NULL, NULL, 'proto_version', '1', 'publication_names', 'outbox')"
        ).fetchall()
    decoded = Decoded({}, [])
    for (data,) in rows:
        kind = chr(data[0])
        if kind == "R":
            decoded.columns = read_relation(data)
        elif kind in "IUD":
            # The relation's number, then what kind of row follows.
            decoded.changes.append((kind, read_row(data[6:], list(decoded.columns))))
    return decoded


def read_relation(data: bytes) -> dict[str, int]:
    _, rest = data[5:].split(b"\0", 1)  # the schema
    name, rest = rest.split(b"\0", 1)
    assert name == b"outbox_body"
    (count,) = struct.unpack("!h", rest[1:3])
    rest = rest[3:]
    columns = {}
    for _ in range(count):
        column, rest = rest[1:].split(b"\0", 1)
        columns[column.decode()] = struct.unpack("!I", rest[:4])[0]
        rest = rest[8:]
    return columns


def read_row(data: bytes, names: list[str]) -> Row:
    row: Row = {}
    place = 2
    for name in names:
        kind, place = chr(data[place]), place + 1
        assert kind in "nt"  # null or text: no value is left out as unchanged
        if kind == "n":
            row[name] = None
            continue
        (length,) = struct.unpack("!i", data[place : place + 4])
        row[name] = data[place + 4 : place + 4 + length]
        place += 4 + length
    return row


def declared(database: Database) -> OutboxBuilder:
    return Outbox.builder(database.url).queue("orders", 2).leased_batch(lambda batch: None)


def test_a_message_is_one_insert_with_all_that_the_router_is_told_to_read(database: Database) -> None:
    large = b"\x00\xff" * 20_000  # stored out of line
    with declared(database).open() as outbox:
        with outbox.transaction() as conn:
            outbox.enqueue(conn, "orders", {"id": 1}, key="Anna", headers={"trace": "t"})
            outbox.enqueue(conn, "orders", large)
        with suppress(RuntimeError), outbox.transaction() as conn:
            outbox.enqueue(conn, "orders", "undone")
            raise RuntimeError
        drain(outbox)
    assert database.count("outbox_body") == 0
    decoded = decode(database)
    assert [kind for kind, _ in decoded.changes] == ["I", "I"]
    first, second = (row for _, row in decoded.changes)
    assert (first["message_key"], first["payload_type"]) == (b"Anna", b"application/json")
    assert first["payload"] == b"\\x" + b'{"id":1}'.hex().encode()
    assert first["headers"] == b'{"trace":"t"}'
    assert second["message_key"] is None
    assert second["payload"] == b"\\x" + large.hex().encode()
    assert int(first["id"] or 0) < int(second["id"] or 0)


def test_the_columns_that_the_page_names_are_there_and_of_types_that_the_router_takes(
    database: Database,
) -> None:
    settings = dict(line.split("=", 1) for line in block("properties"))
    prefix = "transforms.outbox."
    with declared(database).open() as outbox:
        outbox.enqueue_now("orders", 1)
    columns = decode(database).columns
    text = {25, 1043}  # text, varchar
    bytea, timestamptz = 17, 1184
    assert columns[settings[f"{prefix}table.field.event.id"]] == 20  # bigint, which any header may be
    assert columns[settings[f"{prefix}table.field.event.key"]] in text
    assert columns[settings[f"{prefix}table.field.event.payload"]] == bytea
    assert columns[settings[f"{prefix}route.by.field"]] in text  # the router asks for a string
    for placement in settings[f"{prefix}table.fields.additional.placement"].split(","):
        assert columns[placement.split(":")[0]] in text
    # Why the page has no timestamp: the router asks for a number, and Debezium has text for this type.
    assert f"{prefix}table.field.event.timestamp" not in settings
    assert columns["created_at"] == timestamptz
    assert settings["publication.name"] in block("sql")[0]
    assert settings["table.include.list"] == "public.outbox_body"


def test_the_order_is_that_of_the_commits(database: Database) -> None:
    with declared(database).open() as outbox, outbox.transaction() as conn:
        outbox.enqueue(conn, "orders", "begun first", key="Anna")
        outbox.enqueue_now("orders", "committed first", key="Anna")
    rows = [row for _, row in decode(database).changes]
    texts = [bytes.fromhex((row["payload"] or b"")[2:].decode()) for row in rows]
    assert texts == [b'"committed first"', b'"begun first"']
