"""Every page in Chromium, light and dark, on a store collected over HTTP from the frozen demo account.

`QUARTERDECK_SCREENSHOTS=1` collects a whole day and writes the README's pictures to `docs/images/`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from alerts.engine import evaluate
from alerts.rules import rules_of
from alerts.settings import AlertSettings
from collectors.aws import connect
from collectors.registry import COLLECTORS
from collectors.runner import collect_due
from core.settings import StoreSettings
from core.windows import MINUTE, Window, floor
from dashboard import numbers
from quarterdeck.demo.settings import demo_settings
from quarterdeck.settings import Settings
from store.readers import incidents
from store.store import Store

pytestmark = pytest.mark.browser

NOW = floor(datetime.now(UTC), MINUTE)
"""Not a fixed day: the credentials that the demo account issues end an hour after its time."""
PICTURES = os.environ.get("QUARTERDECK_SCREENSHOTS") == "1"
HISTORY = timedelta(hours=24 if PICTURES else 4)
SHOWN = Window(NOW - timedelta(hours=3), NOW)
IMAGES = Path(__file__).parents[2] / "docs" / "images"
EXCLUDED = {"exclude": [["[data-testid='stMetricChart']"]]}
"""Streamlit's sparklines break `svg-img-alt`; everything else is ours to keep."""

TITLES = {
    "/": "Overview",
    "/alerts": "Alerts",
    "/function": "Function",
    "/cold": "Cold starts",
    "/concurrency": "Concurrency",
    "/queues": "Queues",
    "/silent": "Silent stops",
    "/logs": "Logs",
    "/traces": "Traces",
    "/cost": "Cost",
    "/collection": "Collection health",
}


@dataclass(frozen=True)
class Watched:
    """A dashboard on a filled store: its address, the fleet that it should show, the worst open incident."""

    url: str
    fleet: pd.DataFrame
    incident: dict[str, Any]

    def function(self) -> str:
        """How the address names the function that fires, else the busiest."""
        busiest = self.fleet.sort_values("invocations", ascending=False).iloc[0]
        row = {**busiest, "subject": busiest["function"]}
        if self.incident["subject_kind"] == "function":
            row = self.incident
        return f"{row['account']}.{row['region']}.{row['subject']}"

    def query(self, path: str) -> dict[str, str]:
        more = {"/function": {"fn": self.function()}, "/alerts": {"alert": str(self.incident["id"])}}
        return more.get(path, {})


@pytest.fixture(scope="session")
def endpoint() -> Iterator[str]:
    argv = [sys.executable, "-m", "quarterdeck.demo", "--now", NOW.isoformat()]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait(timeout=20)
        if process.stdout:
            process.stdout.close()


@pytest.fixture(scope="session")
def watched(endpoint: str, serve: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Watched:
    path = tmp_path_factory.mktemp("pages") / "store"
    store = Store.open(StoreSettings(path=path, free_space_floor_mb=0))
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "ACCESS_KEY_ID": "test",
            "SECRET_ACCESS_KEY": "test",
            "DEFAULT_REGION": "eu-west-1",
        }.items():
            patch.setenv(f"AWS_{name}", value)
        collect(store, endpoint)
    evaluate(store, rules_of(AlertSettings()), AlertSettings(), now=NOW)
    worst = incidents.incidents(store).iloc[0].to_dict()
    store.close()
    url = serve(path, banner="You watch the demo account.", now=NOW.isoformat())
    return Watched(url, fleet_json(path), worst)


def fleet_json(store: Path) -> pd.DataFrame:
    """What `quarterdeck fleet --json` prints for the window that the pages show; money exact."""
    words = ["--store", str(store), "fleet", "--since", "3h", "--until", NOW.isoformat(), "--json"]
    argv = [sys.executable, "-P", "-m", "quarterdeck", *words]
    printed = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=120).stdout
    rows = json.loads(printed, parse_float=Decimal)["functions"]
    floats = [
        {k: float(v) if isinstance(v, Decimal) and k != "cost_usd" else v for k, v in row.items()}
        for row in rows
    ]
    return pd.DataFrame(floats)


def collect(store: Store, endpoint: str) -> None:
    raw = demo_settings(endpoint)
    raw["collect"] |= {"backfill": HISTORY, "backfill_coarse": HISTORY}
    settings = Settings.model_validate(raw)
    targets, unreachable = connect(settings.targets, settings.aws)
    assert not unreachable
    for aws in targets:
        store.remember_target(aws.target, aws.alias, NOW)
        for collector in COLLECTORS:
            collect_due(collector, aws, store, settings.collect, now=NOW)
    store.pack(now=NOW)


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("path", TITLES)
def test_a_page_opens_without_an_error_is_accessible_and_within_its_budget(path, mode, watched, open_tab):
    tab = open_tab(watched.url, mode=mode).open(path, **watched.query(path))

    assert tab.page.locator("h1").inner_text() == TITLES[path] or path == "/function"
    assert tab.page.locator("[data-testid=stException]").count() == 0
    assert "Demo" in tab.text()
    assert tab.bytes < 300_000
    tab.page.wait_for_timeout(700)  # canvases and their hidden tables come after the script
    assert violations(tab) == []
    if PICTURES:
        IMAGES.mkdir(parents=True, exist_ok=True)
        tab.screenshot(IMAGES / f"{TITLES[path].lower().replace(' ', '-')}-{mode}.png")


def violations(tab) -> list[tuple[str, Any]]:
    found = Axe().run(tab.page, context=EXCLUDED).response["violations"]
    return [(one["id"], [node["target"] for node in one["nodes"]][:3]) for one in found]


def test_the_overview_shows_the_numbers_of_the_fleet(watched, open_tab):
    tab = open_tab(watched.url).open("/", **{"from": SHOWN.start.isoformat(), "to": SHOWN.end.isoformat()})

    rows = watched.fleet
    cost = sum((usd for usd in rows["cost_usd"] if usd is not None), Decimal(0))
    assert metric(tab, "Invocations / min") == numbers.count(rows["invocations"].sum() / 180)
    assert metric(tab, "Error rate") == numbers.percent(rows["errors"].sum() / rows["invocations"].sum())
    assert metric(tab, "Throttles") == numbers.count(rows["throttles"].sum())
    assert metric(tab, "Cost / day") == numbers.usd(cost * 8)


def metric(tab, label: str) -> str:
    card = tab.page.locator("[data-testid=stMetric]").filter(has_text=label)
    return str(card.locator("[data-testid=stMetricValue]").inner_text())


def test_the_overviews_table_shows_the_rows_of_the_fleet(watched, open_tab):
    tab = open_tab(watched.url).open("/", **{"from": SHOWN.start.isoformat(), "to": SHOWN.end.isoformat()})
    by_name = {(row["function"]): row for row in watched.fleet.to_dict("records")}
    unique = watched.fleet["function"].value_counts()

    seen = 0
    for at in range(8):
        name = tab.cell("functions", at, "Function")
        if name is None or unique[name] > 1:
            continue
        assert float(tab.cell("functions", at, "Invocations") or "nan") == by_name[name]["invocations"]
        assert float(tab.cell("functions", at, "Throttles") or "nan") == by_name[name]["throttles"]
        seen += 1
    assert seen >= 4


def test_a_deep_link_survives_a_reload_and_goes_along(watched, open_tab):
    account, region, name = watched.function().split(".", 2)
    tab = open_tab(watched.url)
    tab.open("/function", fn=watched.function(), account=account, region=region, range="1h")

    with tab.rerun():
        tab.page.reload()

    address = tab.page.url
    assert all(
        f"{key}={value}" in address
        for key, value in (("account", account), ("region", region), ("range", "1h"))
    )
    assert name in tab.text()
    with tab.rerun():
        tab.page.locator(".st-key-menu").get_by_role("link", name="Cost").click()
    assert "/cost?" in tab.page.url
    assert f"account={account}" in tab.page.url
    assert "range=1h" in tab.page.url


def test_choosing_a_range_changes_the_address(watched, open_tab):
    tab = open_tab(watched.url).open("/concurrency")

    with tab.rerun():
        tab.page.get_by_role("radio", name="1h").click()

    assert "range=1h" in tab.page.url


def test_a_click_or_a_key_on_concurrency_chooses_a_minute_in_the_address(watched, open_tab):
    tab = open_tab(watched.url).open("/concurrency")
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


def test_a_row_of_a_table_opens_its_function(watched, open_tab):
    tab = open_tab(watched.url).open("/cold")
    name = tab.cell("cold-table", 0, "Function")
    grid = tab.page.locator(".st-key-cold-table [data-testid=stDataFrame]")
    grid.scroll_into_view_if_needed()
    box = grid.bounding_box()

    with tab.rerun():
        tab.page.mouse.click(box["x"] + 40, box["y"] + 52)  # the first row, below the header

    assert f".{name}" in tab.page.url


@pytest.mark.parametrize("path", TITLES)
def test_a_phone_needs_no_sideways_scrolling(path, watched, open_tab):
    tab = open_tab(watched.url, size={"width": 390, "height": 844}).open(path, **watched.query(path))

    wide = tab.page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth")
    assert wide <= 390


def test_from_a_message_to_its_lines_its_trace_and_back(watched, open_tab):
    tab = open_tab(watched.url).open("/logs", q="currency")
    tab.page.get_by_test_id("stDataFrame").first.wait_for()
    with tab.rerun():
        tab.page.locator(".st-key-guarded-lines .dvn-scroller").first.click(position={"x": 16, "y": 48})

    assert "line=" in tab.page.url
    expect(tab.page.locator(".st-key-one-line")).to_contain_text("currency")
    with tab.rerun():
        tab.page.get_by_role("link", name="Function at that minute").click()
    assert "/function?" in tab.page.url
    tab.page.go_back()
    expect(tab.page.locator(".st-key-one-line")).to_contain_text("currency")


def test_a_failed_trace_leads_to_the_log_lines_of_its_invocation(watched, open_tab):
    tab = open_tab(watched.url).open("/traces", outcome="failed")
    expect(tab.page.locator(".st-key-one-trace")).to_be_visible()
    with tab.rerun():
        tab.page.get_by_role("link", name="Its log lines").first.click()

    assert "/logs?" in tab.page.url
    assert "request=" in tab.page.url
    expect(tab.page.get_by_role("heading", name="Lines, newest first")).to_be_visible()


@pytest.mark.parametrize("path", ["/logs", "/traces"])
def test_tables_of_other_peoples_text_are_exported_only_by_the_guarded_button(path, watched, open_tab):
    tab = open_tab(watched.url).open(path)
    tab.page.locator("[class*=st-key-guarded] [data-testid=stDataFrame]").first.hover()

    assert tab.page.get_by_role("button", name="Download as CSV").locator("visible=true").count() == 0
    assert tab.page.get_by_role("button", name="CSV").locator("visible=true").count() >= 1


@pytest.mark.parametrize("path", ["/logs", "/traces"])
def test_logs_and_traces_fit_on_a_phone(path, watched, open_tab):
    phone = {"size": {"width": 390, "height": 844}, "user_agent": "Mozilla/5.0 (Linux; Android 14) Mobi"}
    tab = open_tab(watched.url, **phone).open(path)

    assert tab.page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 390
