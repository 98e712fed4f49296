from __future__ import annotations

from typing import Any

import pytest

from outbox import ConfigurationError, Outbox
from tests.acceptance.bad_input.test_targets import assert_discreet
from tests.support import Database

HERE = "postgresql://u@127.0.0.1/x"


@pytest.mark.parametrize(
    "url",
    ["", "not a url", "host=db password=s3cret", 7, "sqlite:///x.db", "mysql://u:s3cret@db/x", "mysql://db"],
)
def test_what_one_cannot_listen_at_is_refused_at_once(url: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Outbox.builder(HERE).wakeup("auto", listen_url=url)
    assert caught.value.option == "listen_url"
    assert caught.value.problem == "give the URL of a PostgreSQL server, postgresql://…"
    assert_discreet(caught.value)


@pytest.mark.parametrize(
    ("url", "hint"),
    [
        ("postgresql+psycopg2://u:s3cret@db/x", "postgresql+psycopg://…"),
        ("postgresql://u:s3cret@w0rd@db/x", "%40"),
    ],
)
def test_a_url_that_is_nearly_right_is_answered_with_what_is_wrong(url: str, hint: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Outbox.builder(HERE).wakeup("auto", listen_url=url)
    assert caught.value.option == "listen_url"
    assert hint in caught.value.problem
    assert_discreet(caught.value)


def test_polling_and_a_listen_url_exclude_each_other() -> None:
    with pytest.raises(ConfigurationError, match="polling opens no LISTEN connection") as caught:
        Outbox.builder(HERE).wakeup("poll", listen_url="postgresql://u:s3cret@db/x")
    assert_discreet(caught.value)


def test_what_libpq_cannot_read_is_refused_before_anything_is_opened(database: Database) -> None:
    builder = Outbox.builder(database.url).wakeup("auto", listen_url="postgresql://u:s3cret@db/x?nonsense=1")
    with pytest.raises(ConfigurationError) as caught:
        builder.open()
    assert caught.value.option == "listen_url"
    assert ("invalid" if database.backend == "postgresql" else "only PostgreSQL") in caught.value.problem
    assert_discreet(caught.value)
