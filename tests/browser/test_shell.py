"""What only a browser knows of the shell: links, Back, reload, keys, tabs in the background, files."""

from __future__ import annotations

import csv
import re
import xml.etree.ElementTree as ET
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlparse

import pytest
from playwright.sync_api import expect

from dashboard.widgets import LIVE_EVERY_S
from quarterdeck.demo.specs import EU, PROD

pytestmark = pytest.mark.browser

CHECKOUT = f"{PROD}.{EU}.checkout-api"
HIDE = """hidden => {
  Object.defineProperty(document, 'hidden', { get: () => hidden, configurable: true });
  document.dispatchEvent(new Event('visibilitychange'));
}"""


@pytest.fixture(scope="module")
def url(demo: tuple[str, Path]) -> str:
    return demo[0]


def query(tab: Any) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlparse(tab.page.url).query).items()}


def test_a_menu_link_keeps_the_range_and_back_returns(url, open_tab):
    tab = open_tab(url).open("/", range="1h", account=PROD)

    with tab.rerun():
        tab.page.get_by_role("link", name="Cold starts").click()
    there = urlparse(tab.page.url).path, query(tab)
    with tab.rerun():
        tab.page.go_back()

    assert there == ("/cold", {"range": "1h", "account": PROD})
    assert urlparse(tab.page.url).path == "/"
    assert query(tab)["range"] == "1h"


def test_a_deep_link_survives_a_reload_and_goes_along(url, open_tab):
    asked = {"fn": CHECKOUT, "account": PROD, "region": EU, "range": "1h"}
    tab = open_tab(url).open("/function", **asked)
    values = tab.page.locator("[data-testid=stMetricValue]")
    before = values.all_inner_texts()

    with tab.rerun():
        tab.page.reload()

    assert query(tab) == asked
    expect(values).to_have_text(before)
    with tab.rerun():
        tab.page.locator(".st-key-menu").get_by_role("link", name="Spend").click()
    assert "/cost?" in tab.page.url
    assert query(tab) == {name: value for name, value in asked.items() if name != "fn"}


def test_choosing_a_range_changes_the_address_without_losing_the_function(url, open_tab):
    tab = open_tab(url).open("/function", fn=CHECKOUT, range="3h")

    with tab.rerun():
        tab.page.get_by_role("radio", name="1h").click()

    assert query(tab) == {"fn": CHECKOUT, "range": "1h"}


def test_choosing_an_account_narrows_the_table(url, open_tab):
    tab = open_tab(url).open("/")

    tab.page.locator(".st-key-_scope input").click()
    with tab.rerun():
        tab.page.get_by_role("option", name="meridian-staging", exact=True).click()

    assert query(tab).keys() == {"account"}
    tab.wait_for("meridian-staging")
    assert "meridian-prod" not in tab.text(".st-key-functions")


def test_a_key_that_is_pressed_before_the_page_is_drawn_is_heard_once_it_is(url, open_tab):
    tab = open_tab(url)
    tab.page.goto(f"{url}/collection", wait_until="domcontentloaded")

    tab.page.keyboard.press("?")

    expect(tab.page.get_by_role("dialog", name="Keys")).to_be_visible()


def test_keys_open_find_and_the_list_of_keys_and_switch_live(url, open_tab):
    tab = open_tab(url).open("/collection")
    live = tab.page.locator(".st-key-live input")
    expect(live).to_be_checked(timeout=30_000)

    tab.page.keyboard.press("k")
    expect(tab.page.locator('[role="dialog"] .st-key-_find input')).to_be_focused()
    tab.page.keyboard.type("l?")  # while somebody types, keys are text
    tab.page.keyboard.press("Escape")
    expect(tab.page.get_by_role("dialog")).to_have_count(0)
    expect(live).to_be_checked()
    with tab.rerun():
        tab.page.keyboard.press("l")
    expect(live).not_to_be_checked()
    tab.page.keyboard.press("?")
    expect(tab.page.get_by_role("dialog", name="Keys")).to_be_visible()


def turn(tab: Any) -> None:
    """Let the time of one of Live's turns go by."""
    tab.page.clock.fast_forward(timedelta(seconds=LIVE_EVERY_S + 1).total_seconds() * 1000)


LOOK = """() => {
  const main = document.querySelector('[data-testid=stMain]');
  main.querySelector('details:not([open]) summary').click();
  main.scrollTop = 500;
  main.querySelectorAll('[data-testid=stDataFrame], .stEChartsChart, .stVegaLiteChart')
    .forEach(node => node.dataset.seen = 'yes');
}"""
SEEN = """() => {
  const main = document.querySelector('[data-testid=stMain]');
  const drawn = [...main.querySelectorAll('[data-testid=stDataFrame], .stEChartsChart, .stVegaLiteChart')];
  const open = [...main.querySelectorAll('details[open]')].length;
  return [main.scrollTop, open, drawn.filter(node => !node.dataset.seen).length];
}"""
"""Where somebody has scrolled to, what they unfolded, and how many tables and charts are drawn anew."""


def test_live_keeps_the_place_pauses_in_a_hidden_tab_and_goes_on_when_looked_at(url, open_tab):
    tab = open_tab(url, alone=True)
    tab.page.clock.install()
    tab.open("/traces")
    with tab.rerun():
        turn(tab)
    tab.text()  # a browser draws a page that it has just loaded once more
    tab.page.evaluate(LOOK)
    tab.text()
    place = tab.page.evaluate(SEEN)

    with tab.rerun():
        turn(tab)
    tab.text()
    assert place[0] == 500
    assert place[1] > 0
    assert tab.page.evaluate(SEEN) == place
    with tab.rerun():
        tab.page.evaluate(HIDE, True)
    before = tab.finished
    for _ in range(2):
        turn(tab)
        tab.page.wait_for_timeout(1500)
    while_hidden = tab.finished - before
    with tab.rerun():
        tab.page.evaluate(HIDE, False)
    with tab.rerun():
        turn(tab)

    assert while_hidden == 0


def test_a_table_is_a_csv_file_of_all_its_rows(url, open_tab):
    tab = open_tab(url).open("/queues")
    place = tab.page.locator("[class*=st-key-csv-]").first
    shown = int(place.locator("[data-testid=stCaptionContainer]").inner_text().split()[0])

    name, content = tab.download(place.get_by_role("button", name="CSV"))

    rows = list(csv.reader(content.decode().splitlines()))
    assert re.fullmatch(r"quarterdeck-[a-z-]+(-\d{8}T\d{4}Z){2}\.csv", name)
    assert len(rows) == shown + 1


@pytest.mark.parametrize(("path", "title"), [("/", "Invocations and errors, per minute"), ("/cost", "$0.00")])
def test_a_chart_is_a_png_and_an_svg_file(path, title, url, open_tab):
    tab = open_tab(url).open(path)

    png, pixels = tab.chart_file("PNG")
    svg, text = tab.chart_file("SVG")

    assert png.endswith(".png")
    assert pixels.startswith(b"\x89PNG")
    assert svg.startswith("quarterdeck-")
    assert svg.endswith(".svg")
    drawing = ET.fromstring(text)
    assert drawing.tag == "{http://www.w3.org/2000/svg}svg"
    assert title in [node.text for node in drawing.iter("{http://www.w3.org/2000/svg}text")]
