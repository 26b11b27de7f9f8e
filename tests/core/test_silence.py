"""Whether a function has stopped, and what is named as the cause."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.schedules import parse
from core.silence import (
    LEAST_RUNS,
    RUNS,
    STOPPED,
    UNJUDGED,
    UNKNOWN,
    Habit,
    Link,
    by_habit,
    by_schedule,
    missed_at,
    ran_by,
    verdict,
)

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
STEP = timedelta(minutes=5)
HOUR = timedelta(hours=1)


def judged(active, now):
    """What is said at `now` of a function that ran at `active`."""
    expected = [found] if (found := by_habit(Habit.of(active), step=STEP)) else []
    return verdict(expected, active[-1], [], now=now)


def runs_after(pauses):
    active = [NOON]
    for pause in pauses:
        active.append(active[-1] + pause * STEP)
    return active


@given(every=st.integers(1, 500), runs=st.integers(8, 60), later=st.integers(0, 3000))
def test_a_regular_function_is_missed_only_after_twice_its_pause(every, runs, later):
    active = runs_after([every] * (runs - 1))
    now = active[-1] + later * STEP

    state = judged(active, now).state

    silent, known = now - active[-1], active[-1] - active[0]
    if silent < 2 * every * STEP:
        assert state in {RUNS, UNJUDGED}
    if silent > max(2 * every * STEP, timedelta(minutes=30)) + STEP and known >= timedelta(days=8):
        assert state == STOPPED


@given(st.lists(st.integers(1, 2000), min_size=1, max_size=60), st.floats(0, 2.99))
def test_an_uneven_function_is_not_accused_before_three_times_its_longest_pause(pauses, times):
    active = runs_after(pauses)

    state = judged(active, active[-1] + times * max(pauses) * STEP).state

    if max(pauses) > 2 * sorted(pauses)[(len(pauses) - 1) // 2]:
        assert state in {RUNS, UNJUDGED}


@given(st.lists(st.integers(1, 3000), min_size=1, max_size=LEAST_RUNS - 2), st.integers(0, 10**5))
def test_a_function_that_ran_a_few_times_is_never_accused(pauses, later):
    active = runs_after(pauses)

    assert judged(active, active[-1] + later * STEP).state == UNJUDGED


@given(st.lists(st.integers(1, 3), min_size=8, max_size=150), st.integers(0, 10**5))
def test_a_job_of_a_day_is_no_habit_whatever_its_pauses(pauses, later):
    active = runs_after(pauses)

    assert judged(active, active[-1] + later * STEP).state == UNJUDGED


@given(hours=st.integers(3, 14), days=st.integers(2, 6))
def test_what_rests_at_night_is_not_judged_before_it_was_seen_over_a_weekend(hours, days):
    active = [NOON + day * 24 * HOUR + i * STEP for day in range(days) for i in range((24 - hours) * 12)]

    assert judged(active, active[-1] + timedelta(days=3)).state == UNJUDGED


def test_office_hours_of_two_weeks_are_a_habit_that_outlasts_a_weekend():
    monday = NOON.replace(day=6, hour=8)
    days = [monday + timedelta(days=d) for d in (0, 1, 2, 3, 4, 7, 8, 9, 10, 11)]
    active = [day + i * STEP for day in days for i in range(120)]

    assert judged(active, active[-1] + timedelta(days=3)).state == RUNS
    assert judged(active, active[-1] + timedelta(days=9)).state == STOPPED


def test_one_long_pause_in_all_there_is_teaches_nothing():
    active = [NOON + i * STEP for i in range(10)] + [NOON + timedelta(days=12)]

    assert by_habit(Habit.of(active), step=STEP) is None


def test_one_run_has_no_pauses_to_learn_from():
    assert Habit.of([NOON]) is None


@given(st.lists(st.integers(1, 9), min_size=1, max_size=30))
def test_confidence_grows_with_the_runs_and_is_never_certain(pauses):
    fewer, more = Habit.of(runs_after(pauses)), Habit.of(runs_after([*pauses, 1]))

    assert 0 < fewer.confidence < more.confidence < 1


NIGHTLY = parse("cron(0 8 * * ? *)")


@pytest.mark.parametrize(
    ("schedule", "every", "last", "is_likely"),
    [
        (NIGHTLY, 24 * HOUR, NOON.replace(hour=8), True),
        (NIGHTLY, 24 * HOUR, NOON.replace(hour=11), False),  # it ran when it was not due
        (NIGHTLY, HOUR, NOON.replace(hour=8), False),  # something else runs it every hour
        (NIGHTLY, None, None, True),
        (parse("rate(5 minutes)"), 15 * timedelta(minutes=1), NOON, True),
        (parse("rate(1 day)"), HOUR, NOON, False),
    ],
)
def test_a_schedule_ran_a_function_that_ran_when_it_was_due_and_no_more_often(
    schedule, every, last, is_likely
):
    habit = Habit.of([NOON - i * every for i in range(9, -1, -1)]) if every else None

    assert ran_by(schedule, habit, last, step=timedelta(minutes=15)) is is_likely


@given(hours=st.integers(5, 500), minute=st.integers(0, 59))
def test_the_first_run_that_was_missed_is_the_first_that_was_due_after_the_last(hours, minute):
    last = NOON - hours * HOUR + minute * timedelta(minutes=1)
    eight = last.replace(hour=8, minute=0)

    missed = missed_at(by_schedule(NIGHTLY, "nightly", now=NOON), last)

    assert missed == (eight if eight > last + timedelta(minutes=1) else eight + 24 * HOUR)
    assert missed_at(by_schedule(parse("rate(1 hour)"), "hourly", now=NOON), last) == last + HOUR


def test_a_schedule_that_is_off_is_not_waited_for_where_another_one_runs():
    on = by_schedule(parse("rate(1 hour)"), "hourly", now=NOON)
    off = by_schedule(parse("cron(30 11 * * ? *)"), "half past eleven", now=NOON, is_off=True)
    links = [Link("half past eleven is disabled", True)]

    assert verdict([off, on], NOON - HOUR, links, now=NOON).state == RUNS
    assert verdict([off], NOON - HOUR, links, now=NOON).state == STOPPED
    assert verdict([off, on], NOON - 5 * HOUR, links, now=NOON).expected == on


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
    assert verdict([], NOON, [Link("rule is off", True)], now=NOON).state == UNJUDGED
    assert verdict([], None, [Link("reserved is 0", True, stops=True)], now=NOON).state == UNJUDGED
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
