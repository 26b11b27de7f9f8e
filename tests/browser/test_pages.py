"""Every page of the menu in Chromium, light, dark and on a phone, on the demo account.

`QUARTERDECK_SCREENSHOTS=1` collects more history and writes the README's pictures to `docs/images/`.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from playwright.sync_api import expect

from core.settings import StoreSettings
from core.windows import Window, parse_duration
from dashboard import links, numbers
from dashboard.function_tabs import TABS
from dashboard.menu import MENU
from quarterdeck.answers import fleet_document
from store.readers import incidents
from store.store import Filter, Store
from tests.browser.accessible import BOX, FOLDED, MAIN, MODES, POPPED, popped, unfolded, violations
from tests.browser.conftest import PHONE, PICTURES
from tests.demo_store import NOW

pytestmark = pytest.mark.browser

SHOWN = Window(NOW - parse_duration("3h"), NOW)
IMAGES = Path(__file__).parents[2] / "docs" / "images"
TITLES = {links.path(page, {}): title for group in MENU.values() for page, title, _ in group}


@dataclass(frozen=True)
class Watched:
    """A dashboard on a store: its address, the fleet as `quarterdeck fleet` says it, a deploy's alert."""

    url: str
    fleet: pd.DataFrame
    incident: dict[str, Any]

    def function(self) -> str:
        """How the address names the function that fires."""
        return f"{self.incident['account']}.{self.incident['region']}.{self.incident['subject']}"

    def query(self, path: str) -> dict[str, str]:
        more = {"/function": {"fn": self.function()}, "/alerts": {"alert": str(self.incident["id"])}}
        return more.get(path, {})


@pytest.fixture(scope="session")
def watched(demo: tuple[str, Path]) -> Watched:
    url, path = demo
    store = Store.open(StoreSettings(path=path, free_space_floor_mb=0))
    found = incidents.incidents(store)
    rows = fleet_document(store, SHOWN, now=NOW, where=Filter())["functions"]
    store.close()
    worst = found[found["subject"] == "checkout-api"].iloc[0].to_dict()
    return Watched(url, pd.DataFrame(rows), worst)


@pytest.mark.parametrize("path", TITLES)
def test_a_page_is_whole_and_accessible_in_light_and_dark_and_within_its_budget(path, watched, open_tab):
    tab = open_tab(watched.url).open(path, **watched.query(path))

    assert "Demo" in tab.text()
    assert tab.page.locator("h1").inner_text() == TITLES[path] or path == "/function"
    assert tab.bytes < 300_000
    tab.wait_until_drawn()
    if PICTURES:
        photograph(tab, picture(path))
    with unfolded(tab):
        assert violations(tab) == []
        for at in range(tab.page.locator(FOLDED).count()):
            with popped(tab, at):
                assert violations(tab, POPPED) == []


def test_every_tab_of_a_function_is_accessible_in_light_and_dark(watched, open_tab):
    tab = open_tab(watched.url).open("/function", fn=watched.function())
    found = {}

    with unfolded(tab):
        for name in reversed(TABS):  # the first is open already
            with tab.rerun():
                tab.page.get_by_role("tab", name=name).click()
            tab.wait_until_drawn()
            found[name] = violations(tab, ".st-key-details")

    assert [(name, one) for name, one in found.items() if one] == []
    assert found.keys() == TABS.keys()


def test_what_one_function_costs_is_accessible_in_light_and_dark(watched, open_tab):
    tab = open_tab(watched.url).open("/function_cost", fn=watched.function())
    tab.wait_until_drawn()

    with unfolded(tab):
        assert violations(tab, MAIN) == []


def test_boxes_over_a_page_are_accessible_in_light_and_dark(watched, open_tab):
    tab = open_tab(watched.url).open("/rules", mark="outage")

    expect(tab.page.get_by_role("dialog", name="Mark an outage")).to_be_visible()
    assert violations(tab, BOX) == []
    with tab.rerun():
        tab.page.keyboard.press("Escape")
    assert "mark=" not in tab.page.url
    for key, name in (("?", "Keys"), ("k", "Find")):
        tab.page.keyboard.press("Escape")
        expect(tab.page.get_by_role("dialog")).to_have_count(0)
        tab.page.keyboard.press(key)
        expect(tab.page.get_by_role("dialog", name=name)).to_be_visible()
        assert violations(tab, BOX) == []


def test_the_diff_of_a_change_and_the_choice_of_times_are_accessible(watched, open_tab):
    tab = open_tab(watched.url).open("/function", fn=watched.function())

    tab.page.locator(".st-key-exact button").first.click()
    expect(tab.page.locator(POPPED)).to_be_visible()
    assert violations(tab, POPPED) == []
    tab.page.keyboard.press("Escape")
    with tab.rerun():
        tab.page.locator("[class*=st-key-diff-] button").first.click()
    expect(tab.page.get_by_role("dialog", name="What this changed")).to_be_visible()
    assert violations(tab, BOX) == []


def photograph(tab, name: str) -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    for mode in MODES:
        tab.page.emulate_media(color_scheme=mode)
        tab.screenshot(IMAGES / f"{name}-{mode}.png")


def picture(path: str) -> str:
    """What the page's picture is called: of Functions, one is shown."""
    return "function" if path == "/function" else TITLES[path].lower().replace(" ", "-")


@pytest.mark.parametrize("path", TITLES)
def test_a_phone_shows_all_of_a_page_and_folds_the_menu(path, watched, open_tab):
    tab = open_tab(watched.url, size=PHONE).open(path, **watched.query(path))
    tab.text()

    assert tab.page.evaluate(WIDER, PHONE["width"]) == []
    expect(tab.page.locator(".st-key-menu")).not_to_be_in_viewport()


def test_a_phone_reads_who_calls_whom_in_a_table(watched, open_tab):
    tab = open_tab(watched.url, size=PHONE).open("/traces")

    expect(tab.page.locator(".st-key-map [data-testid=stDataFrame]")).to_be_visible()
    assert tab.page.locator(".st-key-map .stEChartsChart").count() == 0


WIDER = """width => {
  const main = document.querySelector('[data-testid=stMain]');
  const scrolls = node => node !== main &&
    (/auto|scroll/.test(getComputedStyle(node).overflowX) || scrolls(node.parentElement));
  const wide = [...main.querySelectorAll('*')].filter(node => node.checkVisibility()
    && node.getBoundingClientRect().right > width + 1 && !scrolls(node.parentElement));
  return wide.slice(0, 5).map(node => node.outerHTML.slice(0, 200));
}"""
"""What reaches beyond the right edge of the screen."""


def test_the_overview_shows_the_numbers_of_the_fleet_and_its_rows(watched, open_tab):
    tab = open_tab(watched.url).open("/", **{"from": SHOWN.start.isoformat(), "to": SHOWN.end.isoformat()})

    rows = watched.fleet
    cost = sum((usd for usd in rows["cost_usd"] if usd is not None), Decimal(0))
    assert metric(tab, "Invocations / min") == numbers.count(rows["invocations"].sum() / 180)
    assert metric(tab, "Error rate") == numbers.percent(rows["errors"].sum() / rows["invocations"].sum())
    assert metric(tab, "Throttles") == numbers.count(rows["throttles"].sum())
    assert metric(tab, "Cost / day") == numbers.usd(cost * 8)
    by_name, unique = (
        {row["function"]: row for row in rows.to_dict("records")},
        rows["function"].value_counts(),
    )
    shown = [(at, tab.cell("functions", at, "Function")) for at in range(8)]
    told = [(at, by_name[name]) for at, name in shown if name and unique[name] == 1]
    assert len(told) >= 4
    for at, row in told:
        for column in ("Invocations", "Throttles"):
            assert float(tab.cell("functions", at, column) or "nan") == row[column.lower()]


def metric(tab, label: str) -> str:
    card = tab.page.locator("[data-testid=stMetric]").filter(has_text=label)
    return str(card.locator("[data-testid=stMetricValue]").inner_text())


def test_a_click_or_a_key_on_concurrency_chooses_a_minute_in_the_address(watched, open_tab):
    tab = open_tab(watched.url).open("/concurrency")
    tab.wait_until_drawn()
    chart = tab.page.locator(".st-key-board canvas").first
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()

    with tab.rerun():
        tab.page.mouse.click(box["x"] + box["width"] * 0.2, box["y"] + 60)
    clicked = tab.page.url
    tab.page.locator("[data-testid=stSlider] input").focus()
    with tab.rerun():
        tab.page.keyboard.press("ArrowRight")

    assert "at=" in clicked
    assert "at=" in tab.page.url
    assert tab.page.url != clicked
    assert "the chosen time" in tab.text()


def test_a_row_of_a_table_opens_its_function_and_one_step_leads_back(watched, open_tab):
    tab = open_tab(watched.url).open("/cold", range="1h")
    name = tab.cell("cold-table", 0, "Function")
    grid = tab.page.locator(".st-key-cold-table [data-testid=stDataFrame]")
    grid.scroll_into_view_if_needed()
    box = grid.bounding_box()

    with tab.rerun():
        tab.page.mouse.click(box["x"] + 40, box["y"] + 52)  # the first row, below the header

    assert f".{name}" in tab.page.url
    with tab.rerun():
        tab.page.go_back()
    assert tab.page.url.endswith("/cold?range=1h")


def test_from_a_message_to_its_lines_its_trace_and_back(watched, open_tab):
    tab = open_tab(watched.url).open("/logs", q="currency")
    tab.page.get_by_test_id("stDataFrame").first.wait_for()
    with tab.rerun():
        tab.page.locator(".st-key-guarded-lines .dvn-scroller").first.click(position={"x": 16, "y": 48})

    assert "line=" in tab.page.url
    expect(tab.page.locator(".st-key-one-line")).to_contain_text("currency")
    assert violations(tab, ".st-key-one-line") == []
    with tab.rerun():
        tab.page.get_by_role("link", name="Function at that minute").click()
    assert "/function?" in tab.page.url
    tab.page.go_back()
    expect(tab.page.locator(".st-key-one-line")).to_contain_text("currency")


def test_a_failed_trace_leads_to_the_log_lines_of_its_invocation(watched, open_tab):
    tab = open_tab(watched.url).open("/traces", outcome="failed")
    expect(tab.page.locator(".st-key-one-trace")).to_be_visible()
    with unfolded(tab):
        assert violations(tab, ".st-key-one-trace") == []
    with tab.rerun():
        tab.page.get_by_role("link", name="Its log lines").first.click()

    assert "/logs?" in tab.page.url
    assert "request=" in tab.page.url
    expect(tab.page.get_by_role("heading", name="Lines, newest first")).to_be_visible()


def test_tables_of_other_peoples_text_are_exported_only_by_the_guarded_button(watched, open_tab):
    tab = open_tab(watched.url).open("/logs")
    tab.page.locator("[class*=st-key-guarded] [data-testid=stDataFrame]").first.hover()

    expect(tab.page.get_by_role("button", name="CSV").locator("visible=true").first).to_be_visible()
    expect(tab.page.get_by_role("button", name="Download as CSV").locator("visible=true")).to_have_count(0)
