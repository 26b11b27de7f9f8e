"""Windows, their grid and their arithmetic, held against sets of minutes."""

from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.windows import (
    CHART_STEPS,
    MINUTE,
    Window,
    ceil,
    chart_step,
    floor,
    merge,
    parse_duration,
    settled_until,
    subtract,
    total,
)

ZERO = datetime(2026, 7, 1, tzinfo=UTC)


def at(minute):
    return ZERO + minute * MINUTE


def minutes(windows):
    return {w.start + n * MINUTE for w in windows for n in range(int(w.duration / MINUTE))}


windows = st.tuples(st.integers(0, 80), st.integers(0, 40)).map(lambda w: Window(at(w[0]), at(w[0] + w[1])))
times = st.datetimes(datetime(2015, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
steps = st.sampled_from([1, 5, 30, 60, 1440]).map(lambda n: n * MINUTE)


@given(times, steps)
def test_floor_and_ceil_enclose_a_time_on_the_grid(ts, step):
    down, up = floor(ts, step), ceil(ts, step)

    assert down <= ts <= up
    assert up - down in (timedelta(), step)
    assert (down.timestamp() % step.total_seconds(), up.timestamp() % step.total_seconds()) == (0, 0)


def test_floor_answers_in_utc_whatever_the_zone():
    berlin = timezone(timedelta(hours=2))

    assert floor(datetime(2026, 7, 1, 1, 30, tzinfo=berlin), timedelta(days=1)) == datetime(
        2026, 6, 30, tzinfo=UTC
    )
    assert floor(datetime(2026, 7, 1, 1, 30, tzinfo=berlin), MINUTE).tzinfo is UTC


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90s", timedelta(seconds=90)),
        ("5m", timedelta(minutes=5)),
        (" 3h ", timedelta(hours=3)),
        ("14d", timedelta(days=14)),
        ("2w", timedelta(weeks=2)),
        ("0s", timedelta()),
    ],
)
def test_reads_durations(text, expected):
    assert parse_duration(text) == expected


@pytest.mark.parametrize("text", ["", "5", "m", "5 minutes", "-5m", "1.5h", "5M", "5m5s", "５m m"])
def test_refuses_other_durations_and_names_them(text):
    with pytest.raises(ValueError, match="is not a duration such as 90s, 5m, 3h, 14d or 2w") as refusal:
        parse_duration(text)

    assert repr(text) in str(refusal.value)


def test_a_window_needs_aware_times():
    with pytest.raises(ValueError, match="aware"):
        Window(datetime(2026, 7, 1), at(1))  # noqa: DTZ001


def test_a_window_does_not_run_backwards():
    with pytest.raises(ValueError, match="ends before it starts"):
        Window(at(1), at(0))


def test_the_last_hour_leaves_the_unfinished_minute_out():
    now = at(90) + timedelta(seconds=59)

    assert Window.last(timedelta(hours=1), now=now) == Window(at(30), at(90))


def test_a_window_holds_its_start_and_not_its_end():
    window = Window(at(0), at(5))

    assert at(0) in window
    assert at(5) not in window


@given(windows, windows)
def test_the_overlap_is_what_both_hold(one, other):
    overlap = one.overlap(other)

    assert minutes([overlap] if overlap else []) == minutes([one]) & minutes([other])


@given(windows, st.sampled_from([1, 5, 7, 60]))
def test_chunks_cut_on_the_grid_and_leave_nothing_out(window, step):
    chunks = list(window.chunks(step * MINUTE))

    assert sum((c.duration for c in chunks), timedelta()) == window.duration
    assert minutes(chunks) == minutes([window])
    assert all(c.duration <= step * MINUTE for c in chunks)
    assert all(floor(c.start, step * MINUTE) == c.start for c in chunks[1:])


@given(st.lists(windows, max_size=10))
def test_merged_windows_hold_the_same_minutes_and_do_not_touch(several):
    merged = merge(several)

    assert minutes(merged) == minutes(several)
    assert all(before.end < after.start for before, after in pairwise(merged))
    assert total(several) == len(minutes(several)) * MINUTE


@given(windows, st.lists(windows, max_size=10))
def test_subtracting_leaves_the_minutes_that_no_part_holds(whole, parts):
    left = subtract(whole, parts)

    assert minutes(left) == minutes([whole]) - minutes(parts)
    assert left == merge(left)


def test_a_minute_settles_eighteen_minutes_after_it_ended():
    assert settled_until(at(60) + timedelta(seconds=59)) == at(42)


@given(st.integers(1, 800))
def test_a_chart_stays_readable_up_to_a_month(hours):
    window = Window(ZERO, ZERO + timedelta(hours=hours))
    points = window.duration / chart_step(window)

    assert points <= 372


def test_a_chart_of_a_named_length_has_its_own_step():
    assert [chart_step(Window(ZERO, ZERO + length)) for length, _ in CHART_STEPS] == [
        step for _, step in CHART_STEPS
    ]
