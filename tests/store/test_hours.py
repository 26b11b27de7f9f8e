"""`metrics_by_hour` says what `metrics` says, whatever is packed, rolled up, late or cut by the window."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.facts import MetricPoint
from core.windows import MINUTE, Window
from store import hours

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SUMS = """SELECT scope, "function", sum(invocations) AS invocations, sum(errors) AS errors,
    max(duration_max_ms) AS most, max({newest}) AS newest FROM {view} GROUP BY ALL ORDER BY ALL"""


@pytest.fixture
def database():
    """The state database has no part in it."""
    return


def points(window, step=7 * MINUTE):
    for n, minute in enumerate(window.chunks(step)):
        for function in ("a", "b"):
            yield MetricPoint(
                scope="function",
                function=function,
                ts=minute.start,
                period_s=60,
                invocations=None if n % 3 == 0 else float(n % 5),
                errors=float(n % 2) if function == "a" else None,
                duration_max_ms=float(n) if n % 5 else None,
            )


@pytest.fixture
def filled(store, a_run, noon):
    """Five days, the older ones rolled up, the newest hours hot, with late rows for yesterday."""
    window = Window(noon - 5 * DAY, noon)
    for day in window.chunks(DAY):
        store.commit(a_run(day.start, day.end), points(day), now=day.end)
        store.pack(now=day.end)
    store.pack(now=noon)
    late = Window(noon - 30 * HOUR, noon - 29 * HOUR)
    changed = [MetricPoint(scope="function", function="a", ts=late.start, period_s=60, invocations=1000.0)]
    store.commit(a_run(late.start, late.end, at=noon), changed, now=noon)
    return store


def both(store, window, part, **until):
    with store.snapshot(window, ("metrics",)) as snapshot:
        snapshot.by_hour(part, **until)
        found = snapshot.frame(SUMS.format(view="metrics_by_hour", newest="newest"))
        inside = "(SELECT * FROM metrics WHERE ts >= $start AND ts < $end)"
        newest = "CASE WHEN invocations > 0 THEN ts END"
        sql = SUMS.format(view=inside, newest=newest)
        expected = snapshot.frame(sql, {"start": part.start, "end": part.end})
        counted = snapshot.frame("SELECT count(*) AS n FROM metrics_by_hour WHERE period_s = 3600")
    plain = [f.astype(object).where(f.notna(), None).to_dict("records") for f in (found, expected)]
    return *plain, counted["n"][0]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 5 * 1440), st.integers(0, 5 * 1440))
def test_any_part_of_a_window_adds_up_to_the_same(filled, noon, one, other):
    part = Window(noon - max(one, other) * MINUTE, noon - min(one, other) * MINUTE)

    found, expected, _ = both(filled, Window(noon - 6 * DAY, noon), part)

    assert found == expected


def test_whole_hours_come_from_what_files_add_up_to_once(filled, noon, monkeypatch):
    window = Window(noon - 4 * DAY, noon - 2 * DAY)
    _, _, hourly = both(filled, window, window)
    monkeypatch.setattr(hours, "_add_up", lambda *_: pytest.fail("a file was added up again"))

    found, expected, again = both(filled, window, window)

    assert found == expected
    assert again == hourly == 2 * 48


def test_an_hour_that_ends_after_until_stays_point_by_point(filled, noon):
    day = Window(noon - 3 * DAY, noon - 2 * DAY)

    _, _, whole = both(filled, day, day)
    found, expected, less = both(filled, day, day, until=day.end - MINUTE)

    assert found == expected
    assert whole - less == 2


def test_hours_of_a_file_that_got_late_rows_count_these(filled, noon):
    day = Window(noon - 36 * HOUR, noon - 24 * HOUR)

    found, expected, _ = both(filled, day, day)

    assert found == expected
    assert found[0]["invocations"] > 1000


def test_without_a_file_there_is_an_empty_view(store, noon):
    day = Window(noon - DAY, noon)

    assert both(store, day, day)[0] == []
