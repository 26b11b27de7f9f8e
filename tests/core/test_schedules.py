"""Schedules of EventBridge, against a walk over every minute."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.schedules import Cron, Rate, last_due, parse

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)  # a Wednesday
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("text", "due"),
    [
        ("cron(0 8 * * ? *)", datetime(2026, 7, 1, 8, tzinfo=UTC)),
        ("cron(30 12 * * ? *)", datetime(2026, 6, 30, 12, 30, tzinfo=UTC)),
        ("cron(0/15 * * * ? *)", datetime(2026, 7, 1, 12, 0, tzinfo=UTC)),
        ("cron(15 10 ? * MON-FRI *)", datetime(2026, 7, 1, 10, 15, tzinfo=UTC)),
        ("cron(0 18 ? * SUN *)", datetime(2026, 6, 28, 18, tzinfo=UTC)),
        ("cron(0 18 ? * 1 *)", datetime(2026, 6, 28, 18, tzinfo=UTC)),
        ("cron(0 0 1 * ? *)", datetime(2026, 7, 1, 0, tzinfo=UTC)),
        ("cron(0 0 L * ? *)", datetime(2026, 6, 30, 0, tzinfo=UTC)),
        ("cron(0 9 ? * 6L *)", datetime(2026, 6, 26, 9, tzinfo=UTC)),
        ("cron(0 9 ? * 2#1 *)", datetime(2026, 6, 1, 9, tzinfo=UTC)),
        ("cron(0 9 13W * ? *)", datetime(2026, 6, 12, 9, tzinfo=UTC)),
        ("cron(0 9 1 JAN,jul ? 2025-2026)", datetime(2026, 7, 1, 9, tzinfo=UTC)),
        ("cron(0 9 1 1 ? 2031)", None),
    ],
)
def test_finds_the_newest_run_that_was_due(text, due):
    schedule = parse(text)

    assert isinstance(schedule, Cron)
    assert last_due(schedule, NOON) == due


@pytest.mark.parametrize(
    ("text", "every"),
    [("rate(1 minute)", MINUTE), ("rate(5 minutes)", 5 * MINUTE), ("rate(2 days)", timedelta(days=2))],
)
def test_a_rate_has_a_pace_and_no_moment(text, every):
    assert parse(text) == Rate(every)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "at(2026-07-01T12:00:00)",
        "rate(0 minutes)",
        "cron(0 8 * *)",
        "cron(99 8 * * ? *)",
        "cron(a b c d e f)",
    ],
)
def test_what_is_no_schedule_that_repeats_is_none(text):
    assert parse(text) is None


@given(
    minute=st.sets(st.integers(0, 59), min_size=1, max_size=4),
    hour=st.sets(st.integers(0, 23), min_size=1, max_size=4),
    weekday=st.sets(st.integers(1, 7), min_size=1, max_size=3),
    later=st.integers(0, 10_000),
)
def test_the_newest_run_is_what_a_walk_over_every_minute_finds(minute, hour, weekday, later):
    now = NOON + later * MINUTE + timedelta(seconds=30)
    text = "cron({} {} ? * {} *)".format(*(",".join(map(str, sorted(s))) for s in (minute, hour, weekday)))
    names = {1: 6, 2: 0, 3: 1, 4: 2, 5: 3, 6: 4, 7: 5}

    at = now.replace(second=0)
    while not (at.minute in minute and at.hour in hour and at.weekday() in {names[d] for d in weekday}):
        at -= MINUTE

    assert last_due(parse(text), now) == at
