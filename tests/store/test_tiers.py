"""Days come of age: longer periods, months in one file, what was read of them, and what comes late."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from core.facts import Covered
from core.settings import RetentionSettings
from core.windows import Window
from store import schema, tiers
from store.store import Store
from store.tiers import Tiers

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
def collect(store, a_run, a_point):
    """A run over a window with a point in each of some minutes."""

    def commit(start, end, *, period_s=60, every=20 * MINUTE, value=1.0, at=None, scopes=("",)):
        count = -(-(end - start) // every)
        points = [a_point(ts=start + n * every, invocations=value) for n in range(count)]
        covered = [Covered(scope, Window(start, end), period_s) for scope in scopes]
        run = a_run(start, end, period_s=period_s, at=at or end)
        store.commit(run, [*points, *covered], now=at or end)

    return commit


def kept(store):
    """Names, periods and starts of the files that readers use."""
    c = schema.file.c
    with store.engine.connect() as connection:
        rows = connection.execute(
            sa.select(schema.file).where(c.replaced_at.is_(None)).order_by(c.start)
        ).all()
    return [(row.path.rsplit("/")[-1].split("-")[0], row.period_s, row.start) for row in rows]


def test_a_day_of_age_is_kept_at_five_minutes_and_later_by_the_hour(store, collect, read, prod, noon):
    start = noon.replace(hour=0)
    collect(start, noon, every=10 * MINUTE)

    found = []
    for days in (3, 4, 31):
        store.pack(now=start + days * DAY + HOUR)
        found.append(
            ({row["period_s"] for row in read(store)}, sum(row["invocations"] for row in read(store)))
        )
    assert found == [({60}, 72), ({300}, 72), ({3600}, 72)]
    assert store.covered("metrics", prod) == [(Window(start, noon), 3600)]
    assert kept(store) == [("day", 3600, start)]


def test_readers_see_rows_and_what_was_read_change_at_once(store, collect, noon, prod, monkeypatch, read):
    start, seen = noon.replace(hour=0), []
    collect(start, start + 6 * HOUR)
    write = store.transaction

    def looked_at():
        seen.append(
            ({row["period_s"] for row in read(store)}, {s for _, s in store.covered("metrics", prod)})
        )
        return write()

    monkeypatch.setattr(store, "transaction", looked_at)
    store.pack(now=start + 4 * DAY + HOUR)

    assert [pair for pair in seen if pair[0] != pair[1]] == []
    assert ({60}, {60}) in seen
    assert ({300}, {300}) in seen


def test_what_was_read_is_one_stretch_again_when_days_follow_each_other(store, collect, prod, noon):
    start = noon.replace(hour=0)
    collect(start - 2 * DAY, start + 2 * DAY, every=6 * HOUR, scopes=("a", "b"), at=start + 3 * DAY)

    for days in (3, 4, 5):
        store.pack(now=start + days * DAY + HOUR)

    five, one = Window(start - 2 * DAY, start + 2 * DAY), Window(start + 2 * DAY, start + 2 * DAY)
    assert one.duration == timedelta(0)
    assert [store.covered("metrics", prod, scope) for scope in ("a", "b")] == [[(five, 300)]] * 2


def test_a_day_of_which_nothing_was_counted_comes_of_age_too(store, a_run, prod, noon):
    day = noon.replace(hour=0)
    store.commit(a_run(day, day + DAY), [], now=noon + DAY)

    store.pack(now=day + 5 * DAY)

    assert store.covered("metrics", prod) == [(Window(day, day + DAY), 300)]


def test_logs_keep_their_coverage_as_it_is(store, a_run, prod, noon):
    """There a period says that sums were read instead of records."""
    day = noon.replace(hour=0)
    store.commit(a_run(day, day + DAY, collector="logs", period_s=0), [], now=noon + DAY)

    store.pack(now=day + 5 * DAY)

    assert store.covered("logs", prod) == [(Window(day, day + DAY), 0)]


def test_late_minutes_are_kept_at_the_period_of_their_day_at_once(store, collect, read, prod, noon):
    day = noon.replace(hour=0)
    collect(day, day + DAY, every=MINUTE)
    store.pack(now=day + 5 * DAY)

    collect(noon, noon + HOUR, every=MINUTE, value=2.0, at=day + 5 * DAY)

    late = [row for row in read(store) if noon <= row["ts"] < noon + HOUR]
    assert [(row["period_s"], row["invocations"]) for row in late] == [(300, 10.0)] * 12
    assert store.covered("metrics", prod) == [(Window(day, day + DAY), 300)]


def test_a_part_of_a_stretch_takes_no_whole_ones_place_and_does_not_count_as_read(
    store, collect, read, prod, noon
):
    day = noon.replace(hour=0)
    collect(day, noon, every=MINUTE)
    store.pack(now=day + 5 * DAY)
    before = repr(read(store))[:-1]

    collect(noon - 3 * MINUTE, noon + 7 * MINUTE, every=MINUTE, value=9.0, at=day + 5 * DAY)

    assert repr(read(store)).startswith(before)
    assert [row["invocations"] for row in read(store) if row["ts"] >= noon] == [45.0]
    assert store.covered("metrics", prod) == [(Window(day, noon + 5 * MINUTE), 300)]


def test_rows_that_come_while_a_day_is_brought_to_five_minutes_are_not_lost(
    store, collect, read, noon, monkeypatch
):
    from store import files

    day = noon.replace(hour=0)
    collect(day, noon, every=MINUTE)
    write = files.write

    def write_and_be_overtaken(*given, **named):
        collect(noon, noon + HOUR, every=MINUTE, at=day + 5 * DAY)
        return write(*given, **named)

    monkeypatch.setattr("store.files.write", write_and_be_overtaken)
    store.pack(now=day + 5 * DAY)
    assert {row["period_s"] for row in read(store)} == {60}
    monkeypatch.undo()
    store.pack(now=day + 5 * DAY)

    assert {row["period_s"] for row in read(store)} == {300}
    assert sum(row["invocations"] for row in read(store)) == 13 * 60


def test_months_become_a_file_once_all_their_days_are_hourly(store, collect, read, noon):
    start = noon.replace(month=3, day=30, hour=0)
    for day in range(40):
        collect(start + day * DAY, start + day * DAY + HOUR, every=30 * MINUTE)

    store.pack(now=start + 100 * DAY)
    store.pack(now=start + 100 * DAY)

    assert [(name, ts.month, ts.day) for name, _, ts in kept(store)] == [
        ("month", 3, 1),
        ("month", 4, 1),
        ("month", 5, 1),
    ]
    assert sum(row["invocations"] for row in read(store)) == 80
    assert len(list(store.path.rglob("date=2026-04-01/month-*.parquet"))) == 1


def test_late_rows_are_merged_into_the_file_of_their_month(store, collect, read, noon):
    start = noon.replace(month=4, day=1, hour=0)
    for day in (0, 1):
        collect(start + day * DAY, start + day * DAY + HOUR, every=30 * MINUTE)
    now = start + 100 * DAY
    store.pack(now=now)
    store.pack(now=now)

    collect(start, start + HOUR, every=20 * MINUTE, at=now)
    assert [row["invocations"] for row in read(store)] == [3.0, 2.0]
    store.pack(now=now)

    assert [name for name, _, _ in kept(store)] == ["month"]
    assert [row["invocations"] for row in read(store)] == [3.0, 2.0]


def test_of_a_month_only_the_days_within_retention_are_left(settings, a_run, a_point, read, noon):
    retention = RetentionSettings(metrics=timedelta(days=60))
    store = Store.open(settings.model_copy(update={"retention": retention}))
    start = noon.replace(month=4, day=1, hour=0)
    for day in range(10):
        at = start + day * DAY
        store.commit(a_run(at, at + HOUR), [a_point(ts=at, invocations=1.0)], now=at + HOUR)

    store.pack(now=start + 63 * DAY)
    store.pack(now=start + 63 * DAY)
    assert [row["ts"] for row in read(store)] == [start + day * DAY for day in range(3, 10)]
    store.pack(now=start + 65 * DAY)

    assert [row["ts"] for row in read(store)] == [start + day * DAY for day in range(5, 10)]
    assert kept(store) == [("month", 3600, start + 5 * DAY)]
    assert [f.what for f in store.check()] == []
    store.close()


def test_a_longer_setting_makes_nothing_fine_again(settings, a_run, a_point, read, noon):
    store = Store.open(settings)
    day = noon.replace(hour=0)
    store.commit(a_run(day, noon), [a_point(ts=day)], now=noon)
    store.pack(now=day + 5 * DAY)
    store.close()

    longer = RetentionSettings(one_minute=timedelta(days=9))
    store = Store.open(settings.model_copy(update={"retention": longer}))
    store.commit(a_run(day, noon), [a_point(ts=day)], now=day + 5 * DAY)

    assert {row["period_s"] for row in read(store)} == {300}
    store.close()


moments = st.integers(0, 2000).map(lambda n: tiers.UNTOUCHED.five + n * HOUR)


@given(moments, moments, moments, moments)
def test_a_window_is_cut_where_the_period_changes(one, other, start, end):
    edges = Tiers(max(one, other), min(one, other))
    window = Window(min(start, end), max(start, end))

    parts = list(edges.stretches(window))

    assert sum((part.duration for part, _ in parts), timedelta(0)) == window.duration
    assert all(edges.period_s(part.start) == period_s for part, period_s in parts)
    assert all(edges.period_s(part.end - HOUR) == period_s for part, period_s in parts)
