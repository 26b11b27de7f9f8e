"""A window dragged with the mouse, on a board that is watched and on a chart that is read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlparse
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import TIME_ZONE
from tests.demo_store import NOW

pytestmark = pytest.mark.browser

ASKED = NOW - timedelta(hours=3)
Box = dict[str, float]


def turned_on(tab: Any, box: Box) -> None:
    """The button in a board's corner: until it is pressed, the board is clicked on and read."""
    tab.page.mouse.click(box["x"] + box["width"] - 57, box["y"] + 22)


def always_on(tab: Any, box: Box) -> None:
    """A chart that is read is dragged on at once."""


def drag(tab: Any, box: Box, start: float, end: float) -> None:
    """From one share of the chart's width to another, a quarter of its height from the top."""
    mouse, y = tab.page.mouse, box["y"] + box["height"] / 4
    mouse.move(box["x"] + box["width"] * start, y)
    mouse.down()
    mouse.move(box["x"] + box["width"] * (start + end) / 2, y, steps=4)
    mouse.move(box["x"] + box["width"] * end, y, steps=4)
    mouse.up()


@pytest.mark.parametrize(
    ("path", "css", "begin", "share"),
    [
        ("/", ".st-key-board .stEChartsChart", turned_on, 0.4),  # two columns: a panel is half of the width
        ("/logs", ".st-key-lines-chart .stEChartsChart", turned_on, 0.2),
        ("/traces", ".st-key-dots .stEChartsChart", turned_on, 0.2),
        ("/cost", ".st-key-cost-series .stVegaLiteChart", always_on, 0.2),
    ],
)
def test_a_window_that_is_dragged_is_the_one_that_the_page_then_shows(
    path: str, css: str, begin: Callable[[Any, Box], None], share: float, demo, open_tab
):
    tab = open_tab(demo[0]).open(path, **{"from": ASKED.isoformat(), "to": NOW.isoformat()})
    chart = tab.page.locator(css).first
    chart.scroll_into_view_if_needed()
    tab.wait_until_drawn()
    box = chart.bounding_box()
    begin(tab, box)

    with tab.rerun():
        drag(tab, box, 0.15, 0.35)
    tab.page.wait_for_url(lambda url: asked(url)[0] > ASKED)

    start, end = asked(tab.page.url)
    assert ASKED < start < end < NOW
    assert (end - start) / (NOW - ASKED) == pytest.approx(share, abs=0.08)
    said = f"{start.astimezone(ZoneInfo(TIME_ZONE)):%H:%M} to {end.astimezone(ZoneInfo(TIME_ZONE)):%H:%M}"
    expect(tab.page.locator(".st-key-toolbar")).to_contain_text(said)


def asked(url: str) -> tuple[datetime, datetime]:
    query = parse_qs(urlparse(url).query)
    start, end = (datetime.fromisoformat(query[name][0]) for name in ("from", "to"))
    return start, end
