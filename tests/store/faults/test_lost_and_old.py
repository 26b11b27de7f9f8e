"""A file that cannot be read while its day comes of age: no time is there at two periods, nothing twice."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from core.facts import Covered
from core.telemetry import MetricPoint
from core.windows import Window
from store import schema

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
LOST_MINUTES = 6 * 60


@pytest.fixture
def day(noon):
    return Window(noon.replace(hour=0), noon.replace(hour=0) + DAY)


@pytest.fixture
def collect(store, a_run):
    """Read a window in each minute of which something ran once."""

    def commit(window, at, *, period_s=60):
        step = timedelta(seconds=period_s)
        points = [
            MetricPoint(
                scope="function",
                function="checkout",
                ts=window.start + n * step,
                period_s=period_s,
                invocations=step / MINUTE,
            )
            for n in range(window.duration // step)
        ]
        run = a_run(window.start, window.end, period_s=period_s, at=at)
        store.commit(run, [*points, Covered("", window)], now=at)

    return commit


@pytest.fixture
def parts(store, collect, day):
    """A day of minutes in three files and the hot tail; answers the files' paths, oldest first."""
    for part in day.chunks(6 * HOUR):
        collect(part, part.end)
        if part.end < day.end:
            store.pack(now=part.end + HOUR)
    with store.engine.connect() as connection:
        query = sa.select(schema.file.c.path).where(schema.file.c.replaced_at.is_(None))
        return connection.execute(query.order_by(schema.file.c.start)).scalars().all()


def gone(kept, path):
    kept.remove(path)


def damaged(kept, path):
    kept.write(path, kept.read(path)[:-20])


def minutes(read, store):
    """How many minutes all rows stand for: more than there were is something twice."""
    return sum(row["invocations"] for row in read(store))


@pytest.mark.parametrize("fault", [gone, damaged])
def test_late_minutes_beside_a_lost_file_are_not_there_twice_when_their_day_is_old(
    store, collect, parts, day, kept, read, prod, fault, monkeypatch
):
    monkeypatch.setattr("store.s3.HOLD_OFF_S", 0.0)
    data, late = kept.read(parts[1]), Window(day.start + 7 * HOUR, day.start + 8 * HOUR)
    fault(kept, parts[1])
    assert minutes(read, store) == 1440 - LOST_MINUTES
    collect(late, day.end)  # at a minute, while it cannot join the file of its hour
    old = day.start + 5 * DAY
    for n in range(3):
        store.pack(now=old + n * HOUR)
    assert minutes(read, store) == 1440 - LOST_MINUTES + 60

    ((_, period_s),) = store.covered("metrics", prod)
    collect(late, old, period_s=period_s)  # as the planner would

    assert minutes(read, store) == 1440 - LOST_MINUTES + 60
    kept.write(parts[1], data)
    for n in range(4):
        assert minutes(read, store) in (1440 - LOST_MINUTES + 60, 1440)
        store.pack(now=old + (4 + n) * HOUR)
    assert minutes(read, store) == 1440
    assert {row["period_s"] for row in read(store)} == {300}
    assert store.check() == []


@pytest.mark.parametrize("late_minutes", [3, 60])
def test_what_is_read_again_after_a_repair_is_not_there_twice(
    store, collect, parts, day, kept, read, prod, late_minutes
):
    late = Window(day.start + 7 * HOUR, day.start + 7 * HOUR + late_minutes * MINUTE)
    kept.remove(parts[1])
    assert minutes(read, store) == 1440 - LOST_MINUTES
    collect(late, day.end)
    old = day.start + 5 * DAY
    store.pack(now=old)

    store.repair(store.check(), now=old)
    lost = Window(day.start + 6 * HOUR, day.start + 12 * HOUR)
    assert all(there.overlap(lost) is None for there, _ in store.covered("metrics", prod))
    collect(lost, old, period_s=300)

    for n in range(3):
        assert minutes(read, store) == 1440
        store.pack(now=old + (1 + n) * HOUR)
    assert {row["period_s"] for row in read(store)} == {300}
