"""The page in a real browser, as a person uses it. Screenshots lie in the test's folder, for a look."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from wsgiref.simple_server import make_server

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.expected_conditions import staleness_of
from selenium.webdriver.support.wait import WebDriverWait

from outbox import Outbox
from outbox.contrib.web import ACT, OutboxPage
from outbox.contrib.web.command import Quiet, Server
from tests.support import eventually

pytestmark = [pytest.mark.tools, pytest.mark.backends("sqlite")]
Serve = Callable[..., str]


@pytest.fixture(scope="module")
def browsers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Any]]:
    """Start Chromium, with or without JavaScript."""
    opened: list[Any] = []

    def browser(*, javascript: bool = True) -> Any:
        options = webdriver.ChromeOptions()
        for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1300,900"):
            options.add_argument(argument)
        options.add_argument(f"--user-data-dir={tmp_path_factory.mktemp('profile')}")
        if not javascript:
            # 2: never.
            options.add_experimental_option(
                "prefs", {"profile.managed_default_content_settings.javascript": 2}
            )
        options.binary_location = "/usr/bin/chromium"
        driver = webdriver.Chrome(options, webdriver.ChromeService("/usr/bin/chromedriver"))
        opened.append(driver)
        return driver

    yield browser
    for driver in opened:
        driver.quit()


@pytest.fixture
def serve(troubled: Outbox) -> Iterator[Serve]:
    """Serve the page on loopback; return its address."""
    served: list[Any] = []

    def serve(**options: Any) -> str:
        page = OutboxPage(troubled, **options)
        server = make_server("127.0.0.1", 0, page, Server, Quiet)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        served.append((server, thread, page))
        return f"http://127.0.0.1:{server.server_port}"

    yield serve
    for server, thread, page in served:
        server.shutdown()
        server.server_close()
        thread.join()
        page.close()


def press(browser: Any, label: str) -> None:
    """Press the button of a form, and wait for the page that answers it."""
    page = browser.find_element(By.TAG_NAME, "html")
    browser.find_element(By.XPATH, f"//button[normalize-space()='{label}']").click()
    WebDriverWait(browser, 10).until(staleness_of(page))


def main_text(browser: Any) -> str:
    return str(browser.find_element(By.TAG_NAME, "main").text)


def keep(browser: Any, tmp_path: Path, name: str) -> None:
    """Save a screenshot, also where a person asked for them."""
    browser.save_screenshot(str(tmp_path / f"{name}.png"))
    if folder := os.environ.get("OUTBOX_SCREENSHOTS"):
        browser.save_screenshot(str(Path(folder) / f"{name}.png"))


def test_a_person_requeues_a_group_without_javascript(
    browsers: Callable[..., Any], serve: Serve, troubled: Outbox, tmp_path: Path
) -> None:
    browser = browsers(javascript=False)
    browser.get(serve(access=lambda _: ACT))
    assert "orders" in main_text(browser)
    keep(browser, tmp_path, "overview")
    browser.find_element(By.LINK_TEXT, "Dead letters").click()
    assert "KeyError" in main_text(browser)
    keep(browser, tmp_path, "letters")
    press(browser, "Requeue one")
    assert "Send 1 dead letters through again" in main_text(browser)
    assert troubled.dead_letters.count() == 3
    keep(browser, tmp_path, "question")
    press(browser, "Yes, requeue")
    assert "1 dead letters were sent through again" in main_text(browser)
    assert troubled.dead_letters.count() == 2
    browser.find_element(By.LINK_TEXT, "Log").click()
    assert "requeue" in main_text(browser)


def test_a_payload_is_shown_when_it_is_asked_for_and_runs_no_script(
    browsers: Callable[..., Any], serve: Serve, tmp_path: Path
) -> None:
    browser = browsers()
    browser.get(serve(access=lambda _: ACT) + "/letters")
    browser.find_element(By.XPATH, "//tbody/tr[1]/th/a").click()
    assert "alert('payload')" not in main_text(browser).partition("Payload")[2]
    browser.find_element(By.LINK_TEXT, "Show the payload").click()
    assert "<script>alert('payload')</script>" in main_text(browser).partition("Payload")[2]
    keep(browser, tmp_path, "letter")
    assert browser.get_log("browser") == []


def test_the_overview_renews_itself_with_javascript(
    browsers: Callable[..., Any], serve: Serve, troubled: Outbox
) -> None:
    browser = browsers()
    browser.get(serve())
    assert "You may look and not act." in browser.page_source
    troubled.enqueue_now("orders", "one more", partition=0)
    # In one step: between two, the page may have put another cell in its place.
    cell = "return document.querySelector('tbody tr td').textContent.trim()"
    eventually(lambda: browser.execute_script(cell) == "2", 15)
    assert browser.get_log("browser") == []


def test_it_is_dark_where_the_person_s_machine_is(
    browsers: Callable[..., Any], serve: Serve, tmp_path: Path
) -> None:
    browser, address = browsers(), serve()
    colours = []
    for scheme in ("light", "dark"):
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        browser.get(address + "/letters")
        body = browser.find_element(By.TAG_NAME, "body")
        colours.append(body.value_of_css_property("background-color"))
        keep(browser, tmp_path, scheme)
    assert colours == ["rgba(255, 255, 255, 1)", "rgba(22, 24, 27, 1)"]


def test_the_keyboard_reaches_the_content_first(browsers: Callable[..., Any], serve: Serve) -> None:
    browser = browsers()
    browser.get(serve())
    browser.find_element(By.TAG_NAME, "body").send_keys(Keys.TAB)
    assert browser.switch_to.active_element.text == "Skip to the content"
    # What a screen reader needs: a language, one heading of the first level, names of tables and columns.
    assert browser.find_element(By.TAG_NAME, "html").get_attribute("lang") == "en"
    assert len(browser.find_elements(By.TAG_NAME, "h1")) == 1
    assert browser.find_element(By.TAG_NAME, "caption").text == "Queues"
    assert all(cell.get_attribute("scope") for cell in browser.find_elements(By.TAG_NAME, "th"))


def test_another_site_s_form_does_nothing(
    browsers: Callable[..., Any], serve: Serve, troubled: Outbox, tmp_path: Path
) -> None:
    browser, address = browsers(), serve(access=lambda _: ACT)
    browser.get(address)  # it has our cookie now
    attack = tmp_path / "attack.html"
    attack.write_text(
        f'<form method="post" action="{address}/act/discard"><input name="group" value="KeyError">'
        '<input name="confirm" value="yes"></form><script>document.forms[0].submit()</script>'
    )
    browser.get(attack.as_uri())
    eventually(lambda: "This form is not of this page" in browser.page_source)
    assert troubled.dead_letters.count() == 3


def test_a_person_pauses_a_partition_and_parks_a_key(
    browsers: Callable[..., Any], serve: Serve, troubled: Outbox, tmp_path: Path
) -> None:
    browser = browsers(javascript=False)
    address = serve(access=lambda _: ACT)
    browser.get(f"{address}/queues/orders")
    browser.find_element(By.XPATH, "//tbody/tr[2]//button[normalize-space()='Pause']").click()
    browser.find_element(By.NAME, "reason").send_keys("the bank is away")
    keep(browser, tmp_path, "pausing")
    press(browser, "Yes, pause")
    # The click returns before the answer to its form has come.
    eventually(lambda: len(troubled.pauses()) == 1)
    (pause,) = troubled.pauses()
    assert (pause.partition, pause.reason) == (1, "the bank is away")
    browser.get(f"{address}/queues/orders?key=Anna")
    press(browser, "Park")
    press(browser, "Yes, park")
    eventually(lambda: [one.key for one in troubled.parked.list()] == ["Anna"])
    browser.get(f"{address}/queues/orders?key=Anna")
    keep(browser, tmp_path, "queue")
    press(browser, "Resume")
    press(browser, "Yes, resume")
    eventually(lambda: troubled.pauses() == [])
