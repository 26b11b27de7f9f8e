"""How points are combined: by what CloudWatch was asked for, never a percentile of percentiles."""

import math
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.facts import Target
from core.metrics import METRICS
from core.telemetry import TELEMETRY, CapacitySample, MappingSample, MetricPoint, QueueSample
from store.columns import to_table
from store.packing import DERIVED
from store.rollup import COMBINE, KINDS, at_period, statistics
from store.telemetry import KEYS, SCHEMAS
from store.tiers import COLLECTOR

PROD = Target("111111111111", "eu-west-1")
ZERO = datetime(2026, 7, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def at_five(*points, kind="metrics", period_s=300):
    rows = at_period(kind, to_table(kind, points, PROD), period_s).to_pylist()
    return sorted(rows, key=lambda row: (row["ts"], row["period_s"]))


def point(minute, **values):
    own = {"scope": "function", "function": "a", "period_s": 60} | values
    return MetricPoint(ts=ZERO + minute * MINUTE, **own)


def test_every_kind_with_a_period_has_tiers_but_for_what_logs_insights_added_up():
    with_period = {
        kind.KIND for kind in TELEMETRY if "period_s" in SCHEMAS[kind.KIND].names and kind.KIND not in DERIVED
    }

    assert with_period - {"invocation_summaries"} == set(KINDS) == set(COLLECTOR)


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_has_a_rule(kind):
    own = {name for name in SCHEMAS[kind].names if name not in (*KEYS[kind], "period_s")}

    assert set(statistics(kind)) == own
    assert set(statistics(kind).values()) <= set(COMBINE)


def test_every_statistic_that_is_asked_for_can_be_combined():
    """An Average would have to bring its count: whoever asks for one decides here."""
    assert {m.statistic for m in METRICS if not m.is_percentile} <= set(COMBINE)


def test_a_field_is_combined_alike_wherever_it_comes_from():
    found = {}
    for metric in METRICS:
        how = "sum" if metric.statistic in ("Sum", "SampleCount") else metric.statistic
        key = metric.scope in ("mapping", "queue", "instances", "environments"), metric.field
        assert found.setdefault(key, how if not metric.is_percentile else "p") == (
            how if not metric.is_percentile else "p"
        )


def test_sums_add_maxima_take_the_largest_and_percentiles_are_unknown():
    (row,) = at_five(
        point(0, invocations=2, duration_max_ms=9.5, duration_p99_ms=9.0, insights_cold_starts=1),
        point(4, invocations=3, duration_max_ms=7.5, duration_p99_ms=7.0, insights_cold_starts=2),
    )

    assert (row["ts"], row["period_s"], row["invocations"]) == (ZERO, 300, 5)
    assert (row["duration_max_ms"], row["insights_cold_starts"]) == (9.5, 3)
    assert row["duration_p99_ms"] is None


def test_a_stretch_in_which_nothing_was_said_stays_unknown():
    (row,) = at_five(point(0, invocations=1), point(1, errors=0.0))

    assert row["throttles"] is None
    assert row["concurrent_max"] is None
    assert row["errors"] == 0.0


def test_points_of_the_period_itself_stay_as_they_came():
    told = point(5, period_s=300, invocations=8, duration_p99_ms=3.0)

    first, second = at_five(point(0, invocations=1), told)

    assert (first["invocations"], first["duration_p99_ms"]) == (1, None)
    assert (second["invocations"], second["duration_p99_ms"]) == (8, 3.0)


def test_where_a_point_of_the_period_is_there_shorter_ones_count_for_nothing():
    (row,) = at_five(point(1, invocations=1), point(0, period_s=300, invocations=8))

    assert row["invocations"] == 8


def test_things_are_kept_apart():
    rows = at_five(
        point(0, invocations=1),
        point(0, invocations=2, function="b"),
        point(0, invocations=4, scope="resource", resource="live"),
        point(1, invocations=8, scope="resource", resource="live"),
    )

    assert sorted(row["invocations"] for row in rows) == [1, 2, 12]


def test_a_mapping_keeps_the_function_that_it_feeds():
    samples = [
        MappingSample(mapping="m", function="f", ts=ZERO + n * MINUTE, period_s=60, polled=1.0)
        for n in range(3)
    ]

    (row,) = at_five(*samples, kind="mapping_samples")

    assert (row["function"], row["polled"]) == ("f", 3)


def test_depths_of_queues_are_maxima_and_traffic_is_sums():
    one = QueueSample(queue="q", ts=ZERO, period_s=60, visible_max=4, sent=1)
    two = QueueSample(queue="q", ts=ZERO + MINUTE, period_s=60, visible_max=3, sent=2)

    (row,) = at_five(one, two, kind="queue_samples")

    assert (row["visible_max"], row["sent"]) == (4, 3)


def test_capacity_that_is_told_every_five_minutes_becomes_hourly():
    samples = [
        CapacitySample(provider="p", ts=ZERO + n * 5 * MINUTE, period_s=300, environments_max=float(n))
        for n in range(12)
    ]

    (row,) = at_five(*samples, kind="capacity_samples", period_s=3600)

    assert (row["period_s"], row["environments_max"]) == (3600, 11)


values = st.none() | st.integers(0, 9).map(float)


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(st.integers(0, 179), st.tuples(values, values), max_size=60))
def test_nothing_is_lost_and_nothing_doubled_by_the_way(said):
    """By five minutes and then by the hour gives what the hour at once gives, and what plain sums give."""
    points = [point(m, invocations=count, duration_max_ms=most) for m, (count, most) in said.items()]
    table = to_table("metrics", points, PROD)

    at_once = at_period("metrics", table, 3600)
    by_steps = at_period("metrics", at_period("metrics", table, 300), 3600)

    assert by_hour(at_once) == by_hour(by_steps) == expected(said)


def by_hour(table: pa.Table):
    return {
        (row["ts"] - ZERO) // timedelta(hours=1): (row["invocations"], row["duration_max_ms"])
        for row in table.to_pylist()
    }


def expected(said):
    hours = {}
    for minute, pair in said.items():
        hours.setdefault(minute // 60, []).append(pair)
    return {hour: (total(c for c, _ in pairs), largest(m for _, m in pairs)) for hour, pairs in hours.items()}


def total(counts):
    known = [count for count in counts if count is not None]
    return math.fsum(known) if known else None


def largest(counts):
    return max((count for count in counts if count is not None), default=None)
