"""Minute rows tell zero, silent, not collected and provisional apart."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from core.entities import AccountLimits, EventSourceMapping, Queue
from core.facts import Covered, Gap, Target
from core.windows import Window
from store.readers.signals import account_minutes, collection_state, function_minutes, queue_minutes

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
DLQ = "arn:aws:sqs:eu-west-1:111111111111:dlq"
SOURCE = "arn:aws:sqs:eu-west-1:111111111111:source"


@pytest.fixture
def watched(world):
    world.run("inventory", [world.function(tags={"team": "shop"})])
    world.run("metrics", [])
    world.run("logs", [Covered("orders", world.window())])
    return world


def at(world, frame, minutes_ago):
    return frame[frame["ts"] == world.at(minutes_ago)].iloc[0]


def test_every_function_has_every_minute(watched):
    watched.run("inventory", [watched.function("billing")])

    frame = function_minutes(watched.store, watched.window(30), now=NOW).frame()

    assert len(frame) == 60
    assert (
        frame.groupby("function")["ts"].agg(["min", "max", "nunique"]).values.tolist()
        == [[watched.at(30), watched.at(1), 30]] * 2
    )


def test_a_minute_with_facts_carries_them(watched):
    watched.run("metrics", [watched.point(25, 4, errors=1, duration_p95_ms=80.5, iterator_age_max_ms=9.0)])
    records = [watched.record(24.5, init_ms=10.0), watched.record(24.5, status="timeout", out_of_memory=True)]
    watched.run("logs", [*records, Covered("orders", watched.window())])

    row = at(watched, function_minutes(watched.store, watched.window(30), now=NOW).frame(), 25)

    assert (row["invocations"], row["errors"], row["throttles"], row["tags"]) == (4, 1, 0, {"team": "shop"})
    assert (row["duration_p95_ms"], row["iterator_age_max_ms"]) == (80.5, 9.0)
    assert (row["records"], row["cold_starts"], row["timeouts"], row["out_of_memory"]) == (2, 1, 1, 1)


def test_a_quiet_minute_counts_zero_and_its_duration_is_silent(watched):
    row = at(watched, function_minutes(watched.store, watched.window(30), now=NOW).frame(), 25)

    assert (row["collected"], row["records_collected"], row["provisional"]) == (True, True, False)
    assert (row["invocations"], row["errors"], row["records"], row["async_dropped"]) == (0, 0, 0, 0)
    assert np.isnan(row["duration_p95_ms"])


def test_an_unread_minute_knows_nothing_however_young(watched):
    later = NOW + timedelta(minutes=2)

    frame = function_minutes(watched.store, Window(watched.at(5), later), now=later).frame()

    newest = frame.iloc[-1]
    assert (newest["collected"], newest["records_collected"]) == (False, False)
    assert np.isnan(newest["invocations"])
    assert np.isnan(newest["records"])
    assert frame["collected"].sum() == 5


def test_young_minutes_are_provisional(watched):
    frame = function_minutes(watched.store, watched.window(30), now=NOW).frame()

    assert list(frame["provisional"]) == [False] * 12 + [True] * 18


def test_a_log_that_cannot_be_read_leaves_the_metrics_standing(watched):
    watched.run("inventory", [watched.function("billing")])
    watched.run("logs", [Gap("billing", watched.window(), "no such log group")])

    frame = function_minutes(watched.store, watched.window(30), now=NOW).frame()

    billing = frame[frame["function"] == "billing"]
    assert billing["collected"].all()
    assert not billing["records_collected"].any()
    assert billing["records"].isna().all()


def test_five_minute_history_is_not_collected_for_rules_on_minutes(watched):
    older = Window(watched.at(540), watched.at(480))
    watched.run("metrics", [watched.point(540, 50, period_s=300)], window=older, period_s=300)

    frame = function_minutes(watched.store, older, now=NOW).frame()

    assert not frame["collected"].any()
    assert frame["invocations"].isna().all()


def test_queue_minutes_name_the_role_and_the_functions(watched):
    mapping = EventSourceMapping(name="uuid", function="orders", source_arn=SOURCE)
    watched.run("inventory", [mapping])
    samples = [watched.sample(m, DLQ, n, sent=0.0, deleted=0.0) for m, n in ((40, 2), (25, 3), (24, 5))]
    watched.run("queues", [Queue(name=SOURCE, redrive_target=DLQ), Queue(name=DLQ), *samples])

    frame = queue_minutes(watched.store, watched.window(30), now=NOW).frame()

    roles = frame.drop_duplicates("queue").set_index("queue")
    assert (roles.loc[DLQ, "role"], roles.loc[DLQ, "functions"]) == ("dead-letter", ["orders"])
    assert roles.loc[SOURCE, "role"] == "source"
    dead = frame[frame["queue"] == DLQ]
    assert [at(watched, dead, m)["arrivals"] for m in (30, 25, 24, 23)] == [0, 1, 2, 0]
    assert [at(watched, dead, m)["depth"] for m in (25, 24)] == [3, 5]
    assert np.isnan(at(watched, dead, 23)["depth"])


def test_the_first_message_of_a_queue_that_was_always_empty_is_an_arrival(watched):
    watched.run("queues", [Queue(name=DLQ), watched.sample(25, DLQ, 1, sent=0.0, deleted=0.0)])

    frame = queue_minutes(watched.store, watched.window(30), now=NOW).frame()

    assert frame["arrivals"].sum() == 1


def test_a_queue_that_already_held_messages_when_watching_began_had_no_arrival(watched):
    began = Window(watched.at(25), NOW)
    watched.run("queues", [Queue(name=DLQ), watched.sample(25, DLQ, 7, sent=0.0, deleted=0.0)], window=began)

    frame = queue_minutes(watched.store, watched.window(30), now=NOW).frame()

    assert frame["arrivals"].sum() == 0
    assert not at(watched, frame, 26)["collected"]


def test_account_minutes_tell_what_is_claimed_and_the_limit(watched):
    watched.run("inventory", [AccountLimits(concurrent_limit=100, unreserved_limit=60)])
    account = {"scope": "account", "function": ""}
    watched.run("metrics", [watched.point(25, 9, claimed_max=93.0, throttles=4.0, **account)])

    frame = account_minutes(watched.store, watched.window(30), now=NOW).frame()

    row, quiet = at(watched, frame, 25), at(watched, frame, 24)
    assert (row["limit"], row["unreserved_limit"]) == (100, 60)
    assert (row["claimed_max"], row["throttles"]) == (93, 4)
    assert quiet["throttles"] == 0
    assert np.isnan(quiet["claimed_max"])


def test_an_account_without_a_known_limit_has_none(watched):
    frame = account_minutes(watched.store, watched.window(30), now=NOW).frame()

    assert frame["limit"].isna().all()


def test_a_collector_fails_since_its_first_bad_run_after_the_last_good_one(watched):
    runs = [("ok", 30), ("failed", 20), ("denied", 10), ("failed", 5)]
    for outcome, minutes_ago in runs:
        watched.run("traces", [], outcome=outcome, error=outcome, finished_at=watched.at(minutes_ago))

    state = collection_state(watched.store, now=NOW).set_index("collector")

    assert state.loc["traces", "failing_since"] == watched.at(20)
    assert (state.loc["traces", "outcome"], state.loc["traces", "error"]) == ("failed", "failed")
    assert str(state.loc["metrics", "failing_since"]) == "NaT"


def test_a_collector_that_never_worked_fails_since_its_first_run(watched):
    for minutes_ago in (20, 10):
        watched.run("traces", [], outcome="denied", error="no", finished_at=watched.at(minutes_ago))

    state = collection_state(watched.store, now=NOW).set_index("collector")

    assert state.loc["traces", "failing_since"] == watched.at(20)
    assert str(state.loc["traces", "data_until"]) == "NaT"


def test_the_age_of_data_is_that_of_its_coverage(watched):
    watched.run(
        "metrics", [], target=Target("222222222222", "us-east-1"), window=watched.window(60, until=10)
    )

    state = collection_state(watched.store, now=NOW).set_index(["collector", "account"])

    assert state.loc[("metrics", "222222222222"), "age_s"] == 600
    assert state.loc[("metrics", "111111111111"), "age_s"] == 0


def test_an_empty_store_has_no_minutes(store):
    window = Window(NOW - timedelta(minutes=30), NOW)

    for frame in (function_minutes, queue_minutes, account_minutes):
        assert frame(store, window, now=NOW).frame().empty
    assert collection_state(store, now=NOW).empty
