"""The Concurrency page on a real store, in process, against plain sums over what was committed."""

import json
from datetime import timedelta

import pytest

from core.entities import AccountLimits, Alias, Function, Provisioned, Reserved, Version
from core.facts import Covered, Gap, Listed
from core.prices import prices
from core.telemetry import MetricPoint
from tests.dashboard.conftest import NOW, PROD, WINDOW, commit
from tests.dashboard.every_page import table

PAGE = "views/concurrency.py"
HOSTILE = "a**b**<b>c</b>"


def words(app):
    kinds = ("markdown", "caption", "info", "warning")
    return "\n".join(element.value for kind in kinds for element in app.get(kind))


def metric(app, label):
    return next(m for m in app.metric if m.label.startswith(label))


def function(name):
    return Function(name=name, arn=f"arn:{name}", memory_mb=1024, runtime="python3.13")


def point(minute, name="", **values):
    scope = "function" if name else "account"
    at = NOW - timedelta(minutes=minute)
    return MetricPoint(scope=scope, function=name, ts=at, period_s=60, **values)


def claimed(minute):
    return 91.0 if minute == 40 else 60.0


def facts():
    """`capped` reserves 5 and meets it three minutes long; `shared` rises once; `held` pays for nobody."""
    for minute in range(1, 181):
        throttles = 20.0 if minute in (40, 39, 38) else 0.0
        yield point(minute, "capped", invocations=9.0, concurrent_max=5.0, throttles=throttles)
        level = 31.0 if minute == 40 else 4.0
        yield point(minute, "shared", invocations=9.0, concurrent_max=level, throttles=0.0)
        yield point(minute, claimed_max=claimed(minute), throttles=throttles, unreserved_max=level)


@pytest.fixture
def tight(store):
    """An account of 100 with a burst, an idle provisioned version, and one function that nobody stopped
    forgetting."""
    store.remember_target(PROD, "shop", now=NOW)
    names = ("capped", "shared", "held", "stopped")
    limits = AccountLimits(concurrent_limit=100, unreserved_limit=95)
    commit(store, "inventory", [*map(function, names), limits])
    details = [
        Reserved(name="capped", reserved=5),
        Reserved(name="stopped", reserved=0),
        *(Reserved(name=name, reserved=None) for name in ("shared", "held")),
        Version(name="held:3", function="held", version="3", memory_mb=1024, architecture="x86_64"),
        Alias(name="held:live", function="held", alias="live", version="4"),
        Version(name="held:4", function="held", version="4"),
        Provisioned(name="held:3", function="held", qualifier="3", requested=7, allocated=7),
        Listed("version"),
        Listed("alias", "held"),
    ]
    commit(store, "details", details)
    commit(store, "metrics", [*facts(), Covered("", WINDOW)])
    return store


def test_the_cards_are_the_account_s_own_arithmetic(open_page, tight):
    app = open_page(PAGE)

    most = max(map(claimed, range(1, 181)))
    price = prices(PROD.region, "x86_64").provisioned_capacity
    assert metric(app, "Nearest limit").value == f"{most:.0f}%"
    assert metric(app, "Nearest limit").delta == f"{100 - most:.0f} of 100 left"
    assert metric(app, "Throttled").value == "60"
    assert metric(app, "May be reserved").value == "0"
    assert metric(app, "Serves nobody").value == f"${float(7 * 30 * 86_400 * price):,.2f}"
    assert (metric(app, "Runs out").value, metric(app, "Runs out").delta) == ("full", "capped")
    assert "Of capped in eu-west-1" in metric(app, "Runs out").help


def test_the_limit_that_refused_is_named_before_any_number(open_page, tight):
    text = words(open_page(PAGE))

    assert "**capped** was throttled 60 times in 1 burst: **its own reservation**" in text
    assert "5 of its 5 reserved were in use" in text
    assert "Callers got an error \\(429\\)" in text


def test_bursts_are_a_table(open_page, tight):
    rows = table(open_page(PAGE), "evidence")

    assert rows[["function", "throttles", "lasted", "fate"]].values.tolist() == [
        ["capped", 60, "3 min", "refused"]
    ]


def test_the_ledger_says_limit_claimed_reserved_and_unreserved(open_page, tight):
    (row,) = table(open_page(PAGE), "reservable").to_dict("records")

    assert (row["limit"], row["reserved"], row["unreserved"]) == (100, 5, 95)
    assert (row["claimed_now"], row["claimed_max"], row["headroom"]) == (60, 91, 9)
    assert (row["provisioned"], row["shared_max"], row["throttles"]) == (7, 31, 60)
    assert row["claimed_ts"] == NOW - timedelta(minutes=40)


def test_what_was_forgotten_is_listed_with_its_dollars(open_page, tight):
    rows = table(open_page(PAGE), "do").set_index("function")

    price = prices(PROD.region, "x86_64").provisioned_capacity
    assert rows["kind"].to_dict() == {"stopped": "stopped", "capped": "too small", "held": "serves nobody"}
    assert rows.loc["held", "usd_month"] == pytest.approx(float(7 * 30 * 86_400 * price))
    assert rows.loc["held", "why"] == "no alias or trigger reaches version 3"


def test_the_busiest_minute_shows_its_culprits_first(open_page, tight):
    app = open_page(PAGE)

    rows = table(app, "above_usual")
    assert rows[["function", "concurrent_max", "usual"]].values.tolist() == [
        ["shared", 31, 4],
        ["capped", 5, 5],
    ]
    assert "At 11:20, the busiest minute of this window" in words(app)


def test_a_minute_in_the_address_shows_who_used_it_then(open_page, tight):
    app = open_page(PAGE, at="2026-11-20T10:00Z")

    assert table(app, "above_usual").set_index("function").loc["shared", "concurrent_max"] == 4
    assert "At 10:00, the chosen time" in words(app)
    assert app.select_slider[0].value == "2026-11-20T10:00Z"


def test_the_slider_puts_its_minute_into_the_address(open_page, tight):
    app = open_page(PAGE)

    app.select_slider[0].set_value("2026-11-20T10:00Z").run()

    assert app.query_params["at"] == "2026-11-20T10:00Z"


@pytest.mark.parametrize("at", ["", "yesterday", "2020-01-01T00:00Z"])
def test_a_time_that_the_chart_does_not_hold_is_the_busiest_minute(open_page, tight, at):
    app = open_page(PAGE, at=at)

    assert not app.exception
    assert "the busiest minute of this window" in words(app)


def test_each_step_of_the_chart_can_be_clicked(open_page, tight):
    option = json.loads(open_page(PAGE).get("echarts_chart")[0].proto.spec)

    step = next(series for series in option["series"] if series["name"] == "(step)")
    assert step["selectedMode"] == "single"
    assert option["yAxis"][step["yAxisIndex"]]["max"] == 1
    marked = option["series"][0]["markLine"]["data"][-1]["xAxis"]
    assert marked == "2026-11-20T11:20:00+00:00"


def test_each_pool_of_provisioned_concurrency_has_its_room_and_its_dollars(open_page, tight):
    """Alias `live` holds 2, of which at most one was in use; version 3, which nothing reaches, holds 7."""
    pool = Provisioned(name="held:live", function="held", qualifier="live", requested=2, allocated=2)
    commit(tight, "details", [pool])
    told = {"scope": "resource", "function": "held", "resource": "live", "period_s": 60}
    points = [
        MetricPoint(
            ts=NOW - timedelta(minutes=minute), invocations=5.0, duration_sum_ms=500.0, provisioned_max=1.0,
            provisioned_invocations=4.0, provisioned_spillover=1.0, **told,
        )
        for minute in (3, 4)
    ]  # fmt: skip
    commit(tight, "metrics", points)

    rows = table(open_page(PAGE), "break_even").set_index("qualifier")

    assert rows.index.tolist() == ["live", "3"]
    assert rows["headroom"].tolist() == [1, 7]
    assert rows.loc["live", ["used_max", "utilization", "spillover", "invocations"]].tolist() == [
        1,
        0.5,
        2,
        8,
    ]
    assert rows.loc["live", "worked_share"] == pytest.approx(2 * 0.5 * 4 / 5 / (2 * 3 * 3600))
    price = prices(PROD.region, "x86_64").provisioned_capacity
    assert rows["usd_month"].tolist() == pytest.approx([float(n * 30 * 86_400 * price) for n in (2, 7)])
    assert rows["note"].tolist() == [
        "full: 2 invocations ran on demand instead", "no alias or trigger reaches version 3",
    ]  # fmt: skip


def test_metrics_that_were_denied_are_no_zero(open_page, store):
    commit(store, "inventory", [function("capped"), AccountLimits(concurrent_limit=100, unreserved_limit=95)])
    commit(store, "details", [Reserved(name="capped", reserved=5)])
    commit(store, "metrics", [Gap("", WINDOW, "the role lacks cloudwatch:GetMetricData")], outcome="denied")

    app = open_page(PAGE)

    assert not app.exception
    assert metric(app, "Nearest limit").value == "—"
    assert metric(app, "Throttled").value == "—"
    assert metric(app, "Runs out").value == "—"
    assert "is not known" in words(app)


def test_reservations_that_were_not_read_are_said(open_page, store):
    commit(store, "inventory", [function("capped"), AccountLimits(concurrent_limit=100, unreserved_limit=60)])
    burst = point(40, "capped", invocations=9.0, concurrent_max=40.0, throttles=9.0)
    commit(store, "metrics", [burst, point(40, claimed_max=60.0, throttles=9.0), Covered("", WINDOW)])

    text = words(open_page(PAGE))

    assert "40 are reserved, of which 0 are known by function" in text
    assert "**cannot tell**, whether it has a reservation of its own was not read" in text


def test_another_account_in_the_address_is_a_sentence(open_page, tight):
    app = open_page(PAGE, account="999999999999")

    assert not app.exception
    assert "No account's concurrency limit has been read yet" in words(app)


def test_names_of_others_change_nothing_but_their_own_text(open_page, tight):
    commit(tight, "inventory", [function(HOSTILE)])
    commit(tight, "details", [Reserved(name=HOSTILE, reserved=3)])
    burst = point(10, HOSTILE, invocations=9.0, concurrent_max=3.0, throttles=500.0)
    commit(tight, "metrics", [burst])

    text = words(open_page(PAGE))

    assert "a\\*\\*b\\*\\*\\<b\\>c\\</b\\>" in text
    assert "<b>" not in text.replace("\\<b\\>", "")
