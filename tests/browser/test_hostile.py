"""Text of others in Chromium: no script of it runs, and nothing but text is made of it, pointed at or not."""

from __future__ import annotations

import csv
import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest

from core.settings import StoreSettings
from dashboard import links
from dashboard.menu import MENU
from store.store import Store
from tests import hostile
from tests.hostile import MARK, NAME, ORDERS

pytestmark = pytest.mark.browser

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
LINE_AT = NOW - timedelta(minutes=hostile.TRACE_MINUTES)
LINE = f"{ORDERS}.{round(LINE_AT.timestamp() * 1000)}.{hostile.LINE_ID}"
MORE = [
    (links.ALERTS, {"alert": "i1"}),
    *((links.FUNCTION, {"fn": ORDERS, "tab": tab}) for tab in ("invocations", "traces")),
    (links.LOGS, {"line": LINE}),
    (links.QUEUES, {"queue": hostile.arn("sqs", f"{NAME}-dlq")}),
]
WITHOUT_TEXT = {links.RECONCILIATION}
"""Pages that say nothing of others where no bill was imported."""
ASKED = [*((path, {}) for group in MENU.values() for path, *_ in group if path not in WITHOUT_TEXT), *MORE]

MADE = """mark => [
    ...document.querySelectorAll(`img[src*="${mark}"], [onerror], iframe, a[href^="javascript:"],
        a[href^="mailto:"], a[href*="//${mark}"], a[href*="//www.${mark}"], a[href$="/${mark}"],
        [aria-label="home icon"]`),
    ...[...document.querySelectorAll('strong, em, del, a, code, .katex, .stMarkdownColoredText')]
        .filter(node => [mark, 'c', 'x'].includes(node.textContent.trim())),
    ...[...document.querySelectorAll('script')].filter(node => node.textContent.includes(mark)),
].map(node => node.outerHTML.slice(0, 300))"""
"""Elements of the page that only text of others could have asked for."""


@pytest.fixture(scope="module")
def url(serve, tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    hostile.fill(Store.open(StoreSettings(path=folder, free_space_floor_mb=0)), now=NOW).close()
    return serve(folder, now=NOW.isoformat())


def point_at_charts(tab):
    """Move the pointer over every chart, where tooltips come up."""
    for canvas in tab.page.locator(".stEChartsChart canvas, [data-testid=stVegaLiteChart] canvas").all():
        canvas.scroll_into_view_if_needed()
        box = canvas.bounding_box()
        for part in (0.3, 0.8) if box else ():
            tab.page.mouse.move(box["x"] + box["width"] * part, box["y"] + box["height"] * 0.5)
            tab.page.wait_for_timeout(40)
            assert tab.page.evaluate(MADE, MARK) == []


@pytest.mark.parametrize(("page", "query"), ASKED, ids=lambda value: str(value)[:40])
def test_text_of_others_stays_text(url, open_tab, page, query):
    tab = open_tab(url)
    path = "/" if page == links.OVERVIEW else "/" + page.removeprefix("views/").removesuffix(".py")

    tab.open(path, **query)
    tab.wait_for(MARK)
    point_at_charts(tab)

    assert tab.page.evaluate(MADE, MARK) == []
    assert tab.page.evaluate(f"window.{MARK}") is None


def test_a_table_of_others_text_is_a_file_that_no_spreadsheet_runs(url, open_tab):
    tab = open_tab(url).open("/")
    place = tab.page.locator(".st-key-csv-functions-table")

    _, content = tab.download(place.get_by_role("button", name="CSV"))

    cells = [cell for row in csv.reader(StringIO(content.decode())) for cell in row]
    assert f"'{NAME}" in cells
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))]


@pytest.mark.parametrize("path", ["/cost", "/traces"])
def test_a_chart_of_others_names_is_an_svg_file_without_a_script(path, url, open_tab):
    _, text = open_tab(url).open(path).chart_file("SVG")

    kinds = {node.tag.rpartition("}")[2] for node in ET.fromstring(text).iter()}
    assert kinds.isdisjoint({"a", "foreignObject", "iframe", "image", "img", "script"})
