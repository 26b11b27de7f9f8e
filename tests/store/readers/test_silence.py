"""Functions that used to run and do not, and the link that broke."""

from datetime import timedelta

import pandas as pd
import pytest

from core.entities import Alias, Cadence, EventSourceMapping, Queue, Reserved, Trigger
from core.facts import Covered, Gap, Listed
from core.windows import Window
from store.readers.silence import silent_stops

DAY = timedelta(days=1)
RULE = "arn:aws:events:eu-west-1:111111111111:rule/nightly"
QUEUE = "arn:aws:sqs:eu-west-1:111111111111:in"


def rule(**fields):
    values = {
        "name": "orders:::invoke",
        "function": "orders",
        "kind": "eventbridge-rule",
        "source_arn": RULE,
        "state": "ENABLED",
        "schedule": "cron(0 8 * * ? *)",
        "targets_function": True,
    }
    return Trigger(**{**values, **fields})


@pytest.fixture
def watch(world):
    """Metrics of the last two weeks were read; `runs` are the hours ago at which it was invoked."""

    def watched(runs, *, entities=(), until=0.0, gap=None, listed=True):
        window = Window(world.now - 14 * DAY, world.now - timedelta(hours=until))
        before = {"finished_at": world.now - 13 * DAY, "started_at": world.now - 13 * DAY}
        asked = [Listed("trigger", "orders", "")] if listed else []
        world.run("inventory", [world.function(), *entities, *asked], **before)
        facts = [world.point(hours * 60) for hours in runs]
        holes = [Gap("", Window(window.end, world.now), gap)] if gap else []
        world.run("metrics", [*facts, Covered("", window), *holes], window=Window(window.start, world.now))
        return world

    return watched


def stops(world, **more):
    return silent_stops(world.store, now=world.now, **more)


def test_a_daily_function_that_ran_this_morning_runs(watch):
    world = watch([4 + 24 * day for day in range(13)], entities=[rule()])

    assert stops(world).empty
    (row,) = stops(world, all_functions=True).itertuples()
    assert (row.state, row.expected_by, row.expected) == ("runs", "schedule", "cron(0 8 * * ? *)")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"state": "DISABLED"}, "EventBridge schedule nightly is disabled"),
        ({"targets_function": False}, "EventBridge schedule nightly does not target the function"),
        (
            {"state": "NOT_FOUND", "targets_function": False},
            "EventBridge schedule nightly does not target the function",
        ),
    ],
)
def test_the_rule_that_does_not_invoke_is_named(watch, change, says):
    world = watch([28 + 24 * day for day in range(12)], entities=[rule()])
    world.run("triggers", [rule(**change)])

    (row,) = stops(world).itertuples()

    assert (row.state, row.broken, row.broken_since) == ("stopped", says, world.now)
    assert row.last_invocation == world.now - timedelta(hours=28)
    assert row.due == world.now - timedelta(hours=4)
    assert row.silent_for_s == 28 * 3600


def test_a_permission_that_was_removed_is_named(watch):
    world = watch([28 + 24 * day for day in range(12)], entities=[rule(), Listed("trigger")])
    world.run("triggers", [Listed("trigger")])

    (row,) = stops(world).itertuples()

    assert row.broken == "the permission to invoke it was removed: nightly"
    assert row.broken_since == world.now


def test_a_reservation_of_zero_is_named_before_all_else(watch):
    world = watch([28], entities=[rule(state="DISABLED"), Reserved(name="orders", reserved=0)])

    (row,) = stops(world).itertuples()

    assert row.broken.startswith("its reserved concurrency is 0")
    assert len(row.links) == 2


def test_a_function_fed_by_a_queue_has_a_habit_and_its_mapping_is_named(watch):
    mapping = EventSourceMapping(
        name="m", function="orders", source_arn=QUEUE, state="Enabled", batch_size=10, source_kind="sqs"
    )
    world = watch([3 + hours / 2 for hours in range(200)], entities=[mapping])
    off = EventSourceMapping(
        name="m", function="orders", source_arn=QUEUE, state="Disabled", batch_size=10, source_kind="sqs"
    )
    world.run("details", [off])

    (row,) = stops(world).itertuples()

    assert (row.state, row.expected_by) == ("stopped", "habit")
    assert row.expected.startswith("it never paused longer than 30 min")
    assert row.broken == "SQS in is disabled"
    assert row.due < world.now - timedelta(hours=1)


def test_a_rule_that_was_off_before_we_watched_is_not_waited_for_where_another_runs_it(watch):
    live = rule(name="orders:::live", source_arn=RULE.replace("nightly", "hourly"), schedule="rate(1 hour)")
    legacy = rule(state="DISABLED", schedule="cron(30 11 * * ? *)")
    world = watch([hours + 0.9 for hours in range(200)], entities=[live, legacy])

    assert stops(world).empty


def test_a_job_that_ran_for_a_day_only_is_not_accused(watch):
    world = watch([200 + hours / 2 for hours in range(48)])

    assert stops(world).empty
    (row,) = stops(world, all_functions=True).itertuples()
    assert row.state == "not judged"


def test_a_weekly_job_is_known_from_ten_weeks_of_hours(world):
    window = Window(world.now - 70 * DAY, world.now)
    world.run("inventory", [world.function()])
    points = [world.point((20 * 24 + week * 168) * 60, period_s=3600) for week in range(8)]
    world.run("metrics", [*points, Covered("", window)], window=window, period_s=3600)

    (row,) = stops(world).itertuples()

    assert (row.state, row.expected_by) == ("stopped", "habit")
    assert row.confidence == 7 / 8
    assert row.expected == "it never paused longer than 7 days in 49 days"


def test_the_bars_of_a_stop_show_what_ran_and_what_was_not_read(watch):
    world = watch([200 + hours / 2 for hours in range(200)])

    (row,) = stops(world).itertuples()

    start, steps = world.now - timedelta(hours=200) - 7 * DAY, len(row.runs)
    width = timedelta(minutes=-(-(200 * 60 + 7 * 1440) // steps))
    ran = [world.now - timedelta(hours=200 + hours / 2) for hours in range(200)]
    counted = [sum(start + i * width <= ts < start + (i + 1) * width for ts in ran) for i in range(steps)]
    unread = [i for i in range(steps) if start + i * width < world.now - 14 * DAY]
    assert [None if i in unread and not n else n for i, n in enumerate(counted)] == row.runs
    assert None in row.runs
    assert row.runs[-1] == 0


def test_requests_that_were_all_throttled_are_named(watch):
    world = watch([3 + hours / 2 for hours in range(400)])
    refused = [world.point(hours * 60, 0, throttles=4) for hours in (1, 2)]
    world.run("metrics", [*refused, Covered("", world.window())])

    (row,) = stops(world).itertuples()

    assert row.broken == "throttled: 8 requests since it last ran, none got through"
    assert row.broken_since == world.now - timedelta(hours=2)


@pytest.mark.parametrize(
    ("sent", "depth", "says"),
    [
        (0, 0, "its queue in is silent: nothing was sent there since"),
        (2, 7, "7 messages wait in in and are not taken"),
    ],
)
def test_a_queue_that_is_silent_or_not_emptied_is_named(watch, sent, depth, says):
    mapping = EventSourceMapping(
        name="m", function="orders", source_arn=QUEUE, state="Enabled", batch_size=10, source_kind="sqs"
    )
    world = watch([5 + hours / 2 for hours in range(400)], entities=[mapping])
    samples = [world.sample(m, QUEUE, depth, sent=sent, received=0, deleted=0) for m in range(1, 300)]
    window = world.window(400)
    world.run("queues", [Queue(name=QUEUE), *samples, Covered(QUEUE, window)], window=window)

    (row,) = stops(world).itertuples()

    assert row.broken == says


def test_what_its_poller_cannot_hand_over_is_named(watch):
    says = "PROBLEM: Function access denied"
    mapping = EventSourceMapping(
        name="m", function="orders", source_arn=QUEUE, state="Enabled", batch_size=10, last_result=says
    )
    world = watch([5 + hours / 2 for hours in range(400)], entities=[mapping])

    (row,) = stops(world).itertuples()

    assert row.broken == f"SQS in cannot hand over: {says}"


def test_a_function_that_was_deleted_at_work_is_told_apart(watch):
    world = watch([5 + hours / 2 for hours in range(400)], entities=[Listed("function")])
    world.run("inventory", [Listed("function")])

    (row,) = stops(world).itertuples()

    assert (row.state, row.broken, row.broken_since) == ("deleted", "the function was deleted", world.now)


def test_of_functions_whose_metrics_were_never_read_it_says_so(world):
    world.run("inventory", [world.function()])
    world.run("metrics", [], outcome="denied", error="the role lacks cloudwatch:GetMetricData")

    (row,) = stops(world).itertuples()

    assert row.state == "unknown"
    assert row.says == "what it did is not known: the role lacks cloudwatch:GetMetricData"


def test_what_is_read_seldom_is_judged_by_what_its_turn_has_read(watch):
    cadence = Cadence(name="orders", every_s=3600, why="idle")
    world = watch([0.9 + hours / 2 for hours in range(400)], entities=[cadence], until=0.8)

    assert stops(world).empty


def test_a_stop_without_a_broken_link_says_so(watch):
    world = watch([3 + hours / 2 for hours in range(200)])

    (row,) = stops(world).itertuples()

    assert row.state == "stopped"
    assert row.broken is None
    assert "nothing between its sources and it is seen to be broken" in row.says


def test_what_was_not_read_is_no_stop(watch):
    world = watch([5 + hours / 2 for hours in range(200)], until=4.0, gap="access denied")

    (row,) = stops(world).itertuples()

    assert row.state == "unknown"
    assert row.says == "it is not known whether it ran: access denied"


def test_a_rule_that_was_made_today_is_not_missed_yet(watch):
    world = watch([28])
    world.run("triggers", [rule()])

    assert stops(world).empty


def test_a_rule_without_target_is_told_though_nothing_was_seen_to_run(watch):
    world = watch([])
    world.run("triggers", [rule(schedule="cron(0 3 10 * ? *)", targets_function=False)])

    (row,) = stops(world).itertuples()

    assert (row.state, row.broken) == ("stopped", "EventBridge schedule nightly does not target the function")
    assert pd.isna(row.last_invocation)


def test_a_run_that_was_due_before_history_begins_is_not_known_to_be_missed(watch):
    world = watch([])
    world.run("triggers", [rule(schedule="cron(0 3 1 * ? *)", targets_function=False)])

    (row,) = stops(world).itertuples()

    assert row.state == "unknown"
    assert row.broken == "EventBridge schedule nightly does not target the function"


@pytest.mark.parametrize(
    ("error", "why"),
    [(None, "not yet"), ("the role lacks lambda:GetPolicy", "the role lacks lambda:GetPolicy")],
)
def test_whether_a_function_has_a_schedule_is_not_known_before_its_triggers_were_read(watch, error, why):
    world = watch([30, 200], listed=False)
    if error:
        world.run("triggers", [], outcome="denied", error=error)

    (row,) = stops(world).itertuples()

    said = "whether it has a schedule is not known: what may invoke it was not read"
    assert (row.state, row.says) == ("unknown", f"{said}: {why}")


def test_a_schedule_may_invoke_an_alias_whose_policy_was_not_read(watch):
    world = watch(
        [30, 200], entities=[Alias(name="orders:prod", function="orders", alias="prod", version="1")]
    )
    (before,) = stops(world).itertuples()
    world.run("triggers", [Listed("trigger", "orders", "prod")])

    assert before.says.startswith("whether it has a schedule is not known")
    assert stops(world).empty


def test_whether_a_rule_that_was_not_read_has_a_schedule_is_not_known(watch):
    world = watch([30, 200], entities=[rule(state=None, schedule=None)])

    (row,) = stops(world).itertuples()

    assert row.state == "unknown"
    assert "its EventBridge rule was not read" in row.says


def test_a_function_that_runs_now_and_then_is_left_out(watch):
    assert stops(watch([30, 200])).empty


def test_nothing_stopped_is_an_empty_typed_frame(world):
    found = stops(world)

    assert found.empty
    assert isinstance(found["due"].dtype, pd.DatetimeTZDtype)
    assert found["silent_for_s"].dtype == float
