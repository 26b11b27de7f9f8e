"""Numbers of Cold starts, Concurrency and Silent stops, each from the facts again by plain arithmetic."""

from __future__ import annotations

import random
from datetime import timedelta

import pyarrow as pa
import pytest

from core.entities import AccountLimits, Function, Reserved
from core.facts import Covered
from core.telemetry import InvocationRecord, MetricPoint
from dashboard import numbers
from tests.dashboard.conftest import NOW, PROD, WINDOW, commit
from tests.dashboard.every_page import table, words

PAGE = "views/concurrency.py"
LIMIT, RESERVED, MINUTES = 1000, 40, 180
NAMES = [f"worker-{n}" for n in range(9)] + ["capped", "quiet"]
GROWTH = 2.0
"""Executions that the account claims more each minute."""


def used(name):
    """At once in each minute, the newest first."""
    seeded = random.Random(name)
    most = {"capped": RESERVED, "quiet": 0}.get(name, 5 * (1 + NAMES.index(name)))
    return [float(seeded.randint(0, most)) for _ in range(MINUTES)]


USED = {name: used(name) for name in NAMES}
CLAIMED = [600.0 - GROWTH * ago for ago in range(MINUTES)]
DROPPED = {30: 4.0, 31: 3.0}
"""Asynchronous events that `capped` dropped so many minutes ago, throttled in the same ones."""


def ts(ago):
    return NOW - timedelta(minutes=ago + 1)


def points():
    for ago in range(MINUTES):
        for name in NAMES:
            dropped = DROPPED.get(ago, 0.0) if name == "capped" else 0.0
            level = float(RESERVED) if dropped else USED[name][ago]
            yield MetricPoint(
                scope="function", function=name, ts=ts(ago), period_s=60, invocations=level, errors=0.0,
                concurrent_max=level, throttles=10 * dropped, async_dropped=dropped,
                async_received=2 * dropped,
            )  # fmt: skip
        refused = 10 * DROPPED.get(ago, 0.0)
        yield MetricPoint(
            scope="account", ts=ts(ago), period_s=60, claimed_max=CLAIMED[ago], throttles=refused,
            unreserved_max=CLAIMED[ago] - RESERVED,
        )  # fmt: skip


@pytest.fixture
def busy(store):
    store.remember_target(PROD, "shop", now=NOW)
    functions = [Function(name=name, arn=f"arn:{name}", memory_mb=512, runtime="go") for name in NAMES]
    limits = AccountLimits(concurrent_limit=LIMIT, unreserved_limit=LIMIT - RESERVED)
    commit(store, "inventory", [*functions, limits])
    commit(store, "details", [Reserved(name=n, reserved=RESERVED if n == "capped" else None) for n in NAMES])
    commit(store, "metrics", [*points(), Covered("", WINDOW)])
    return store


def card(app, label):
    return next(m for m in app.metric if m.label.startswith(label))


def drawn(app):
    """What each chart over time is drawn from: columns to values."""
    for chart in app.get("echarts_chart"):
        yield pa.ipc.open_stream(chart.proto.datasets[0].data.data).read_all().to_pydict()


def levels(name):
    """As told: the reservation is full in the minutes in which it refused."""
    return [
        float(RESERVED) if name == "capped" and ago in DROPPED else level
        for ago, level in enumerate(USED[name])
    ]


def test_the_ledger_and_the_cards_of_concurrency_are_plain_arithmetic(open_page, busy):
    app = open_page(PAGE)

    (row,) = table(app, "reservable").to_dict("records")
    assert (row["limit"], row["reserved"], row["unreserved"]) == (LIMIT, RESERVED, LIMIT - RESERVED)
    assert row["reservable"] == LIMIT - RESERVED - 100
    assert (row["claimed_now"], row["claimed_max"]) == (CLAIMED[0], max(CLAIMED))
    assert row["headroom"] == LIMIT - max(CLAIMED)
    assert row["utilization"] == max(CLAIMED) / LIMIT
    assert row["shared_max"] == max(CLAIMED) - RESERVED
    assert row["throttles"] == 10 * sum(DROPPED.values())
    assert card(app, "Throttled").value == numbers.count(10 * sum(DROPPED.values()))
    assert card(app, "May be reserved").value == numbers.count(LIMIT - RESERVED - 100)
    assert (card(app, "Bursts that lost work").value, card(app, "Bursts").delta) == ("1", "of 1 burst")
    assert "7 asynchronous events were dropped" in words(app)


def test_a_limit_runs_out_when_the_line_of_use_meets_it_and_never_before_lambda_can_fill_it(open_page, busy):
    app = open_page(PAGE)

    left = LIMIT - CLAIMED[0]
    assert card(app, "Runs out").value == f"in {numbers.age(timedelta(minutes=left / GROWTH))}"
    assert card(app, "Runs out").delta == "the account"
    assert f"at {GROWTH} more a minute" in words(app)
    assert f"may take what is left in {left / 1000 * 10:.1f} s" in words(app)


def test_each_minute_of_who_uses_it_is_the_most_that_each_function_had_at_once(open_page, busy):
    (chart,) = drawn(open_page(PAGE))

    first = sorted(NAMES, key=lambda name: max(levels(name)), reverse=True)
    rest = [name for name in first[8:] if max(levels(name))]
    told = {tuple(column) for column in chart.values()}
    by_step = list(zip(*(levels(name)[::-1] for name in rest), strict=True))
    assert {tuple(levels(name)[::-1]) for name in first[:8]} <= told
    assert tuple(sum(step) for step in by_step) in told
    assert chart["claimed"] == CLAIMED[::-1]
    assert chart["throttles"] == [10 * DROPPED.get(ago, 0.0) for ago in range(MINUTES)][::-1]


def test_the_headroom_of_each_pool_is_what_was_left_at_its_fullest(open_page, busy):
    rows = table(open_page(PAGE), "used_now").set_index("function")

    assert set(rows.index) == set(NAMES) - {"quiet"}
    for name in rows.index:
        own = name == "capped"
        holds = RESERVED if own else LIMIT - RESERVED
        left = RESERVED - max(levels(name)) if own else LIMIT - max(CLAIMED)
        assert rows.loc[name, ["limit", "used_max", "headroom"]].tolist() == [holds, max(levels(name)), left]
        assert rows.loc[name, "utilization"] == pytest.approx(max(levels(name)) / holds)
        assert rows.loc[name, "used_now"] == levels(name)[0]
        assert rows.loc[name, "throttles"] == (10 * sum(DROPPED.values()) if own else 0)


# --- Cold starts --------------------------------------------------------------------------------------------


def percentile(values, p):
    """Linear between the two nearest, as numpy and DuckDB do."""
    told, at = sorted(values), p * (len(values) - 1)
    low = int(at)
    high = min(low + 1, len(told) - 1)
    return told[low] + (told[high] - told[low]) * (at - low)


def records():
    """Some twenty a minute, a fifth of them cold; every tenth cold one is restored."""
    seeded = random.Random(7)
    for ago in range(MINUTES):
        for n in range(20):
            init_ms = round(seeded.uniform(200, 2000), 2) if seeded.random() < 0.2 else None
            is_restored = init_ms is not None and seeded.random() < 0.1
            yield InvocationRecord(
                function="api", ts=ts(ago) + timedelta(seconds=n), event_id=f"{ago}-{n}",
                request_id=f"{ago}-{n}", stream=f"{ago}-{n}", version="1", duration_ms=50.0, billed_ms=50.0,
                memory_mb=512.0, init_ms=None if is_restored else init_ms,
                restore_ms=init_ms if is_restored else None,
            )  # fmt: skip


def test_each_step_of_the_cold_starts_board_is_of_the_records_in_it(open_page, store):
    told = list(records())
    commit(store, "inventory", [Function(name="api", arn="arn:api", runtime="go", memory_mb=512)])
    commit(store, "logs", [*told, Covered("api", WINDOW)])

    (board,) = drawn(open_page("views/cold.py"))

    starts = board["ts"]
    step = starts[1] - starts[0]
    assert len(starts) == WINDOW.duration / step
    for i, start in enumerate(starts):
        mine = [r for r in told if start <= r.ts < start + step]
        inits = [r.init_ms for r in mine if r.init_ms is not None]
        restores = [r.restore_ms for r in mine if r.restore_ms is not None]
        assert board["records"][i] == len(mine)
        assert board["cold_starts"][i] == len(inits) + len(restores)
        share = 100 * (len(inits) + len(restores)) / len(mine)
        assert board["cold_percent"][i] == pytest.approx(share, abs=0.006)
        for name, values in (("init", inits), ("restore", restores)):
            for p in (50, 95):
                shown = board[f"{name}_p{p}"][i]
                if values:
                    assert shown == pytest.approx(percentile(values, p / 100), abs=0.51)
                else:
                    assert shown is None or shown != shown
