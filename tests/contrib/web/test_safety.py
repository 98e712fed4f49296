"""What other sites, strangers and messages cannot do."""

from __future__ import annotations

import pytest

from outbox import Outbox
from outbox.contrib.web import ACT, READ, OutboxPage
from outbox.contrib.web.html import tag
from tests.contrib.web.client import Visitor
from tests.contrib.web.conftest import Visit

pytestmark = pytest.mark.backends("sqlite")


def test_without_an_access_function_this_machine_alone_may_read(visit: Visit, troubled: Outbox) -> None:
    visitor = visit(access=None)
    assert visitor.get("/").status == 200
    assert visitor.get("/", HTTP_HOST="[::1]:8090", REMOTE_ADDR="::1").status == 200
    assert "<button" not in visitor.get("/letters").text
    assert visitor.call("POST", "/act/discard", {"group": "KeyError", "confirm": "yes"}).status == 403
    assert troubled.dead_letters.count() == 3


@pytest.mark.parametrize(
    "environ",
    [
        {"REMOTE_ADDR": "192.0.2.7"},
        {"REMOTE_ADDR": ""},
        {"HTTP_X_FORWARDED_FOR": "192.0.2.7"},
        {"HTTP_FORWARDED": "for=192.0.2.7"},
        {"HTTP_HOST": "attacker.example"},
    ],
    ids=str,
)
def test_without_an_access_function_nobody_else_may_even_read(visit: Visit, environ: dict[str, str]) -> None:
    for path in ("/", "/index.json", "/letters/1?payload=1"):
        assert visit(access=None).get(path, **environ).status == 403


def test_access_decides_for_each_request(visit: Visit, troubled: Outbox) -> None:
    visitor = visit(access=lambda environ: {"anna": ACT, "berta": READ}.get(environ.get("REMOTE_USER")))
    assert visitor.get("/").status == 403
    assert visitor.get("/letters", REMOTE_USER="berta").status == 200
    token = visitor.get("/index.json", REMOTE_USER="anna").json["csrf"]
    form = {"csrf": token, "group": "KeyError", "confirm": "yes"}
    assert visitor.call("POST", "/act/discard", form, REMOTE_USER="berta").status == 403
    assert visitor.call("POST", "/act/discard", form).status == 403
    assert troubled.dead_letters.count() == 3
    assert visitor.call("POST", "/act/discard", form, REMOTE_USER="anna").status == 200


@pytest.mark.parametrize(
    ("token", "environ"),
    [
        (None, {}),
        ("0" * 64, {}),
        ("", {"HTTP_COOKIE": ""}),
        ("ours", {"HTTP_COOKIE": ""}),
        ("ours", {"HTTP_COOKIE": "outbox_page=" + "x" * 43}),
        ("ours", {"HTTP_ORIGIN": "https://attacker.example"}),
        ("ours", {"HTTP_ORIGIN": "null"}),
        ("ours", {"HTTP_SEC_FETCH_SITE": "cross-site"}),
        ("ours", {"HTTP_SEC_FETCH_SITE": "same-site"}),
        ("ours", {"CONTENT_TYPE": "text/plain"}),
        ("ours", {"CONTENT_TYPE": "multipart/form-data"}),
        ("ours", {"CONTENT_LENGTH": "99999999"}),
    ],
    ids=str,
)
def test_a_post_that_is_no_form_of_ours_is_refused(
    visit: Visit, troubled: Outbox, token: str | None, environ: dict[str, str]
) -> None:
    visitor = visit()
    given = {"ours": visitor.token()}.get(token or "", token)
    form: dict[str, object] = {"group": "KeyError", "confirm": "yes"}
    if given is not None:
        form["csrf"] = given
    assert visitor.call("POST", "/act/discard", form, **environ).status == 403
    assert troubled.dead_letters.count() == 3


def test_the_token_of_one_browser_is_worth_nothing_in_another(visit: Visit, troubled: Outbox) -> None:
    page = visit().application
    ours, theirs = Visitor(page), Visitor(page)
    form = {"csrf": ours.token(), "group": "KeyError", "confirm": "yes"}
    theirs.get("/")
    assert theirs.call("POST", "/act/discard", form).status == 403
    assert troubled.dead_letters.count() == 3


def test_processes_with_one_secret_know_each_others_forms(troubled: Outbox) -> None:
    pages = [OutboxPage(troubled, access=lambda _: ACT, secret="shared") for _ in range(2)]
    visitor = Visitor(pages[0])
    token = visitor.token()
    visitor.application = pages[1]
    asked = visitor.call("POST", "/act/discard", {"csrf": token, "group": "KeyError"})
    assert (asked.status, "Give up 3 dead letters for good?" in asked.text) == (200, True)
    for page in pages:
        page.close()


def test_a_get_never_acts(visit: Visit, troubled: Outbox) -> None:
    visitor = visit()
    token = visitor.token()
    assert visitor.get(f"/act/discard?csrf={token}&group=KeyError&confirm=yes").status == 404
    assert troubled.dead_letters.count() == 3


def test_what_messages_errors_and_keys_say_is_text(visit: Visit) -> None:
    visitor = visit()
    (group,) = visitor.get("/letters.json").json["groups"]
    for path in (
        "/letters",
        f"/letters/{group['example']}?payload=1",
        "/queues/orders?key=%3Cscript%3Ealert(1)%3C/script%3E",
    ):
        page = visitor.get(path)
        assert page.status == 200, path
        assert page.text.count("<script") == 1, path  # the page's own
    refused = visitor.get("/letters?queue=%22%3E%3Cscript%3E")
    assert (refused.status, "script" in refused.text) == (400, False)
    assert "&lt;script&gt;alert(&#x27;payload&#x27;)" in visitor.get(f"/letters/{group['example']}").text


def test_a_tag_escapes_whatever_it_is_given() -> None:
    assert tag("a", "<b>&", href='"><script>') == '<a href="&quot;&gt;&lt;script&gt;">&lt;b&gt;&amp;</a>'


@pytest.mark.parametrize(
    "path", ["/letters/1%0d%0aSet-Cookie:x", "/queues/a\r\nX-Injected: 1", "//attacker.example/"]
)
def test_no_header_is_made_of_what_a_client_says(visit: Visit, path: str) -> None:
    answer = visit(prefix="/x\r\nX-Injected: 1").get(path)
    assert all("\r" not in value and "\n" not in value for value in answer.headers.values())
    assert "X-Injected" not in answer.headers


def test_a_prefix_that_looks_like_a_host_stays_a_path(visit: Visit) -> None:
    assert 'href="/attacker.example/letters"' in visit(prefix="//attacker.example").get("/").text


def test_every_page_tells_the_browser_to_be_careful(visit: Visit) -> None:
    headers = visit().get("/letters").headers
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert (headers["X-Content-Type-Options"], headers["Cache-Control"]) == ("nosniff", "no-store")
    cookie = visit().get("/").headers["Set-Cookie"]
    assert "HttpOnly; SameSite=Strict" in cookie
    assert "Secure" in visit().get("/", **{"wsgi.url_scheme": "https"}).headers["Set-Cookie"]
    assert visit().get("/static/../application.py").status == 404
