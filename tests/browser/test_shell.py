"""What only a browser knows of the shell: links, Back, reload, phones, accessibility, bytes."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlparse

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from core.facts import Function, InvocationRecord, MetricPoint, Run, Target
from core.settings import StoreSettings
from core.windows import Window
from store.store import Store

pytestmark = pytest.mark.browser

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
TARGETS = (Target("111111111111", "eu-west-1"), Target("222222222222", "us-east-1"))
ORDERS = "111111111111.eu-west-1.orders"
FUNCTION = {"fn": ORDERS, "range": "6h"}
HOSTILE = "<img src=x onerror=alert(1)> **bold**"


def fill(path):
    """Six hours of `orders` in two accounts, and a silent function with a hostile tag."""
    store = Store.open(StoreSettings(path=path, free_space_floor_mb=0))
    window = Window(NOW - timedelta(hours=6), NOW)
    for target, alias in zip(TARGETS, ("shop", HOSTILE), strict=True):
        store.remember_target(target, alias, now=NOW)
        for collector, facts in facts_of(target).items():
            times = {"started_at": NOW, "finished_at": NOW}
            run = Run(collector=collector, target=target, window=window, period_s=60, outcome="ok", **times)
            store.commit(run, facts, now=NOW)
    store.close()


def facts_of(target):
    arn = f"arn:aws:lambda:{target.region}:{target.account}:function"
    functions = [
        Function(name=name, arn=f"{arn}:{name}", tags={"team": HOSTILE}) for name in ("orders", "idle")
    ]
    return {
        "inventory": functions,
        "metrics": [point(minute) for minute in range(360)],
        "logs": [record(minute) for minute in range(360)],
        "queues": [],
        "traces": [],
        "details": [],
    }


def point(minutes_ago):
    return MetricPoint(
        scope="function",
        function="orders",
        ts=NOW - timedelta(minutes=minutes_ago + 1),
        period_s=60,
        invocations=100 + minutes_ago % 7,
        errors=1,
        throttles=0,
        concurrent_max=3,
    )


def record(minutes_ago):
    return InvocationRecord(
        function="orders",
        ts=NOW - timedelta(minutes=minutes_ago, seconds=30),
        event_id=f"e{minutes_ago}",
        request_id=f"r{minutes_ago}",
        stream="s",
        version="1",
        duration_ms=200 + minutes_ago % 50,
        billed_ms=260,
    )


@pytest.fixture(scope="module")
def url(tmp_path_factory, serve):
    path = tmp_path_factory.mktemp("shell") / "store"
    fill(path)
    return serve(path, banner="This is the demo account.", now=NOW.isoformat())


def query(tab):
    return {name: values[0] for name, values in parse_qs(urlparse(tab.page.url).query).items()}


def numbers(tab):
    values = tab.page.locator("[data-testid=stMetricValue]")
    expect(values).to_have_count(6)
    return values.all_inner_texts()


def test_a_menu_link_keeps_the_range_and_back_returns(url, open_tab):
    tab = open_tab(url).open("/", range="6h", account="111111111111")

    with tab.rerun():
        tab.page.get_by_role("link", name="Cold starts").click()
    there = urlparse(tab.page.url).path, query(tab)
    with tab.rerun():
        tab.page.go_back()

    assert there == ("/cold", {"range": "6h", "account": "111111111111"})
    assert urlparse(tab.page.url).path == "/"
    assert query(tab)["range"] == "6h"


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_a_deep_link_shows_the_function_and_survives_a_reload(url, open_tab, mode):
    tab = open_tab(url, mode=mode).open("/function", **FUNCTION)
    before = numbers(tab)

    with tab.rerun():
        tab.page.reload()

    assert query(tab) == FUNCTION
    assert numbers(tab) == before
    expect(tab.page.locator(".st-key-state")).to_contain_text("shop eu-west-1")


def test_choosing_a_range_changes_address_and_numbers_without_losing_the_function(url, open_tab):
    tab = open_tab(url).open("/function", **FUNCTION)

    with tab.rerun():
        tab.page.get_by_role("radio", name="1h").click()

    assert query(tab) == {"fn": ORDERS, "range": "1h"}


def test_choosing_an_account_narrows_the_table(url, open_tab):
    tab = open_tab(url).open("/")

    tab.page.locator(".st-key-_scope input").click()
    with tab.rerun():
        tab.page.get_by_role("option", name="shop").click()

    assert query(tab) == {"account": "111111111111"}
    assert tab.cell("functions", 0, "Function") == "orders"
    expect(tab.page.locator(".st-key-functions [role=columnheader]", has_text="Where")).to_have_count(0)


def test_the_table_shows_the_fleets_numbers(url, open_tab):
    tab = open_tab(url).open("/", range="6h")

    assert float(tab.cell("functions", 0, "Invocations")) == sum(100 + minute % 7 for minute in range(360))


def test_names_of_others_are_text(url, open_tab):
    tab = open_tab(url).open("/function", fn="222222222222.us-east-1.orders")

    expect(tab.page.locator(".st-key-state")).to_contain_text(HOSTILE)
    assert tab.page.locator("img[src=x]").count() == 0


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("path", ["/", "/function"])
def test_pages_are_accessible(url, open_tab, path, mode):
    tab = open_tab(url, mode=mode).open(path, **(FUNCTION if path == "/function" else {}))
    tab.page.wait_for_timeout(500)

    result = Axe().run(tab.page, options={"exclude": [["[data-testid='stMetricChart']"]]})

    assert not [f"{v['id']}: {v['nodes'][0]['html'][:200]}" for v in result.response["violations"]]


@pytest.mark.parametrize("path", ["/", "/function"])
def test_a_page_is_light_on_the_wire(url, open_tab, path):
    tab = open_tab(url).open(path, **(FUNCTION if path == "/function" else {}))

    assert tab.bytes < 300_000


def test_nothing_is_wider_than_a_phone(url, open_tab):
    phone = {"size": {"width": 390, "height": 844}, "user_agent": "Mozilla/5.0 (Linux; Android 14) Mobi"}
    tab = open_tab(url, **phone).open("/function", **FUNCTION)

    wide = tab.page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth")
    assert wide <= 390
