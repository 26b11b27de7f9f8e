"""Usage is derived once, again when late data comes, and says what counting on the spot says."""

from __future__ import annotations

import math
import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from core.entities import Version
from core.facts import Covered, Listed, Target
from core.prices import packaged_book, prices
from core.settings import CostSettings
from core.windows import Window
from store import metering
from store.metering import has_grown, meter
from store.readers.cost import COMPONENTS, cost_now, cost_series, costs
from store.store import Filter, Store
from tests.store.readers.conftest import NOW, PROD, World

pytestmark = pytest.mark.slow

OTHER = Target("222222222222", "us-east-1")
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
WHOLE = Window(NOW - 3 * DAY, NOW)
DAY_BEFORE = Window(NOW - 2 * DAY, NOW - DAY)
LATEST = Window(NOW - 8 * HOUR, NOW)
TEAMS = {"orders": "shop", "bills": "money", "mails": ""}
SIZES = {"orders": (1024, "x86_64"), "bills": (512, "arm64"), "mails": (128, "x86_64")}
EXACT = Decimal("1e-14")
"""A grain of rounding for each of a few parts."""


@pytest.fixture
def world(store) -> World:
    return World(store)


@pytest.fixture(scope="module")
def metered(lasting):
    """Three days of usage, derived once; tests only read it."""
    opened = Store.open(lasting)
    world = World(opened)
    world.oracle = fill(world)
    meter(opened, now=NOW)
    world.usd = sum(
        costs(opened, WHOLE, now=NOW, by=("account", "region", "function", "component"))["cost_usd"]
    )
    yield world
    opened.close()


class Oracle:
    """USD per target, function and component of what was committed, in plain Python."""

    def __init__(self) -> None:
        self.usd: dict[tuple[Target, str, str], Decimal] = defaultdict(Decimal)
        self.points: dict[tuple[Target, str], list] = defaultdict(list)
        self.records: dict[tuple[Target, str], list] = defaultdict(list)

    def within(self, window: Window) -> dict[tuple[Target, str, str], Decimal]:
        usd: dict[tuple[Target, str, str], Decimal] = defaultdict(Decimal)
        for (target, name), points in self.points.items():
            of = prices(target.region, SIZES[name][1])
            for point in points:
                if point.ts in window:
                    usd[target, name, "requests"] += Decimal(point.invocations) * of.request
                    usd[target, name, "logs"] += Decimal(point.log_bytes) / 2**30 * of.log_ingest
                    if not self.records[target, name]:
                        billed = Decimal(point.duration_sum_ms) + Decimal("0.5") * Decimal(point.invocations)
                        usd[target, name, "duration"] += billed * SIZES[name][0] / 1024 / 1000 * of.duration
        for (target, name), records in self.records.items():
            for record in (r for r in records if r.ts in window):
                own = prices(target.region, SIZES[name][1])
                memory = Decimal(record.memory_mb) / 1024 / 1000
                run = Decimal(math.ceil(record.duration_ms))
                usd[target, name, "duration"] += run * memory * own.duration
                usd[target, name, "init"] += (Decimal(record.billed_ms) - run) * memory * own.duration
        return usd


def fill(world: World, window: Window = WHOLE, *, finished_at: datetime = NOW, seed: int = 7) -> Oracle:
    """Three functions in two accounts: two of them with records, one with metrics alone."""
    chance, oracle = random.Random(seed), Oracle()
    about = {"window": window, "started_at": finished_at, "finished_at": finished_at}
    for target in (PROD, OTHER):
        functions = [
            world.function(
                name, memory_mb=memory, architecture=arch, tags={"team": TEAMS[name]} if TEAMS[name] else {}
            )
            for name, (memory, arch) in SIZES.items()
        ]
        world.run("inventory", [*functions, Listed("function")], target=target, **about)
        world.run("details", [], target=target, **about)
        for name in SIZES:
            for ts in (window.start + i * timedelta(hours=1) for i in range(int(window.duration / HOUR))):
                count = chance.randint(1, 3)
                minutes = (NOW - ts) / timedelta(minutes=1)
                volume = float(chance.randint(100, 10_000))
                took = [chance.randint(1, 900) for _ in range(count)]
                oracle.points[target, name].append(
                    world.point(
                        minutes, count, function=name, duration_sum_ms=float(sum(took)), log_bytes=volume
                    )
                )
                if name != "mails":
                    for i, ms in enumerate(took):
                        init = 250.0 if chance.random() < 0.1 else None
                        oracle.records[target, name].append(
                            world.record(
                                minutes - i / 10, ms, function=name, memory_mb=float(SIZES[name][0]),
                                version=str(i + 1), init_ms=init, billed_ms=float(ms) + (init or 0),
                            )
                        )  # fmt: skip
        points = [p for (t, _), ps in oracle.points.items() if t == target for p in ps]
        records = [r for (t, _), rs in oracle.records.items() if t == target for r in rs]
        read = [Covered(name, window) for name in SIZES if name != "mails"]
        world.run("metrics", points, target=target, **about)
        world.run("logs", [*records, *read], target=target, **about)
    return oracle


def told(world: World, window: Window, *by: str, now: datetime = NOW, **about) -> dict:
    frame = costs(world.store, window, now=now, by=by, **about)
    return {tuple(row[part] for part in by): row for row in frame.to_dict("records")}


def check(world: World, oracle: Oracle, window: Window) -> None:
    found, wanted = told(world, window, "account", "region", "function"), oracle.within(window)
    for (target, name, component), usd in wanted.items():
        row = found[target.account, target.region, name]
        assert row[f"{component}_usd"] == pytest.approx(usd, abs=EXACT), (name, component)
    assert sum(row["cost_usd"] for row in found.values()) == pytest.approx(
        sum(wanted.values()), abs=10 * EXACT
    )


WINDOWS = [
    WHOLE,
    Window(NOW - 2 * DAY, NOW - DAY),
    Window(NOW - 50 * HOUR - timedelta(minutes=7), NOW - timedelta(minutes=13)),
    Window(NOW - 40 * timedelta(minutes=1), NOW),
]


def test_cost_is_the_same_filed_or_counted_on_the_spot_and_as_by_hand(world):
    oracle = fill(world)
    by = ("account", "function", "version", "component")
    before = []
    for window in WINDOWS:
        check(world, oracle, window)
        before.append(told(world, window, *by))
    bars = cost_series(world.store, WHOLE, now=NOW, by="tag:team")

    assert meter(world.store, now=NOW) > 0

    for window, rows in zip(WINDOWS, before, strict=True):
        check(world, oracle, window)
        assert told(world, window, *by) == rows
    after = cost_series(world.store, WHOLE, now=NOW, by="tag:team")
    assert list(after["group"]) == list(bars["group"])
    assert list(after["cost_usd"]) == pytest.approx(list(bars["cost_usd"]), rel=1e-9, nan_ok=True)


def test_filed_usage_is_what_is_read(metered):
    with metered.store.snapshot(WHOLE, ("metered",)) as snapshot:
        frame = snapshot.frame("SELECT min(ts) AS first, max(ts) AS last, sum(requests) AS n FROM metered")

    assert frame["first"][0] == NOW - 3 * DAY
    assert frame["last"][0] == datetime(2026, 11, 20, 10, tzinfo=UTC), "an hour settles 48 minutes after it"
    assert frame["n"][0] > 0


def test_deriving_twice_writes_nothing_new(metered):
    assert meter(metered.store, now=NOW) == 0


def test_an_hour_that_settles_is_added_to_its_day(world):
    oracle = fill(world, LATEST)
    meter(world.store, now=NOW)
    files = len(world.store.filed("metered", PROD))

    assert meter(world.store, now=NOW + HOUR) == 2, "one file a target"

    assert len(world.store.filed("metered", PROD)) == files
    check(world, oracle, WHOLE)


def test_late_logs_change_the_hours_that_they_are_of(world):
    window = DAY_BEFORE
    world.run("inventory", [world.function()])
    world.run("details", [])
    points = [world.point(30 * 60, 10, duration_sum_ms=995.0, log_bytes=0.0)]
    world.run("metrics", points, window=WHOLE)
    meter(world.store, now=NOW)
    assert told(world, window, "function")["orders",]["basis"] == "metrics, estimated"

    world.run("logs", [world.record(30 * 60, 5000), Covered("orders", WHOLE)], window=WHOLE)
    meter(world.store, now=NOW)

    row = told(world, window, "function")["orders",]
    assert row["basis"] == "records"
    assert row["duration_usd"] == 5 * prices(PROD.region, "x86_64").duration
    assert row["invocations"] == 10


def test_of_a_day_that_was_read_in_part_metrics_count_the_hours_that_were_read(world):
    """An invocation that ends in the hour after it began is of the hour it began in, as on AWS's bill."""
    read, hour = Window(NOW - 8 * HOUR, NOW), Window(NOW - 6 * HOUR, NOW - 5 * HOUR)
    world.run("inventory", [world.function()])
    world.run("details", [])
    world.run("metrics", [world.point(6 * 60 + 1, 2), world.point(5 * 60 + 1, 1)], window=read)
    records = [world.record(6 * 60 - 0.1), world.record(6 * 60 - 0.2), world.record(5 * 60 + 0.5)]
    world.run("logs", [*records, Covered("orders", read)], window=read)

    meter(world.store, now=NOW)

    assert told(world, hour, "function")["orders",]["invocations"] == 1
    assert told(world, read, "function")["orders",]["invocations"] == 3


def test_a_day_whose_records_are_gone_is_not_derived_from_less():
    assert has_grown(None, (1, 0, 0))
    assert has_grown((10, 5, 0), (11, 5, 0))
    assert not has_grown((10, 5, 0), (10, 5, 0))
    assert not has_grown((10, 5, 0), (12, 0, 0)), "more metrics, but the records have gone"


def test_what_records_told_stays_when_they_are_past_their_time(world):
    oracle = fill(world, DAY_BEFORE)
    meter(world.store, now=NOW)
    later = NOW + 40 * DAY
    world.store.pack(now=later)

    meter(world.store, now=later)

    with world.store.snapshot(WHOLE, ("invocations",)) as snapshot:
        assert snapshot.frame("SELECT count(*) AS n FROM invocations")["n"][0] == 0
    found = told(world, DAY_BEFORE, "account", "function", now=later)
    wanted = oracle.within(DAY_BEFORE)
    usd = found[PROD.account, "orders"]["init_usd"]
    assert usd == pytest.approx(wanted[PROD, "orders", "init"], abs=EXACT)


def test_a_month_that_is_over_long_ago_is_one_file_with_a_row_a_day(world):
    window = Window(datetime(2026, 9, 29, tzinfo=UTC), datetime(2026, 10, 2, tzinfo=UTC))
    end = window.end + HOUR
    oracle = fill(world, window, finished_at=end)
    meter(world.store, now=end)
    whole_days = Window(window.start, window.end)
    before = told(world, whole_days, "account", "function", "component", now=end)

    later = datetime(2026, 11, 5, tzinfo=UTC)
    assert meter(world.store, now=later) == 2

    assert [f.window for f in world.store.filed("metered", PROD)] == [
        Window(datetime(2026, 9, 29, tzinfo=UTC), datetime(2026, 10, 1, tzinfo=UTC)),
        Window(datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 10, 2, tzinfo=UTC)),
    ]
    after = told(world, whole_days, "account", "function", "component", now=later)
    assert {key: row["cost_usd"] for key, row in after.items()} == {
        key: row["cost_usd"] for key, row in before.items()
    }
    assert oracle.points


def test_late_logs_of_a_month_that_is_over_change_its_day(world):
    first = datetime(2026, 9, 10, tzinfo=UTC)
    window, later = Window(first, first + 2 * DAY), datetime(2026, 11, 5, tzinfo=UTC)
    minutes = (NOW - first - HOUR) / timedelta(minutes=1)
    world.run("inventory", [world.function()])
    world.run("details", [])
    point = world.point(minutes, 10, duration_sum_ms=995.0, log_bytes=0.0)
    world.run("metrics", [point], window=window, finished_at=later)
    meter(world.store, now=later)
    assert len(world.store.filed("metered", PROD)) == 1

    world.run(
        "logs", [world.record(minutes, 5000), Covered("orders", window)], window=window, finished_at=later
    )
    meter(world.store, now=later)

    row = told(world, window, "function", now=later)["orders",]
    assert (row["basis"], row["invocations"]) == ("records", 10)
    assert row["duration_usd"] == 5 * prices(PROD.region, "x86_64").duration
    assert len(world.store.filed("metered", PROD)) == 1


def test_a_kill_before_the_file_is_visible_leaves_nothing_and_the_next_run_derives_it(world, monkeypatch):
    oracle = fill(world, LATEST)
    monkeypatch.setattr(metering, "_mark", killed)
    with pytest.raises(KeyboardInterrupt):
        meter(world.store, now=NOW)
    assert not world.store.filed("metered", PROD)
    check(world, oracle, WHOLE)

    monkeypatch.undo()
    meter(world.store, now=NOW)

    check(world, oracle, WHOLE)


def killed(*_args) -> None:
    raise KeyboardInterrupt


def test_nobody_derives_while_another_packs(world):
    fill(world, LATEST)

    with world.store.packing_alone() as mine:
        assert mine
        assert meter(world.store, now=NOW) == 0


# --- any grouping -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "by",
    [
        ("tag:team",), ("account",), ("region",), ("function",), ("architecture",), ("runtime",),
        ("version",), ("component",), ("month",), ("day",), ("tag:team", "component"), ("day", "function"),
    ],
)  # fmt: skip
def test_every_grouping_adds_up_to_the_same_total_to_the_last_digit(metered, by):
    frame = costs(metered.store, WHOLE, now=NOW, by=by)

    assert sum(frame["cost_usd"]) == metered.usd > 0
    for row in frame.to_dict("records"):
        assert row["cost_usd"] == sum(row[f"{name}_usd"] for name in COMPONENTS)


def test_usage_is_of_the_day_it_was_used(metered):
    found = told(metered, WHOLE, "day")

    assert set(found) == {(f"2026-11-{day}",) for day in (17, 18, 19, 20)}
    day = Window(datetime(2026, 11, 18, tzinfo=UTC), datetime(2026, 11, 19, tzinfo=UTC))
    wanted = sum(metered.oracle.within(day).values())
    assert found["2026-11-18",]["cost_usd"] == pytest.approx(wanted, abs=10 * EXACT)


def test_versions_are_told_apart(world):
    fill(world, LATEST)
    versions = [Version(name=f"orders:{n}", function="orders", version=str(n)) for n in (1, 2, 3)]
    world.run("inventory", [world.function(), *versions])
    meter(world.store, now=NOW)

    found = told(world, WHOLE, "version", where=Filter(PROD.account, PROD.region, "orders"))

    assert {("1",), ("2",), ("3",)} <= set(found)
    assert found["1",]["invocations"] > found["3",]["invocations"] > 0


# --- what the payer pays ------------------------------------------------------------------------------------


def test_net_cost_takes_free_amounts_off_over_the_whole_month(metered):
    free = told(metered, WHOLE, "account", "component", settings=CostSettings())
    paid = told(metered, WHOLE, "account", "component", settings=CostSettings(free_tier=False))

    assert free[PROD.account, "duration"]["net_usd"] == 0, "all of it is within the free amount"
    assert free[PROD.account, "logs"]["net_usd"] > 0
    assert {key: row["net_usd"] for key, row in paid.items()} == {
        key: row["cost_usd"] for key, row in paid.items()
    }


def test_a_price_of_ones_own_comes_first(metered):
    price = packaged_book().price("requests", PROD.region, on=NOW.date())
    assert price is not None
    listed = told(metered, WHOLE, "region", settings=CostSettings())[PROD.region,]

    assert listed["requests_usd"] / Decimal(listed["invocations"]) == price.usd


# --- a rate -------------------------------------------------------------------------------------------------


def test_the_rate_is_usd_an_hour_and_unknown_where_nobody_read(world):
    oracle = fill(world, LATEST)
    window = Window(NOW - 2 * HOUR, NOW - HOUR)

    rates = cost_now(world.store, window, now=NOW)

    wanted = sum(usd for key, usd in oracle.within(window).items() if key[:2] == (PROD, "orders"))
    assert rates[PROD.account, PROD.region, "orders"] == pytest.approx(float(wanted))
    unread = Window(NOW + HOUR, NOW + 2 * HOUR)
    assert set(cost_now(world.store, unread, now=NOW + 2 * HOUR).values()) == {None}
