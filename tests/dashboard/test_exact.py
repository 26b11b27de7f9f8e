"""Exact windows: typed times judged in words, moved, and read in both clocks."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as some

from core.windows import LATENESS, MINUTE, Window
from dashboard import exact

NOW = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
HOUR = timedelta(hours=1)
past = some.builds(
    lambda ago, length: Window(NOW - (ago + length) * MINUTE, NOW - ago * MINUTE),
    some.integers(0, 60 * 24 * 100),
    some.integers(1, 60 * 24 * 30),
)


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        (None, NOW, "Both times are needed"),
        (NOW - HOUR, None, "Both times are needed"),
        (NOW - HOUR, NOW - HOUR, "at least a minute before"),
        (NOW, NOW - HOUR, "at least a minute before"),
        (NOW + HOUR, NOW + 2 * HOUR, "lies in the future"),
        (NOW - timedelta(days=500), NOW, "longer than the 456 days"),
    ],
)
def test_says_in_words_why_times_are_no_window(start, end, said):
    assert said in exact.problem(start, end, now=NOW)


@given(past)
def test_a_window_of_the_past_has_no_problem(window):
    assert exact.problem(window.start, window.end, now=NOW) is None


def test_a_window_that_reaches_into_the_future_is_shown_up_to_now():
    assert exact.problem(NOW - HOUR, NOW + HOUR, now=NOW) is None


@given(past)
def test_a_moved_window_keeps_its_length_and_stays_out_of_the_future(window):
    for windows in (-1, 1):
        moved = exact.shifted(window, windows, now=NOW)
        assert moved.duration == window.duration
        assert moved.end <= NOW


@given(past)
def test_earlier_ends_where_the_window_began(window):
    assert exact.shifted(window, -1, now=NOW).end == window.start


@given(past)
def test_a_wider_window_is_twice_as_long_and_holds_the_old_one(window):
    wide = exact.widened(window, now=NOW)

    assert wide.duration == 2 * window.duration
    assert wide.overlap(window) == window
    assert wide.end <= NOW


def test_a_window_is_past_when_none_of_its_minutes_can_change():
    end = NOW - LATENESS

    assert exact.is_past(Window(end - HOUR, end), now=NOW)
    assert not exact.is_past(Window(end - HOUR, end + MINUTE), now=NOW)


def test_both_clocks_are_told():
    window = Window(NOW - 2 * HOUR, NOW - HOUR)

    assert exact.both_clocks(window, BERLIN, now=NOW) == "11:00 to 12:00 CET (10:00 to 11:00 UTC)"
    assert exact.both_clocks(window, UTC, now=NOW) == "10:00 to 11:00 UTC"


def test_a_day_that_is_not_today_is_named_once_where_once_is_enough():
    yesterday = Window(NOW - timedelta(days=1, hours=1), NOW - timedelta(days=1))
    overnight = Window(NOW - timedelta(days=1), NOW - HOUR)

    assert exact.between(yesterday, BERLIN, now=NOW) == "Tue 17 Nov, 12:00 to 13:00"
    assert exact.between(overnight, BERLIN, now=NOW) == "Tue 17 Nov, 13:00 to 12:00"
