"""The address bar read back."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from core.facts import Target
from core.windows import chart_step, floor
from dashboard import links

NOW = datetime(2026, 11, 20, 12, 7, tzinfo=UTC)
years = datetime(2020, 1, 1), datetime(2030, 1, 1)  # noqa: DTZ001
times = some.datetimes(*years, timezones=some.just(UTC))


def test_a_range_ends_where_the_data_does():
    fresh = NOW - timedelta(minutes=4)

    window = links.read_window({"range": "3h"}, now=NOW, fresh=fresh)

    assert (window.start, window.end) == (fresh - timedelta(hours=3), fresh)


@pytest.mark.parametrize("fresh", [None, NOW - timedelta(hours=2)])
def test_a_range_ends_now_when_the_data_is_late_so_that_the_hole_shows(fresh):
    assert links.read_window({"range": "1h"}, now=NOW, fresh=fresh).end == NOW


@pytest.mark.parametrize("asked", [{}, {"range": "2y"}, {"range": ""}, {"from": "yesterday", "to": "today"}])
def test_what_cannot_be_read_is_the_default_range(asked):
    window = links.read_window(asked, now=NOW, fresh=None)

    assert window.duration == timedelta(hours=3)


def test_from_and_to_win_over_range():
    asked = {"range": "24h", "from": "2026-11-20T08:00:00Z", "to": "2026-11-20T09:00:00+00:00"}

    window = links.read_window(asked, now=NOW, fresh=None)

    assert (window.start.hour, window.end.hour) == (8, 9)


def test_a_window_never_reaches_into_the_future():
    asked = {"from": "2026-11-20T11:00:00Z", "to": "2026-11-25T00:00:00Z"}

    assert links.read_window(asked, now=NOW, fresh=None).end <= NOW


@given(some.sampled_from(links.RANGES), times, some.integers(0, 120))
def test_windows_lie_on_whole_chart_steps_so_that_viewers_share_answers(range_, now, late_min):
    window = links.read_window({"range": range_}, now=now, fresh=now - timedelta(minutes=late_min))

    step = chart_step(window)
    assert floor(window.end, step) == window.end
    assert window.duration % step == timedelta(0)


@given(times, times)
def test_any_from_and_to_give_a_window(start, end):
    window = links.read_window({"from": start.isoformat(), "to": end.isoformat()}, now=NOW, fresh=None)

    assert window.start < window.end


def test_a_function_reads_back_from_its_id():
    text = links.function_id("111111111111", "eu-west-1", "orders-api_2")

    assert links.read_function_id(text) == (Target("111111111111", "eu-west-1"), "orders-api_2")


@pytest.mark.parametrize("text", ["", "orders", "a.b", "..x", "a..b"])
def test_what_is_no_function_id_reads_as_none(text):
    assert links.read_function_id(text) is None


def test_a_link_as_text_is_encoded():
    assert links.path(links.FUNCTION, {"fn": "1.eu.x y", "range": "3h"}) == "/function?fn=1.eu.x+y&range=3h"
    assert links.path(links.OVERVIEW, {}) == "/"
