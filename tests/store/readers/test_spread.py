"""Slow and failed invocations, and how durations and memory spread, against plain sums over the records."""

import math
import random
from datetime import timedelta
from statistics import quantiles

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.buckets import DURATION_MS, SHARES, bucket
from core.entities import Version
from core.facts import Covered
from core.telemetry import LogEvent
from core.windows import MOST_POINTS, Window
from store.readers.distributions import duration_heatmap, duration_histogram, memory_histogram, memory_use
from store.readers.slow import reading, slow_invocations
from store.store import Filter

ORDERS = Filter(function="orders")


@given(st.floats(0, 2_000_000))
def test_a_value_lies_in_its_bucket(value):
    at = bucket(value, DURATION_MS)

    assert DURATION_MS[at] <= value
    assert value < DURATION_MS[at + 1] or at == len(DURATION_MS) - 2


@pytest.fixture
def ran(world):
    """300 invocations with durations over the whole range, a tenth of them failed, and another function."""
    chance = random.Random(7)
    facts = []
    for i in range(300):
        duration = 10 ** chance.uniform(0, 4.4)
        status = "timeout" if i % 30 == 0 else "error" if i % 10 == 0 else "success"
        init = 400.0 + i if i % 25 == 0 else None
        used = chance.uniform(100, 1030)
        facts.append(
            world.record(
                1 + i * 0.19,
                duration,
                status=status,
                init_ms=init,
                init_type="on-demand",
                max_memory_mb=used,
                out_of_memory=used > 1024,
                version="3" if i % 2 else "$LATEST",
                trace_id=f"trace-{i}",
            )
        )
    others = [world.record(10, 5, function="stock", restore_ms=700.0, init_type="snap-start")]
    version = Version(name="orders:3", function="orders", version="3", timeout_s=10)
    world.run("inventory", [world.function(), world.function("stock", timeout_s=None), version])
    covered = [Covered(name, world.window(60)) for name in ("orders", "stock")]
    world.run("logs", [*facts, *others, *covered], window=world.window(60))
    world.facts = facts
    return world


def test_the_slowest_come_first_with_what_to_go_on_with(ran):
    found = slow_invocations(ran.store, ran.window(60), where=ORDERS, limit=20)

    slowest = sorted(ran.facts, key=lambda r: -r.duration_ms)[:20]
    assert found["request_id"].tolist() == [r.request_id for r in slowest]
    assert found["trace_id"].tolist() == [r.trace_id for r in slowest]
    assert found["stream"].tolist() == ["stream"] * 20
    timeouts = [10_000.0 if r.version == "3" else 30_000.0 for r in slowest]
    assert found["timeout_ms"].tolist() == timeouts
    assert found["timeout_share"].tolist() == pytest.approx(
        [r.duration_ms / t for r, t in zip(slowest, timeouts, strict=True)]
    )


def test_what_a_caller_waited_for_is_named(ran):
    found = slow_invocations(ran.store, ran.window(60), order="cold", limit=50)

    assert found["function"].tolist()[0] == "stock"
    assert found["waited_for"].tolist()[0] == "restore of its snapshot"
    assert found["waited_ms"].tolist()[0] == 700
    assert set(found["waited_for"].tolist()[1:]) == {"initialization"}
    assert math.isnan(found["timeout_ms"].tolist()[0])


def test_a_warm_invocation_waited_for_nothing(ran):
    found = slow_invocations(ran.store, ran.window(60), where=ORDERS, limit=300)

    warm = found[found["init_ms"].isna()]
    assert warm["waited_for"].tolist() == [None] * len(warm)
    assert warm["waited_ms"].isna().all()


def test_failed_ones_are_the_newest_first(ran):
    found = slow_invocations(ran.store, ran.window(60), order="failed", limit=500)

    assert found["request_id"].tolist() == [r.request_id for r in ran.facts if r.status != "success"]


def test_nearest_to_its_timeout_is_no_matter_of_duration_alone(ran):
    found = slow_invocations(ran.store, ran.window(60), where=ORDERS, order="nearest timeout", limit=300)

    shares = found["timeout_share"].tolist()
    assert shares == sorted(shares, reverse=True)


def test_the_few_nearest_their_timeout_are_the_first_of_all(ran):
    few, whole = (
        slow_invocations(ran.store, ran.window(60), order="nearest timeout", limit=n) for n in (3, 500)
    )

    assert few["event_id"].tolist() == whole["event_id"].tolist()[:3]
    assert len(whole) == len(slow_invocations(ran.store, ran.window(60), limit=500))


def test_kept_lines_of_a_request_are_counted(ran):
    request = ran.facts[0].request_id
    line = {"function": "orders", "ts": ran.at(1), "stream": "stream", "level": "error", "signature": "s"}
    lines = [LogEvent(event_id=f"l{i}", request_id=request, message="no", **line) for i in range(3)]
    ran.run("logs", [*lines, Covered("orders", ran.window(60))], window=ran.window(60))

    found = slow_invocations(ran.store, ran.window(60), order="newest", limit=2)

    assert found["lines"].tolist() == [3, 0]


def test_says_how_well_the_log_was_read(ran):
    one = Filter(ran.target.account, ran.target.region, "orders")

    assert reading(ran.store, ran.window(60), now=ran.now, where=one) in {None, "provisional"}
    assert reading(ran.store, ran.window(120), now=ran.now, where=one).startswith("not collected: 60 of 120")


def test_the_histogram_of_durations_counts_every_record_once(ran):
    found = duration_histogram(ran.store, ran.target, "orders", ran.window(60))

    told = {row.from_ms: (row.records, row.failed, row.timeouts) for row in found.itertuples()}
    expected = {}
    for record in ran.facts:
        at = DURATION_MS[bucket(record.duration_ms, DURATION_MS)]
        counts = expected.setdefault(at, [0, 0, 0])
        counts[0] += 1
        counts[1] += record.status != "success"
        counts[2] += record.status == "timeout"
    assert {at: counts for at, counts in told.items() if counts[0]} == {
        a: tuple(c) for a, c in expected.items()
    }
    assert found["to_ms"].tolist()[:-1] == found["from_ms"].tolist()[1:]
    assert found["beyond_share"].iloc[0] == 1
    assert found["timeout_ms"].iloc[0] == 30_000


def test_the_heatmap_adds_up_to_the_histogram(ran):
    window = ran.window(60)
    histogram = duration_histogram(ran.store, ran.target, "orders", window)

    found = duration_heatmap(ran.store, ran.target, "orders", window, now=ran.now)

    assert found.groupby("from_ms")["records"].sum().tolist() == histogram["records"].tolist()
    shares = found.groupby("ts")["step_share"].sum(min_count=1).dropna()
    assert shares.tolist() == pytest.approx([1.0] * len(shares))


def test_a_step_whose_log_was_not_read_is_unknown_in_the_heatmap(ran):
    found = duration_heatmap(ran.store, ran.target, "orders", ran.window(120), now=ran.now)

    assert found.loc[found["ts"] < ran.at(60), "records"].isna().all()
    assert found.loc[found["ts"] >= ran.at(60), "records"].notna().all()


@pytest.mark.parametrize("minutes", [5, 180, 1440, 44_640, 655_200])
def test_a_heatmap_of_any_window_keeps_within_its_cells(ran, minutes):
    window = Window(ran.now - timedelta(minutes=minutes), ran.now)

    assert len(duration_heatmap(ran.store, ran.target, "orders", window, now=ran.now)) <= MOST_POINTS


def test_nothing_recorded_is_empty_with_the_same_columns(ran):
    window = ran.window(60)
    for read in (duration_histogram, memory_histogram):
        empty, full = (
            read(ran.store, ran.target, "nobody", window),
            read(ran.store, ran.target, "orders", window),
        )
        assert empty.empty
        assert list(empty.columns) == list(full.columns)
        assert (empty.dtypes == full.dtypes).all()


def test_memory_is_told_against_what_is_configured(ran):
    (row,) = memory_use(ran.store, ran.window(60), now=ran.now, where=ORDERS).itertuples()

    used = [r.max_memory_mb for r in ran.facts]
    assert (row.records, row.configured_mb, row.memory_mb) == (300, 1024, 1024)
    assert row.used_max_mb == pytest.approx(max(used))
    assert row.used_p50_mb == pytest.approx(quantiles(used, n=2, method="inclusive")[0])
    assert row.used_p95_mb == pytest.approx(quantiles(used, n=20, method="inclusive")[-1])
    assert row.spare_mb == pytest.approx(1024 - max(used))
    assert row.out_of_memory == sum(r.out_of_memory for r in ran.facts)


def test_the_histogram_of_memory_counts_shares_of_what_it_ran_with(ran):
    found = memory_histogram(ran.store, ran.target, "orders", ran.window(60))

    expected = {}
    for record in ran.facts:
        at = SHARES[bucket(record.max_memory_mb / 1024, SHARES)]
        expected[at] = expected.get(at, 0) + 1
    assert {row.from_share: row.records for row in found.itertuples() if row.records} == expected
    assert found["to_share"].iloc[-1] == 1
