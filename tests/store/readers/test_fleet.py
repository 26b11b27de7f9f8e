"""The fleet table against a plain computation, and its four states."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest

from core.entities import EventSourceMapping, InvokeConfig, Queue, Reserved
from core.facts import Covered, Gap, Listed, Target
from core.windows import Window
from store.readers.fleet import fleet
from store.store import Filter

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOUR_AGO = NOW - timedelta(hours=1)
"""A window that ends here is settled."""


def row_of(frame, function="orders"):
    return frame[frame["function"] == function].iloc[0]


def read(world, window=None, **about):
    return fleet(world.store, window or world.window(60, until=60), now=NOW, **about)


@pytest.fixture
def watched(world):
    """A function whose inventory, metrics and log were read over three hours, with nothing in them yet."""
    world.run("inventory", [world.function()])
    world.run("details", [])
    world.run("metrics", [])
    world.run("logs", [Covered("orders", world.window())])
    return world


def test_sums_come_from_metrics(watched):
    watched.run("metrics", [watched.point(90, 10, errors=1, throttles=2), watched.point(61, 30, errors=3)])

    row = row_of(read(watched))

    assert (row["invocations"], row["errors"], row["throttles"]) == (40, 4, 2)
    assert row["error_rate"] == 0.1
    assert row["states"].keys().isdisjoint({"invocations", "errors", "error_rate", "throttles"})


def test_a_window_holds_its_start_and_not_its_end(watched):
    watched.run("metrics", [watched.point(120, 1), watched.point(60, 10), watched.point(121, 100)])
    watched.run("logs", [watched.record(120), watched.record(60), Covered("orders", watched.window())])

    row = row_of(read(watched))

    assert row["invocations"] == 1
    assert row["cold_start_rate"] == 0


def test_percentiles_are_those_of_all_records_together(watched):
    durations = [7.5, 300, 12, 900.25, 41, 13, 55, 20_000]
    watched.run(
        "logs",
        [
            *(watched.record(61 + i, ms) for i, ms in enumerate(durations)),
            Covered("orders", watched.window()),
        ],
    )

    row = row_of(read(watched))

    for share, name in ((50, "duration_p50_ms"), (95, "duration_p95_ms"), (99, "duration_p99_ms")):
        assert row[name] == pytest.approx(np.percentile(durations, share), rel=1e-12)


def test_maxima_are_maxima(watched):
    points = [
        watched.point(90, duration_max_ms=250.5, concurrent_max=3),
        watched.point(80, duration_max_ms=90, concurrent_max=7),
    ]
    watched.run("metrics", points)

    row = row_of(read(watched))

    assert (row["duration_max_ms"], row["max_concurrency"]) == (250.5, 7)


def test_records_tell_cold_starts_timeouts_and_memory_kills(watched):
    records = [
        watched.record(90, init_ms=200, max_memory_mb=300),
        watched.record(89, init_ms=400, init_type="on-demand"),
        watched.record(88, restore_ms=100, init_type="snap-start"),
        watched.record(87, init_ms=900, init_type="provisioned-concurrency"),
        watched.record(86, status="timeout"),
        watched.record(85, status="error", out_of_memory=True, max_memory_mb=1024),
    ]
    watched.run("logs", [*records, Covered("orders", watched.window())])

    row = row_of(read(watched))

    assert (row["cold_starts"], row["cold_start_rate"]) == (3, 0.5)
    assert (row["init_p50_ms"], row["timeouts"], row["out_of_memory"]) == (300, 1, 1)
    assert row["max_memory_used_mb"] == 1024


def test_five_minute_history_adds_to_one_minute_history(watched):
    watched.run("metrics", [watched.point(90, 10)])
    older = Window(NOW - timedelta(hours=9), NOW - timedelta(hours=3))
    watched.run("metrics", [watched.point(300, 50, period_s=300)], window=older, period_s=300)

    row = row_of(read(watched, Window(older.start, HOUR_AGO)))

    assert row["invocations"] == 60
    assert "invocations" not in row["states"]


def test_nothing_invoked_is_zero_and_its_durations_are_silent(watched):
    row = row_of(read(watched))

    assert (row["invocations"], row["errors"], row["cold_starts"]) == (0, 0, 0)
    assert np.isnan(row["error_rate"])
    assert row["states"]["error_rate"] == "silent"
    assert row["states"]["duration_p95_ms"] == "silent"
    assert "invocations" not in row["states"]


def test_a_window_that_may_still_change_is_provisional(watched):
    watched.run("metrics", [watched.point(5, 3)])

    row = row_of(read(watched, watched.window(30)))

    assert row["invocations"] == 3
    assert row["states"]["invocations"] == "provisional"
    assert row["states"]["errors"] == "provisional"


def test_before_the_first_run_nothing_is_collected(world):
    world.run("inventory", [world.function()])

    row = row_of(read(world))

    assert np.isnan(row["invocations"])
    assert row["states"]["invocations"] == "not collected: not yet"
    assert row["states"]["duration_p95_ms"] == "not collected: not yet"
    assert row["cost_usd"] is None


def test_a_denied_collector_says_what_it_lacks(world):
    world.run("inventory", [world.function()])
    world.run("metrics", [], outcome="denied", error="the role lacks cloudwatch:GetMetricData")

    states = row_of(read(world))["states"]

    assert states["invocations"] == "not collected: the role lacks cloudwatch:GetMetricData"


def test_a_hole_shows_the_rest_beside_its_reason_and_hides_zeros(world):
    hole = world.window(20, until=80)
    world.run("inventory", [world.function()])
    world.run("metrics", [world.point(110, 5), *_around(world, hole), Gap("", hole, "CloudWatch was down")])

    row = row_of(read(world))

    assert row["invocations"] == 5
    assert row["states"]["invocations"] == "not collected: 20 of 60 minutes: CloudWatch was down"
    assert np.isnan(row["throttles"])
    assert row["states"]["throttles"] == "not collected: 20 of 60 minutes: CloudWatch was down"


def _around(world, hole):
    whole = world.window()
    return [Covered("", Window(whole.start, hole.start), 60), Covered("", Window(hole.end, whole.end), 60)]


def test_older_than_the_history_is_said_to_be(watched):
    row = row_of(read(watched, watched.window(1000, until=60)))

    expected = "not collected: 880 of 1000 minutes: history was not read that far back"
    assert row["states"]["invocations"] == expected


def test_the_minutes_since_the_last_run_are_provisional_while_collection_works(watched):
    later = NOW + timedelta(minutes=4)
    watched.run("metrics", [watched.point(1, 2)])

    row = row_of(fleet(watched.store, Window(NOW - timedelta(hours=1), later), now=later))

    assert row["invocations"] == 2
    assert row["states"]["invocations"] == "provisional"


def test_the_minutes_since_the_last_run_are_missing_when_collection_stopped(watched):
    later = NOW + timedelta(minutes=30)

    row = row_of(fleet(watched.store, Window(NOW, later), now=later))

    assert row["states"]["invocations"] == "not collected: not yet"
    assert np.isnan(row["invocations"])


def test_a_failing_run_makes_even_the_newest_minutes_missing(watched):
    later = NOW + timedelta(minutes=5)
    failed = {"outcome": "failed", "error": "the endpoint cannot be reached", "finished_at": later}
    watched.run("metrics", [], **failed)

    row = row_of(fleet(watched.store, Window(NOW - timedelta(hours=1), later), now=later))

    expected = "not collected: 5 of 65 minutes: the endpoint cannot be reached"
    assert row["states"]["invocations"] == expected


def test_one_functions_log_does_not_speak_for_another(watched):
    watched.run("inventory", [watched.function(), watched.function("billing")])
    watched.run("metrics", [watched.point(90, 1, function="billing")])
    watched.run("logs", [Gap("billing", watched.window(), "log group /aws/lambda/billing does not exist")])

    frame = read(watched)

    missing = "not collected: log group /aws/lambda/billing does not exist"
    assert row_of(frame, "billing")["states"]["cold_starts"] == missing
    assert "cold_starts" not in row_of(frame, "orders")["states"]


def test_a_log_without_records_of_what_ran_is_not_zero_cold_starts(watched):
    watched.run("metrics", [watched.point(110, 12)])

    row = row_of(read(watched))

    assert np.isnan(row["cold_starts"])
    assert row["states"]["cold_starts"] == "not collected: the log has no REPORT record of 12 invocations"


def test_a_function_that_was_not_invoked_needs_no_log(watched):
    watched.run("inventory", [watched.function("idle")])
    watched.run("logs", [Gap("idle", watched.window(), "log group /aws/lambda/idle does not exist")])

    row = row_of(read(watched), "idle")

    assert (row["cold_starts"], row["timeouts"], row["cost_usd"]) == (0, 0, 0)
    assert row["states"]["duration_p95_ms"] == "silent"
    assert "cold_starts" not in row["states"]


def test_an_invocation_that_may_still_run_at_the_end_of_the_window_is_not_missed(watched):
    watched.run("metrics", [watched.point(61, 1)])

    row = row_of(read(watched))

    assert row["cold_starts"] == 0
    assert "cold_starts" not in row["states"]


def test_configuration_tags_and_reservation_are_shown(world):
    world.run("inventory", [world.function(tags={"team": "shop"}, architecture="arm64", memory_mb=512)])
    world.run("details", [Reserved(name="orders", reserved=40)])

    row = row_of(read(world))

    assert (row["architecture"], row["memory_mb"], row["tags"], row["reserved"]) == (
        "arm64",
        512,
        {"team": "shop"},
        40,
    )


def test_a_function_that_is_gone_shows_while_it_has_facts(watched):
    watched.run("metrics", [watched.point(90, 5)])
    watched.run("inventory", [Listed("function")])

    with_facts, without = read(watched), read(watched, watched.window(20, until=20))

    assert row_of(with_facts)["invocations"] == 5
    assert without.empty


def test_filters_by_account_region_and_function(watched):
    other = Target("222222222222", "us-east-1")
    watched.run("inventory", [watched.function("billing")], target=other)

    assert list(read(watched)["function"]) == ["orders", "billing"]
    assert list(read(watched, where=Filter(region="us-east-1"))["function"]) == ["billing"]
    assert list(read(watched, where=Filter(account=watched.target.account))["function"]) == ["orders"]
    assert list(read(watched, where=Filter(function="orders"))["function"]) == ["orders"]


def test_the_last_invocation_is_the_newest_of_all_that_is_stored(watched):
    watched.run("metrics", [watched.point(170, 1), watched.point(30, 0)])
    assert row_of(read(watched))["last_invocation"] == watched.at(170)

    watched.run("logs", [watched.record(10.5), Covered("orders", watched.window())])
    assert row_of(read(watched))["last_invocation"] == watched.at(10.5)


def test_weeks_of_silence_do_not_hide_the_last_invocation(watched):
    long_ago = 60 * 24 * 30
    watched.run("metrics", [watched.point(long_ago, 1, period_s=3600)], period_s=3600)

    assert row_of(read(watched))["last_invocation"] == watched.at(long_ago)


def test_never_invoked_is_silent(watched):
    row = row_of(read(watched))

    assert row["last_invocation"] is not None
    assert row["states"]["last_invocation"] == "silent"


DLQ = "arn:aws:sqs:eu-west-1:111111111111:orders-dlq"
SOURCE = "arn:aws:sqs:eu-west-1:111111111111:orders"


def test_a_function_without_a_dead_letter_queue_is_silent_about_dead_letters(watched):
    assert row_of(read(watched))["states"]["dead_letters"] == "silent"


@pytest.mark.parametrize("wiring", ["function", "invoke_config"])
def test_dead_letters_are_arrivals_whoever_drains_them(watched, wiring):
    facts = {
        "function": [watched.function(dead_letter_arn=DLQ)],
        "invoke_config": [
            InvokeConfig(name="orders:prod", function="orders", qualifier="prod", on_failure=DLQ)
        ],
    }
    watched.run("inventory", facts[wiring])
    depths = [(130, 2, 0), (100, 5, 0), (99, 5, 5), (98, 0, 0), (97, 1, 0)]
    watched.run(
        "queues",
        [Queue(name=DLQ), *(watched.sample(m, DLQ, n, sent=0.0, deleted=float(d)) for m, n, d in depths)],
    )

    row = row_of(read(watched))

    assert row["dead_letters"] == 4
    assert "dead_letters" not in row["states"]


def test_what_a_source_queue_redrives_is_its_functions_dead_letter(watched):
    watched.run("inventory", [EventSourceMapping(name="uuid", function="orders", source_arn=SOURCE)])
    samples = [watched.sample(100, DLQ, 1, sent=0.0, deleted=0.0)]
    watched.run("queues", [Queue(name=SOURCE, redrive_target=DLQ), Queue(name=DLQ), *samples])

    assert row_of(read(watched))["dead_letters"] == 1


def test_failures_sent_where_we_cannot_look_are_not_collected(watched):
    watched.run("inventory", [watched.function(dead_letter_arn="arn:aws:sns:eu-west-1:111111111111:alarm")])
    watched.run("queues", [])

    row = row_of(read(watched))

    assert np.isnan(row["dead_letters"])
    assert "alarm" in row["states"]["dead_letters"]


def test_cost_is_the_formula_to_the_last_digit(watched):
    watched.run("metrics", [watched.point(90, 2, log_bytes=2.0**30)])
    records = [
        watched.record(90, 100.5, billed_ms=301.0, init_ms=200.0),
        watched.record(89, 10, billed_ms=10.0),
    ]
    watched.run("logs", [*records, Covered("orders", watched.window())])

    row = row_of(read(watched))

    gb_s = Decimal("0.311")
    expected = 2 * Decimal("0.0000002") + gb_s * Decimal("0.0000166667") + Decimal("0.57")
    assert row["cost_usd"] == expected
    assert "cost_usd" not in row["states"]


def test_the_same_facts_twice_make_the_same_table(watched):
    facts = [watched.point(90, 10, errors=1), watched.point(80, 5)]
    watched.run("metrics", facts)
    once = read(watched)
    watched.run("metrics", facts)

    assert read(watched).equals(once)


def test_an_empty_store_is_an_empty_table_with_columns(store):
    frame = fleet(store, Window(HOUR_AGO, NOW), now=NOW)

    assert frame.empty
    assert {"invocations", "cost_usd", "states", "last_invocation"} <= set(frame.columns)


def test_a_log_that_holds_failures_alone_is_no_sample_of_durations(world):
    why = "the function's system log level is WARN"
    whole = world.window()
    world.run("inventory", [world.function()])
    world.run("metrics", [world.point(90, 10, errors=1)])
    failed = world.record(90, 29_000, status="error", init_ms=400.0)
    world.run("logs", [failed, Covered("orders", whole), Gap("orders", whole, why)])

    row = row_of(read(world))

    assert row["invocations"] == 10
    for name in ("duration_p50_ms", "duration_p99_ms", "cold_starts", "cold_start_rate", "init_p50_ms"):
        assert row[name] is None or np.isnan(row[name]), name
    assert row["states"]["duration_p99_ms"] == f"not collected: {why}"
