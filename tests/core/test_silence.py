"""Whether a function has stopped, and what is named as the cause."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.schedules import parse
from core.silence import RUNS, STOPPED, UNKNOWN, Link, by_habit, by_schedule, verdict

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
STEP = timedelta(minutes=5)
HOUR = timedelta(hours=1)


@given(every=st.integers(1, 500), runs=st.integers(8, 60), later=st.integers(0, 3000))
def test_a_regular_function_is_missed_only_after_twice_its_pause(every, runs, later):
    active = [NOON + i * every * STEP for i in range(runs)]
    now = active[-1] + later * STEP

    told = verdict([by_habit(active, now=now, step=STEP)], active[-1], [], now=now)

    silent = now - active[-1]
    if silent < 2 * every * STEP:
        assert told.state == RUNS
    if silent > max(2 * every * STEP, timedelta(minutes=30)) + STEP:
        assert told.state == STOPPED


@given(st.lists(st.integers(1, 100), min_size=8, max_size=60))
def test_a_pause_that_it_had_before_is_no_stop(pauses):
    active = [NOON]
    for pause in pauses:
        active.append(active[-1] + pause * STEP)
    now = active[-1] + max(pauses) * STEP

    habit = by_habit(active, now=now, step=STEP)

    assert habit is None or verdict([habit], active[-1], [], now=now).state == RUNS


def test_a_few_runs_are_no_habit():
    assert by_habit([NOON + i * HOUR for i in range(7)], now=NOON, step=STEP) is None


def test_one_long_pause_in_all_there_is_teaches_nothing():
    active = [NOON + i * STEP for i in range(10)] + [NOON + timedelta(days=2)]

    assert by_habit(active, now=NOON, step=STEP) is None


@pytest.mark.parametrize(
    ("last", "state"),
    [(NOON - 4 * HOUR, RUNS), (NOON - 3.9 * HOUR, RUNS), (NOON - 27 * HOUR, STOPPED), (None, STOPPED)],
)
def test_a_schedule_is_missed_when_nothing_ran_since_it_was_due(last, state):
    expected = by_schedule(parse("cron(0 8 * * ? *)"), "every day at 8", now=NOON)

    assert verdict([expected], last, [], now=NOON).state == state


def test_a_run_that_is_due_just_now_is_not_missed():
    expected = by_schedule(parse("cron(50 11 * * ? *)"), "11:50", now=NOON)

    assert verdict([expected], NOON - 24 * HOUR, [], now=NOON).state == RUNS


def test_the_broken_link_is_named():
    expected = by_schedule(parse("rate(1 hour)"), "rate(1 hour)", now=NOON)
    links = [Link("queue is enabled", False), Link("rule is disabled", True, NOON - HOUR), Link("old", True)]

    told = verdict([expected], NOON - 9 * HOUR, links, now=NOON)

    assert told.state == STOPPED
    assert [link.says for link in told.broken] == ["rule is disabled", "old"]
    assert told.says == "rule is disabled"


def test_what_stops_a_function_by_itself_comes_first():
    expected = by_schedule(parse("rate(1 hour)"), "rate(1 hour)", now=NOON)
    links = [Link("rule is disabled", True, NOON), Link("reserved is 0", True, None, stops=True)]

    assert verdict([expected], None, links, now=NOON).says == "reserved is 0"


def test_a_broken_link_stops_nothing_that_still_runs():
    expected = by_schedule(parse("rate(1 hour)"), "rate(1 hour)", now=NOON)

    assert verdict([expected], NOON - HOUR, [Link("rule is off", True)], now=NOON).state == RUNS


def test_a_stop_is_not_claimed_of_what_was_not_read():
    expected = by_schedule(parse("rate(1 hour)"), "rate(1 hour)", now=NOON)

    told = verdict([expected], None, [], now=NOON, unread="access denied")

    assert told.state == UNKNOWN
    assert "access denied" in told.says


def test_nothing_is_expected_of_a_function_without_schedule_and_habit():
    assert verdict([], NOON, [Link("rule is off", True)], now=NOON).state == UNKNOWN
    assert verdict([], None, [Link("reserved is 0", True, stops=True)], now=NOON).state == UNKNOWN
    assert verdict([], NOON, [Link("reserved is 0", True, stops=True)], now=NOON).state == STOPPED


def test_a_new_schedule_is_not_missed_before_it_was_due():
    schedule = parse("cron(0 8 * * ? *)")

    assert by_schedule(schedule, "8", now=NOON, since=NOON - HOUR) is None
    assert by_schedule(schedule, "8", now=NOON, since=NOON - 5 * HOUR) is not None


@given(offset=st.integers(-12, 14), days=st.integers(1, 5))
def test_a_schedule_of_an_unknown_zone_is_not_missed_in_any(offset, days):
    schedule = parse("cron(0 8 * * ? *)")
    ran = NOON.replace(hour=8) - timedelta(hours=offset)
    last = max(ran + timedelta(days=d) for d in range(-3, 3) if ran + timedelta(days=d) <= NOON)

    expected = by_schedule(schedule, "8", now=NOON, zone_known=False)
    late = by_schedule(schedule, "8", now=NOON + timedelta(days=2 + days), zone_known=False)

    assert verdict([expected], last, [], now=NOON).state == RUNS
    assert verdict([late], last, [], now=NOON + timedelta(days=2 + days)).state == STOPPED
