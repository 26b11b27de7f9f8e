"""`metrics_by_hour` says what `metrics` says, whatever is packed, rolled up, late or cut by the window."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.facts import Run, Target
from core.settings import StoreSettings
from core.telemetry import MetricPoint
from core.windows import MINUTE, Window
from store import hours
from store.store import Store

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SUMS = """SELECT scope, "function", sum(invocations) AS invocations, sum(errors) AS errors,
    max(duration_max_ms) AS most, max({newest}) AS newest FROM {view} GROUP BY ALL ORDER BY ALL"""


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


def a_run(window, now):
    times = {"period_s": 60, "started_at": now, "finished_at": now}
    return Run(collector="metrics", target=Target("1", "eu-west-1"), window=window, outcome="ok", **times)


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """Five days, the older ones rolled up, the newest hours hot, with late rows for yesterday."""
    store = Store.open(StoreSettings(path=tmp_path_factory.mktemp("hours"), free_space_floor_mb=0))
    for day in Window(NOON - 5 * DAY, NOON).chunks(DAY):
        store.commit(a_run(day, day.end), points(day), now=day.end)
    store.pack(now=NOON)
    late = Window(NOON - 30 * HOUR, NOON - 29 * HOUR)
    changed = [MetricPoint(scope="function", function="a", ts=late.start, period_s=60, invocations=1000.0)]
    store.commit(a_run(late, NOON), changed, now=NOON)
    yield store
    store.close()


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


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 5 * 1440), st.integers(0, 5 * 1440))
def test_any_part_of_a_window_adds_up_to_the_same(filled, one, other):
    part = Window(NOON - max(one, other) * MINUTE, NOON - min(one, other) * MINUTE)

    found, expected, _ = both(filled, Window(NOON - 6 * DAY, NOON), part)

    assert found == expected


def test_whole_hours_come_from_what_files_add_up_to_once(filled, monkeypatch):
    window = Window(NOON - 4 * DAY, NOON - 2 * DAY)
    _, _, hourly = both(filled, window, window)
    monkeypatch.setattr(hours, "_add_up", lambda *_: pytest.fail("a file was added up again"))

    found, expected, again = both(filled, window, window)

    assert found == expected
    assert again == hourly == 2 * 48


def test_an_hour_that_ends_after_until_stays_point_by_point(filled):
    day = Window(NOON - 3 * DAY, NOON - 2 * DAY)

    _, _, whole = both(filled, day, day)
    found, expected, less = both(filled, day, day, until=day.end - MINUTE)

    assert found == expected
    assert whole - less == 2


def test_hours_of_a_file_that_got_late_rows_count_these(filled):
    day = Window(NOON - 36 * HOUR, NOON - 24 * HOUR)

    found, expected, _ = both(filled, day, day)

    assert found == expected
    assert found[0]["invocations"] > 1000


def test_without_a_file_there_is_an_empty_view(tmp_path):
    store = Store.open(StoreSettings(path=tmp_path, free_space_floor_mb=0))
    day = Window(NOON - DAY, NOON)

    assert both(store, day, day)[0] == []
    store.close()


def test_two_parts_are_asked_of_one_snapshot_the_second_in_whole_hours(filled):
    whole = Window(NOON - 90 * HOUR, NOON - 80 * HOUR)
    cut = Window(whole.start - 20 * MINUTE, whole.end)
    sql = "SELECT sum(invocations) AS n FROM metrics_by_hour WHERE scope = 'function'"

    with filled.snapshot(cut, ("metrics",)) as snapshot:
        snapshot.by_hour(cut)
        more = snapshot.frame(sql)["n"].iloc[0]
        snapshot.by_hour(whole)
        less = snapshot.frame(sql)["n"].iloc[0]

    assert more > less > 0
