"""Cost by group, cold starts by function, concurrency by pool, queues by urgency."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest

from core.entities import AccountLimits, Alias, EventSourceMapping, Provisioned, Queue, Reserved, Version
from core.facts import Covered, Gap, Listed, Target
from core.windows import Window
from store.readers.cold import cold_starts
from store.readers.concurrency import concurrency_series, limits, pools, throttle_series
from store.readers.cost import COMPONENTS, cost_series, costs
from store.readers.fleet import fleet
from store.readers.queues import queue_series, queues

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
DURATION, REQUEST, LOGS = Decimal("0.0000166667"), Decimal("0.0000002"), Decimal("0.57")
HELD, SERVED = Decimal("0.000004646"), Decimal("0.0000108407")
"""Prices of eu-west-1, x86."""


@pytest.fixture
def watched(world):
    world.run("inventory", [world.function(tags={"team": "shop"})])
    world.run("details", [Listed("provisioned", "orders")])
    world.run("metrics", [])
    world.run("logs", [Covered("orders", world.window())])
    return world


def cost_of(world, *, window=None, **about):
    return costs(world.store, window or world.window(60, until=60), now=NOW, **about)


def logged(world, *records, function="orders"):
    world.run("logs", [*records, Covered(function, world.window())])


def test_components_add_up_to_the_total_to_the_last_digit(watched):
    watched.run("inventory", [watched.function(ephemeral_mb=1536, memory_mb=1769)])
    watched.run("metrics", [watched.point(90, 7, log_bytes=12345.0)])
    records = [
        watched.record(90 + i / 10, 13.37 * i, init_ms=211.3 if i == 3 else None, memory_mb=1769.0)
        for i in range(1, 8)
    ]
    logged(watched, *records)

    row = cost_of(watched).iloc[0]

    assert row["cost_usd"] == sum(row[f"{name}_usd"] for name in COMPONENTS)
    assert all(row[f"{name}_usd"] > 0 for name in ("requests", "duration", "ephemeral", "logs"))
    assert row["cost_usd"] == fleet(watched.store, watched.window(60, until=60), now=NOW)["cost_usd"][0]


def test_initialization_is_shown_apart_and_billed_once(watched):
    logged(watched, watched.record(90, 99.2, billed_ms=350.0, init_ms=250.5))

    row = cost_of(watched).iloc[0]

    assert row["duration_usd"] == Decimal("0.1") * DURATION
    assert row["init_usd"] == Decimal("0.25") * DURATION


def test_a_log_that_was_read_is_the_basis(watched):
    watched.run("metrics", [watched.point(90, 1, duration_sum_ms=9e9)])
    logged(watched, watched.record(90, 100))

    row = cost_of(watched).iloc[0]

    assert row["basis"] == "records"
    assert row["duration_usd"] == Decimal("0.1") * DURATION
    assert row["invocations"] == 1


def test_without_its_log_a_cost_is_estimated_from_metrics_and_says_so(world):
    world.run("inventory", [world.function()])
    world.run("details", [])
    world.run("metrics", [world.point(90, 10, duration_sum_ms=995.0, log_bytes=0.0)])

    row = cost_of(world).iloc[0]

    assert row["basis"] == "metrics, estimated"
    assert row["duration_usd"] == DURATION
    assert row["requests_usd"] == 10 * REQUEST
    assert row["state"] is None


def test_history_before_the_log_is_estimated_and_nothing_counts_twice(watched):
    older = Window(NOW - timedelta(hours=6), NOW - timedelta(hours=3))
    points = [watched.point(200, 10, duration_sum_ms=995.0), watched.point(90, 1, duration_sum_ms=9e9)]
    watched.run("metrics", points, window=Window(older.start, NOW))
    logged(watched, watched.record(90, 1000))

    row = cost_of(watched, window=Window(older.start, NOW - timedelta(hours=1))).iloc[0]

    assert row["basis"] == "metrics, estimated"
    assert row["duration_usd"] == 2 * DURATION


def test_a_window_nobody_read_has_no_cost(world):
    world.run("inventory", [world.function()])

    row = cost_of(world).iloc[0]

    assert row["state"].startswith("not collected")
    assert fleet(world.store, world.window(60, until=60), now=NOW)["cost_usd"][0] is None


def test_a_price_that_nobody_knows_is_named(world):
    target = Target("222222222222", "ap-south-2")
    world.run("inventory", [world.function()], target=target)
    world.run("details", [], target=target)
    world.run("metrics", [world.point(90, 10, duration_sum_ms=1000.0, log_bytes=0.0)], target=target)

    row = cost_of(world).iloc[0]

    assert "no price is known for x86_64 in ap-south-2" in row["state"]
    assert fleet(world.store, world.window(60, until=60), now=NOW)["states"][0]["cost_usd"] == row["state"]


def test_the_volume_of_a_shared_log_group_is_unknown_not_free(watched):
    watched.run("metrics", [watched.point(90, 1, log_bytes=None)])
    logged(watched, watched.record(90, 100))

    row = cost_of(watched).iloc[0]

    assert row["state"] == "not collected: logs: the volume of its log group is not known, or shared"
    assert row["cost_usd"] == REQUEST + Decimal("0.1") * DURATION


def test_an_unknown_component_does_not_cloud_the_others(watched):
    watched.run("metrics", [watched.point(90, 1, log_bytes=None)])
    logged(watched, watched.record(90, 100))

    states = cost_of(watched, by=("component",)).set_index("component")["state"]

    assert states["logs"].startswith("not collected: logs")
    assert states["duration"] is None


def test_a_function_that_was_not_used_is_no_estimate(watched):
    watched.run("inventory", [watched.function("idle")])
    logged(watched, watched.record(90, 100))

    assert set(cost_of(watched)["basis"]) == {"records"}


def test_cost_by_tag_joins_teams_and_keeps_the_untagged(watched):
    both = [
        watched.function(tags={"team": "shop"}),
        watched.function("b", tags={"team": "shop"}),
        watched.function("c"),
    ]
    watched.run("inventory", both)
    for name in ("orders", "b", "c"):
        logged(watched, watched.record(90, 1000 if name == "b" else 100, function=name), function=name)

    frame = cost_of(watched, by=("tag:team",)).set_index("tag:team")

    assert list(frame.index) == ["shop", ""]
    assert frame.loc["shop", "duration_usd"] == Decimal("1.1") * DURATION


def test_cost_by_component_and_region(watched):
    logged(watched, watched.record(90, 100))

    frame = cost_of(watched, by=("region", "component"))

    assert set(frame["component"]) == {"requests", "duration", "init", "ephemeral", "provisioned", "logs"}
    assert frame["component"][0] == "duration"
    assert frame["cost_usd"].sum() == cost_of(watched)["cost_usd"].sum()


def test_cost_over_time_adds_up_to_the_table(watched):
    watched.run("metrics", [watched.point(m, 3, log_bytes=1e6) for m in (170, 110, 70)])
    logged(watched, *(watched.record(m, 777, init_ms=80.0, billed_ms=900.0) for m in (170, 110, 70)))

    series = cost_series(watched.store, watched.window(), now=NOW)["cost_usd"].sum()

    assert series == pytest.approx(
        float(cost_of(watched, window=watched.window())["cost_usd"].sum()), rel=1e-12
    )


POOL = {"function": "orders", "qualifier": "prod"}


def provisioned(world, **about):
    """An alias with two provisioned environments, configured long ago; its version has 2,048 MB."""
    things = [
        Version(name="orders:7", function="orders", version="7", memory_mb=2048, architecture="x86_64"),
        Alias(name="orders:prod", function="orders", alias="prod", version="7"),
        Provisioned(name="orders:prod", **POOL, requested=2, last_modified=world.at(9999)),
        Listed("provisioned", "orders"),
    ]
    world.run("details", things, **about)


def test_provisioned_concurrency_costs_while_it_is_held_used_or_not(watched):
    provisioned(watched)

    row = cost_of(watched).iloc[0]

    assert row["provisioned_usd"] == 2 * 2 * 3600 * HELD


def test_provisioned_concurrency_runs_at_its_own_price_and_its_overflow_does_not(watched):
    provisioned(watched)
    served = {"version": "7", "memory_mb": 1024.0}
    records = [
        watched.record(90, 1000, **served),
        watched.record(90, 1000, init_type="provisioned-concurrency", **served),
        watched.record(90, 1000, init_type="on-demand", init_ms=9.0, **served),
        watched.record(90, 1000, version="6"),
    ]
    logged(watched, *records)

    row = cost_of(watched).iloc[0]
    assert row["duration_usd"] == 2 * DURATION
    assert row["provisioned_usd"] == 2 * SERVED + 2 * 2 * 3600 * HELD


def test_a_resized_provision_costs_what_it_was_at_the_time(watched):
    provisioned(watched, finished_at=watched.at(150))
    smaller = Provisioned(name="orders:prod", **POOL, requested=1, last_modified=watched.at(9999))
    watched.run("details", [smaller], finished_at=watched.at(90))

    row = cost_of(watched).iloc[0]

    assert row["provisioned_usd"] == (1800 * 2 + 1800 * 1) * 2 * HELD


def test_before_details_were_read_provisioned_cost_is_unknown(world):
    world.run("inventory", [world.function()])
    world.run("metrics", [])

    assert cost_of(world).iloc[0]["state"] == "not collected: provisioned: not yet"


def test_who_waits_longest_for_cold_starts_comes_first(watched):
    watched.run("inventory", [watched.function(), watched.function("slow"), watched.function("warm")])
    logged(
        watched,
        watched.record(90, init_ms=100.0, billed_ms=200.0),
        watched.record(90),
        watched.record(90, init_ms=300.0),
    )
    logged(
        watched,
        watched.record(90, function="slow", restore_ms=9000.0, init_type="snap-start"),
        function="slow",
    )
    logged(watched, function="warm")

    frame = cold_starts(watched.store, watched.window(60, until=60), now=NOW)

    assert list(frame["function"]) == ["slow", "orders", "warm"]
    orders = frame.iloc[1]
    assert (orders["cold_starts"], orders["waited_s"], orders["init_max_ms"]) == (2, 0.4, 300)
    assert orders["cold_start_rate"] == pytest.approx(2 / 3)
    assert orders["init_cost_usd"] == Decimal("0.1") * DURATION
    assert (frame.iloc[0]["snap_start"], orders["on_demand"]) == (1, 2)
    assert (frame.iloc[2]["records"], frame.iloc[2]["cold_starts"]) == (0, 0)


def test_cold_starts_of_an_unread_log_are_unknown(watched):
    watched.run("inventory", [watched.function("dark")])
    watched.run("logs", [Gap("dark", watched.window(), "no such log group")])

    frame = cold_starts(watched.store, watched.window(60, until=60), now=NOW).set_index("function")

    assert np.isnan(frame.loc["dark", "cold_starts"])
    assert frame.loc["dark", "state"] == "not collected: no such log group"


def test_provisioned_initializations_kept_nobody_waiting(watched):
    logged(watched, watched.record(90, init_ms=500.0, init_type="provisioned-concurrency"))

    row = cold_starts(watched.store, watched.window(60, until=60), now=NOW).iloc[0]

    assert (row["cold_starts"], row["provisioned"]) == (0, 1)


ACCOUNT = {"scope": "account", "function": ""}


def limited(world):
    world.run("inventory", [AccountLimits(concurrent_limit=100, unreserved_limit=60)])
    world.run("details", [Reserved(name="orders", reserved=40)])


def test_limits_compare_the_busiest_moment_with_the_limit(watched):
    limited(watched)
    points = [
        watched.point(m, 1, claimed_max=n, throttles=2.0, **ACCOUNT)
        for m, n in ((100, 80.0), (90, 93.0), (70, 50.0))
    ]
    watched.run("metrics", points)

    row = limits(watched.store, watched.window(60, until=60), now=NOW).iloc[0]

    assert (row["limit"], row["reserved"], row["unreserved"]) == (100, 40, 60)
    assert (row["claimed_max"], row["claimed_ts"], row["claimed_now"]) == (93, watched.at(90), 50)
    assert (row["headroom"], row["utilization"], row["throttles"]) == (7, 0.93, 6)


def test_an_idle_account_is_silent_and_keeps_its_limit(watched):
    limited(watched)

    row = limits(watched.store, watched.window(60, until=60), now=NOW).iloc[0]

    assert (row["limit"], row["state"]) == (100, "silent")
    assert np.isnan(row["headroom"])


def test_pools_show_the_tightest_first_and_why_it_throttles(watched):
    limited(watched)
    watched.run("inventory", [watched.function(), watched.function("shared")])
    watched.run("details", [Reserved(name="orders", reserved=40), Reserved(name="shared", reserved=None)])
    points = [
        watched.point(90, 9, concurrent_max=40.0, throttles=5.0),
        watched.point(90, 9, concurrent_max=20.0, function="shared"),
        watched.point(90, 9, claimed_max=60.0, **ACCOUNT),
    ]
    watched.run("metrics", points)

    frame = pools(watched.store, watched.window(60, until=60), now=NOW)

    assert frame[["function", "pool", "limit", "headroom"]].values.tolist() == [
        ["orders", "reserved", 40, 0],
        ["shared", "shared", 60, 40],
    ]
    assert frame["note"][0] == "throttled by its own reservation of 40"


def test_a_reservation_of_zero_stops_a_function(watched):
    watched.run("details", [Reserved(name="orders", reserved=0)])

    row = pools(watched.store, watched.window(60, until=60), now=NOW).iloc[0]

    assert row["note"] == "stopped: its reserved concurrency is 0"


@pytest.mark.parametrize(("served", "reachable"), [(5.0, True), (0.0, False)])
def test_provisioned_concurrency_that_serves_nobody_is_not_reachable(watched, served, reachable):
    provisioned(watched)
    resource = watched.point(90, 9, scope="resource", resource="prod", provisioned_invocations=served)
    watched.run("metrics", [watched.point(90, 9, concurrent_max=1.0), resource])

    row = pools(watched.store, watched.window(60, until=60), now=NOW).iloc[0]

    assert row["reachable"] is reachable
    assert ("served no invocation" in row["note"]) is not reachable


def test_whether_an_idle_function_reaches_its_provision_is_not_known(watched):
    provisioned(watched)

    assert pools(watched.store, watched.window(60, until=60), now=NOW).iloc[0]["reachable"] is None


def test_concurrency_over_time_has_the_top_eight_the_rest_and_what_is_claimed(watched):
    points = [watched.point(90, 1, function=f"f{i}", concurrent_max=float(i)) for i in range(1, 10)]
    watched.run("metrics", [*points, watched.point(90, 9, claimed_max=45.0, **ACCOUNT)])

    frame = concurrency_series(watched.store, watched.target, watched.window(), now=NOW)
    busy = frame[frame["ts"] == watched.at(90)].set_index("function")["concurrent_max"]

    assert list(busy.index) == ["f9", "f8", "f7", "f6", "f5", "f4", "f3", "f2", "other", "(claimed)"]
    assert (busy["other"], busy["(claimed)"]) == (1, 45)
    assert frame.groupby("function")["ts"].nunique().unique() == [180]


def test_throttles_over_time_name_only_the_throttled(watched):
    watched.run(
        "metrics", [watched.point(90, 1, throttles=3.0), watched.point(90, 1, function="calm", throttles=0.0)]
    )

    frame = throttle_series(watched.store, watched.window(240), now=NOW)

    assert set(frame["function"]) == {"orders"}
    assert frame["throttles"].sum() == 3
    assert frame["throttles"].isna().sum() == 30


SOURCE = "arn:aws:sqs:eu-west-1:111111111111:orders-in"
DLQ = "arn:aws:sqs:eu-west-1:111111111111:orders-dlq"


def wired(world, **source):
    world.run("inventory", [EventSourceMapping(name="uuid", function="orders", source_arn=SOURCE)])
    samples = [
        world.sample(m, DLQ, n, sent=0.0, deleted=0.0, oldest_age_max_s=m * 1.0)
        for m, n in ((90, 1), (70, 3))
    ]
    values = {"redrive_target": DLQ, "visibility_timeout_s": 180, "max_receive_count": 5, "visible": 900}
    found = [Queue(name=SOURCE, **{**values, **source}), Queue(name=DLQ, visible=3, not_visible=1, delayed=0)]
    world.run("queues", [*found, *samples])


def test_dead_letter_queues_that_hold_messages_come_first(watched):
    wired(watched)

    frame = queues(watched.store, watched.window(60, until=60), now=NOW)

    assert frame[["queue", "role", "depth"]].values.tolist() == [
        ["orders-dlq", "dead-letter", 4],
        ["orders-in", "source", 900],
    ]
    dead = frame.iloc[0]
    assert (dead["arrivals"], dead["oldest_age_s"], dead["functions"], dead["state"]) == (
        3,
        70,
        ["orders"],
        None,
    )


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ({}, ""),
        ({"visibility_timeout_s": 60}, "visibility timeout 60 s is below 6 x the 30 s timeout of orders"),
        (
            {"max_receive_count": 1},
            "one receive and out: a single throttle sends a message to the dead-letter queue",
        ),
        (
            {"redrive_target": None},
            "no dead-letter queue: a message that keeps failing is retried until it expires",
        ),
    ],
)
def test_settings_that_lose_work_are_noted(watched, source, said):
    wired(watched, **source)

    frame = queues(watched.store, watched.window(60, until=60), now=NOW).set_index("queue")

    assert frame.loc["orders-in", "note"] == said


def test_a_queue_over_time(watched):
    wired(watched)

    frame = queue_series(watched.store, watched.target, DLQ, watched.window(), now=NOW).set_index("ts")

    assert len(frame) == 180
    assert (frame.loc[watched.at(70), "visible_max"], frame.loc[watched.at(70), "arrivals"]) == (3, 2)
    assert frame.loc[watched.at(60), "arrivals"] == 0
    assert np.isnan(frame.loc[watched.at(60), "visible_max"])


def test_an_empty_store_is_no_error(store):
    window = Window(NOW - timedelta(hours=3), NOW)

    assert costs(store, window, now=NOW).empty
    assert cold_starts(store, window, now=NOW).empty
    assert limits(store, window, now=NOW).empty
    assert pools(store, window, now=NOW).empty
    assert queues(store, window, now=NOW).empty
    assert throttle_series(store, window, now=NOW).empty
    assert concurrency_series(store, Target("1", "eu-west-1"), window, now=NOW).empty
