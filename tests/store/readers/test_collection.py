"""What was read, what was not, what it cost and how large it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from core.facts import Covered, Gap, Target, Usage
from core.windows import Window
from store.readers.collection import collectors, freshness, gaps, runs, size, spend, targets

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
OTHER = Target("222222222222", "us-east-1")


def call(operation="GetMetricData", **fields):
    values = {"service": "monitoring", "calls": 10, "units": 5000, "cost_usd": "0.05"}
    return Usage(operation=operation, **{**values, **fields})


def test_targets_carry_the_name_people_know(world):
    world.store.remember_target(OTHER, "staging", NOW)

    assert targets(world.store)[["account", "alias"]].values.tolist() == [["222222222222", "staging"]]


def test_failing_collectors_come_first(world):
    world.run("metrics", [])
    world.run("inventory", [])
    world.run("traces", [], outcome="denied", error="no", permission="xray:GetTraceSummaries")

    frame = collectors(world.store, now=NOW)

    assert list(frame["collector"]) == ["traces", "inventory", "metrics"]
    assert frame["permission"][0] == "xray:GetTraceSummaries"


def test_the_last_good_run_is_kept_beside_a_bad_one(world):
    world.run("metrics", [], finished_at=world.at(20))
    world.run("metrics", [], outcome="failed", error="down", finished_at=world.at(5))
    world.run("metrics", [], outcome="failed", error="down", finished_at=world.at(60 * 25))

    row = collectors(world.store, now=NOW).iloc[0]

    assert (row["outcome"], row["last_ok"], row["last_run"]) == ("failed", world.at(20), world.at(5))
    assert (row["runs_24h"], row["failed_24h"]) == (2, 1)


def test_runs_newest_first(world):
    for minutes_ago in (30, 10, 20):
        world.run("metrics", [], finished_at=world.at(minutes_ago))

    found = runs(world.store, world.window(25))

    assert list(found["finished_at"]) == [world.at(10), world.at(20)]


def test_a_gap_says_what_why_and_which_permission(world):
    hole = world.window(30, until=60)
    world.run("inventory", [world.function()])
    world.run("metrics", [])
    world.run(
        "logs",
        [
            Gap("orders", hole, "the role lacks logs:FilterLogEvents", "logs:FilterLogEvents"),
            *_rest(world, hole),
        ],
    )

    frame = gaps(world.store, world.window(), now=NOW)

    row = frame[frame["collector"] == "logs"].iloc[0]
    assert (row["scope"], row["start"], row["end"], row["minutes"]) == ("orders", hole.start, hole.end, 30)
    assert row["why"] == "the role lacks logs:FilterLogEvents"
    assert row["permission"] == "logs:FilterLogEvents"
    assert "metrics" not in set(frame["collector"])


def _rest(world, hole):
    whole = world.window()
    return [
        Covered("orders", Window(whole.start, hole.start)),
        Covered("orders", Window(hole.end, whole.end)),
    ]


def test_what_was_never_asked_for_is_a_gap_too(world):
    world.run("metrics", [])

    frame = gaps(world.store, world.window(), now=NOW)

    assert set(frame["collector"]) == {"queues", "traces", "changes"}
    assert set(frame["why"]) == {"not yet"}


def test_data_is_as_fresh_as_the_slowest_target(world):
    assert freshness(world.store, now=NOW) is None

    world.run("metrics", [])
    world.run("metrics", [], target=OTHER, window=world.window(60, until=25))

    assert freshness(world.store, now=NOW) == world.at(25)


def test_spend_is_counted_exactly_from_the_first_of_the_month(world):
    world.run("metrics", [], usage=(call(),))
    world.run("metrics", [], usage=(call(cost_usd="0.01"), call("ListMetrics", cost_usd="0")))
    last_month = datetime(2026, 10, 31, 23, tzinfo=UTC)
    world.run("metrics", [], usage=(call(cost_usd="9"),), started_at=last_month, finished_at=last_month)

    frame = spend(world.store, now=NOW)

    dearest = frame.iloc[0]
    assert (dearest["operation"], dearest["calls"], dearest["units"]) == ("GetMetricData", 20, 10_000)
    assert dearest["cost_usd"] == Decimal("0.06")


def test_an_unknown_price_makes_an_unknown_sum(world):
    world.run("traces", [], usage=(call(cost_usd=None), call(cost_usd="1")))

    row = spend(world.store, now=NOW).iloc[0]

    assert row["cost_usd"] is None


def test_size_counts_the_hot_tail_the_files_and_the_state(world):
    old = Window(NOW - timedelta(hours=9), NOW - timedelta(hours=8))
    world.run("metrics", [world.point(9 * 60, 1), world.point(5, 1)], window=old)
    world.store.pack(now=NOW)

    frame = size(world.store).set_index("kind")

    assert frame.loc["metrics", ["files", "rows"]].tolist() == [1, 1]
    assert frame.loc["hot: metrics", "rows"] == 1
    assert frame.loc["state", "bytes"] > 0
    assert (frame["bytes"] > 0).all()


def test_an_empty_store_is_no_error(store):
    window = Window(NOW - timedelta(hours=3), NOW)

    assert collectors(store, now=NOW).empty
    assert gaps(store, window, now=NOW).empty
    assert spend(store, now=NOW).empty
    assert runs(store, window).empty
    assert list(size(store)["kind"]) == ["state"]
