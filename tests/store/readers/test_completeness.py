"""Why numbers from logs are incomplete, in sentences; and nothing when they are not."""

from __future__ import annotations

import math

import pytest

from core.entities import LogGroup, LogMode
from core.facts import Covered, Gap
from core.telemetry import InvocationSummary
from core.windows import Window
from store.readers.completeness import completeness, why_incomplete

GROUP = "/aws/lambda/orders"


@pytest.fixture
def watched(world):
    """A function with ten invocations an hour and a half ago, a record of each."""
    world.run("inventory", [world.function(log_group=GROUP)])
    world.run("metrics", [world.point(90, 10)])
    records = [world.record(89 - n) for n in range(10)]
    world.run("logs", [*records, Covered("orders", world.window())], period_s=0)
    return world


def reasons(world, window=None) -> list[str]:
    return why_incomplete(world.store, world.target, "orders", window or world.window(), now=world.now)


def test_a_log_that_tells_of_every_invocation_is_complete(watched):
    row = completeness(watched.store, watched.window(), now=watched.now).iloc[0]

    assert (row["records"], row["invocations"], row["share"], row["reasons"]) == (10, 10, 1, [])
    assert row["mode"] is None


def test_fewer_records_than_invocations_are_told_in_numbers(watched):
    watched.run("metrics", [watched.point(80, 1014)])

    assert reasons(watched) == ["records cover 10 of 1,024 invocations (1%)"]


def test_a_single_missing_record_is_not_rounded_away(watched):
    watched.run("metrics", [watched.point(90, 11)])
    watched.run("logs", [watched.record(70, request_id=f"r{n}") for n in range(990)], period_s=0)
    watched.run("metrics", [watched.point(80, 990)])

    assert reasons(watched) == ["records cover 1,000 of 1,001 invocations (99%)"]


def test_invocations_that_may_still_run_are_not_missed(watched):
    watched.run("metrics", [watched.point(10, 500)])

    assert reasons(watched) == []


def test_how_many_invocations_ended_is_not_known_while_all_of_them_may_still_run(world):
    world.run("inventory", [world.function()])
    world.run("metrics", [world.point(10, 500)])

    row = completeness(world.store, world.window(), now=world.now).iloc[0]

    assert math.isnan(row["invocations"])
    assert math.isnan(row["share"])


def test_records_are_not_missed_where_metrics_are(watched):
    older = Window(watched.at(300), watched.at(0))

    assert not any("records cover" in reason for reason in reasons(watched, older))


def test_what_lambda_dropped_is_told_with_its_minutes(world):
    world.run("inventory", [world.function()])
    gaps = [
        Gap("orders", Window(world.at(minute), world.at(minute - 1)), "Lambda dropped log records: slow")
        for minute in (50, 40)
    ]
    world.run("logs", [*gaps, Covered("orders", world.window())], period_s=0)

    assert reasons(world) == ["2 minutes: Lambda dropped log records: slow"]


def test_what_sums_of_a_log_lack_is_told_although_it_counts_as_read(world):
    world.run("inventory", [world.function()])
    lost = Gap("orders reports", Window(world.at(50), world.at(45)), "Lambda dropped log records: 2 times")
    world.run("logs", [lost, Covered("orders", world.window(), 300)], period_s=0)

    assert reasons(world) == ["5 minutes: Lambda dropped log records: 2 times"]


def test_a_group_that_is_missing_or_closed_is_told(world):
    world.run("inventory", [world.function()])
    world.run("metrics", [world.point(90, 10)])
    world.run("logs", [Gap("orders", world.window(), "the role lacks logs:FilterLogEvents")], period_s=0)

    found = reasons(world)

    assert found[0] == "the role lacks logs:FilterLogEvents"
    assert found[-1] == "records cover 0 of 10 invocations (0%)"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"log_format": "JSON", "system_log_level": "WARN"}, "system log level is WARN"),
        ({"log_format": "JSON", "application_log_level": "FATAL"}, "application log level is FATAL"),
    ],
)
def test_levels_that_keep_lines_from_being_written_are_told(watched, fields, reason):
    watched.run("inventory", [watched.function(log_group=GROUP, **fields)])

    (found,) = reasons(watched)
    assert reason in found


def test_levels_say_nothing_about_text_logs(watched):
    watched.run("inventory", [watched.function(log_group=GROUP, log_format="Text", system_log_level="WARN")])

    assert reasons(watched) == []


@pytest.mark.parametrize(
    ("mode", "reason"),
    [("off", "its log is not read: too large"), ("aggregated", "its log is aggregated: sums per 5 minutes")],
)
def test_the_mode_is_a_reason(watched, mode, reason):
    watched.run("logs", [LogMode(name="orders", mode=mode, why="too large")], period_s=0)

    (found,) = reasons(watched)
    assert found.startswith(reason)
    assert completeness(watched.store, watched.window(), now=watched.now)["mode"].iloc[0] == mode


def test_sums_of_aggregated_logs_count_as_records(world):
    world.run("inventory", [world.function()])
    world.run("metrics", [world.point(90, 10)])
    told = InvocationSummary(function="orders", ts=world.at(90), period_s=300, reports=10)
    world.run("logs", [told, Covered("orders", world.window(), 300)], period_s=0)

    assert reasons(world) == []


def test_a_retention_shorter_than_what_was_missed_is_told(watched):
    watched.run("details", [LogGroup(name=GROUP, retention_days=1)])

    assert reasons(watched) == []
    longer = Window(watched.at(3 * 1440), watched.at(0))
    assert "its log group keeps 1 days: what is older was gone before it was read" in reasons(watched, longer)


def test_the_class_of_the_group_is_told(watched):
    watched.run("details", [LogGroup(name=GROUP, log_class="INFREQUENT_ACCESS")])

    assert reasons(watched) == [
        "its log group is of class INFREQUENT_ACCESS, which only Logs Insights can read"
    ]


def test_a_log_that_nobody_read_yet_says_so(world):
    world.run("inventory", [world.function()])
    world.run("metrics", [world.point(90, 10)])

    assert reasons(world)[0] == "not collected: not yet"
