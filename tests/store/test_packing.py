"""Sealing, joining, late data, sweeping and retention: rows stay the same, files come and go."""

from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from core.errors import StoreError
from core.settings import RetentionSettings
from core.windows import Window
from store import packing, schema, state
from store.store import Store
from store.telemetry import SCHEMAS

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def fill(store, a_run, a_point, noon):
    """A point per hour, from 36 hours before noon up to it."""

    def commit(*functions, value=1.0, hours=range(-36, 1)):
        points = [a_point(f, noon + n * HOUR, invocations=value) for f in functions for n in hours]
        store.commit(a_run(), points, now=noon)

    return commit


def files(store):
    return sorted(path.name.split("-")[0] for path in store.path.rglob("*.parquet"))


def hot_hours(store):
    with store.engine.connect() as connection:
        return list(connection.execute(sa.select(schema.hot.c.start).order_by(schema.hot.c.start)).scalars())


def test_finished_days_and_quarters_become_a_file_and_settled_hours_one_each(store, fill, noon):
    fill("checkout")

    store.pack(now=noon)

    assert files(store) == ["00", *(f"{hour:02}" for hour in range(6, 11)), "day"]
    assert hot_hours(store) == [noon - HOUR, noon]


def test_it_is_crowded_when_many_batches_could_be_sealed(store, fill, noon, monkeypatch):
    monkeypatch.setattr(packing, "CROWD", 3)
    fill("checkout", hours=[-4, -3, -1, 0])
    assert not store.is_crowded(now=noon)
    fill("checkout", hours=[-2])
    assert store.is_crowded(now=noon)

    store.pack(now=noon)

    assert not store.is_crowded(now=noon)


def test_an_hour_is_sealed_when_runs_that_keep_up_read_it_no_more(store, fill, noon):
    fill("checkout", hours=[-1])

    store.pack(now=noon + 47 * MINUTE)
    assert files(store) == []
    store.pack(now=noon + 48 * MINUTE)

    assert files(store) == ["11"]
    assert hot_hours(store) == []


def test_hours_are_joined_when_their_day_is_over(store, fill, read, noon):
    fill("checkout")
    store.pack(now=noon)
    before = repr(read(store))

    store.pack(now=noon + 24 * HOUR)
    assert files(store).count("day") == 2
    store.pack(now=noon + 25 * HOUR)

    assert files(store) == ["day", "day"]
    assert repr(read(store)) == before


def test_packing_again_changes_nothing(store, fill, noon):
    fill("checkout")
    store.pack(now=noon + 48 * HOUR)
    before = sorted(store.path.rglob("*.parquet"))

    store.pack(now=noon + 49 * HOUR)

    assert sorted(store.path.rglob("*.parquet")) == before


@pytest.mark.parametrize("hours", [0, 48])
def test_late_rows_are_merged_into_the_file_of_their_hour(store, fill, read, noon, hours):
    fill("checkout", "pay")
    store.pack(now=noon + hours * HOUR)
    count = len(files(store))

    fill("checkout", "late", value=2.0, hours=[-5])
    store.pack(now=noon + (hours + 1) * HOUR)
    store.pack(now=noon + (hours + 2) * HOUR)

    rows = sorted(
        (row["function"], row["invocations"]) for row in read(store) if row["ts"] == noon - 5 * HOUR
    )
    assert rows == [("checkout", 2.0), ("late", 2.0), ("pay", 1.0)]
    assert len(files(store)) <= count + 2  # the two hours that settled meanwhile
    assert len(read(store)) == 37 * 2 + 1


def test_a_replaced_file_stays_for_its_readers_and_then_goes(store, fill, noon):
    fill("checkout", hours=[-5])
    store.pack(now=noon)
    (old,) = store.path.rglob("*.parquet")
    fill("pay", hours=[-5])
    later = noon + HOUR

    store.pack(now=later)
    assert old.exists()
    store.pack(now=later + 9 * MINUTE)
    assert old.exists()
    store.pack(now=later + 10 * MINUTE)

    assert not old.exists()
    assert len(files(store)) == 1
    with store.engine.connect() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(schema.file)).scalar() == 1


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_what_a_killed_process_left_in_a_folder_is_swept(store, fill, read, kept, noon):
    fill("checkout")
    store.pack(now=noon)
    before, paths = repr(read(store)), kept.paths()
    folder = paths[0].rpartition("/")[0]
    kept.write(f"{folder}/05-aaaaaaaaaaaa.parquet", b"whole, but in no catalogue")
    kept.write(f"{folder}/05-bbbbbbbbbbbb.parquet.part", b"half")

    store.pack(now=noon)

    assert kept.paths() == paths
    assert repr(read(store)) == before


def test_two_processes_do_not_pack_at_once(store, fill, noon):
    fill("checkout")

    with state.locked(store.engine, store.path, "pack.lock", wait=False) as mine:
        assert mine
        store.pack(now=noon)

    assert files(store) == []


def test_rows_kept_while_their_hour_is_being_sealed_are_not_lost(store, fill, read, noon, monkeypatch):
    from store import files as store_files

    fill("checkout", hours=[-5])
    write = store_files.write

    def write_and_be_overtaken(*given, **named):
        fill("pay", hours=[-5])
        return write(*given, **named)

    monkeypatch.setattr("store.files.write", write_and_be_overtaken)
    store.pack(now=noon)

    assert sorted(row["function"] for row in read(store)) == ["checkout", "pay"]
    monkeypatch.undo()
    store.pack(now=noon)
    assert sorted(row["function"] for row in read(store)) == ["checkout", "pay"]


def test_a_file_that_cannot_be_read_keeps_no_other_back(store, fill, read, kept, noon):
    fill("checkout")
    store.pack(now=noon)
    torn = next(path for path in kept.paths() if "/day-" in path)
    kept.write(torn, kept.read(torn)[:100])
    fill("late", hours=[-30, -5])

    store.pack(now=noon)

    assert noon - 30 * HOUR in hot_hours(store)
    assert noon - 5 * HOUR not in hot_hours(store)
    assert not list(store.path.rglob("*.part"))


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_full_disk_leaves_the_rows_where_they_were(store, fill, read, noon, monkeypatch):
    fill("checkout")
    before = repr(read(store))

    def no_space(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", no_space)
    with pytest.raises(StoreError, match=r"No space left on device; its rows stay in state\.db"):
        store.pack(now=noon)

    assert repr(read(store)) == before
    assert list(store.path.rglob("*.part*")) == []


def test_each_kind_has_its_own_retention(settings, a_run, a_point, read, noon):
    kept = RetentionSettings(metrics=timedelta(days=3))
    store = Store.open(settings.model_copy(update={"retention": kept}))
    store.commit(a_run(), [a_point(ts=noon - n * 24 * HOUR) for n in range(6)], now=noon)

    store.pack(now=noon)
    assert [row["ts"] for row in read(store)] == [noon - n * 24 * HOUR for n in (3, 2, 1, 0)]
    store.pack(now=noon + 24 * HOUR)
    assert [row["ts"] for row in read(store)] == [noon - n * 24 * HOUR for n in (2, 1, 0)]
    store.pack(now=noon + 25 * HOUR)

    assert len(files(store)) == 3
    assert not (
        store.path / "telemetry/kind=metrics/account=111111111111/region=eu-west-1/date=2026-06-28"
    ).exists()
    store.close()


def test_what_is_past_retention_is_no_longer_covered(settings, a_run, prod, noon):
    kept = RetentionSettings(metrics=timedelta(days=3))
    store = Store.open(settings.model_copy(update={"retention": kept}))
    window = Window(noon - timedelta(days=9), noon)
    for collector in ("metrics", "inventory"):
        store.commit(a_run(window.start, window.end, collector=collector), [], now=noon)

    store.pack(now=noon)

    midnight = noon.replace(hour=0) - timedelta(days=3)
    assert store.covered("metrics", prod) == [(Window(midnight, noon), 60)]
    assert store.covered("inventory", prod) == [(window, 60)]
    store.close()


def test_old_runs_and_gaps_are_forgotten(store, a_run, noon):
    store.commit(a_run(), [], now=noon)
    store.commit(a_run(noon + 50 * 24 * HOUR, noon + 51 * 24 * HOUR), [], now=noon)

    store.pack(now=noon + 51 * 24 * HOUR)

    with store.engine.connect() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(schema.run)).scalar() == 1


def test_a_file_is_plain_parquet_sorted_by_function_and_time(store, fill, kept, noon):
    fill("pay", "checkout")
    store.pack(now=noon + 48 * HOUR)

    day, _ = kept.paths()
    assert day.startswith("kind=metrics/account=111111111111/region=eu-west-1/date=2026-06-30/")
    table = pq.read_table(pa.BufferReader(kept.read(day)))

    assert table["function"].to_pylist() == ["checkout"] * 24 + ["pay"] * 24
    assert table["ts"].to_pylist()[:24] == sorted(table["ts"].to_pylist()[:24])


def test_a_sort_larger_than_memory_may_spill(store, a_run, a_point, noon):
    with store._lake.cursor() as duck:
        spill = duck.execute("SELECT current_setting('temp_directory')").fetchone()[0]

    assert spill.startswith(str(store.path))
    assert Path(spill).parent.is_dir()  # DuckDB makes the last folder only


def test_a_reader_of_an_old_window_opens_no_newer_file(store, fill, kept, noon):
    fill("checkout")
    store.pack(now=noon + 48 * HOUR)
    for path in kept.paths():
        if "date=2026-07-01" in path:
            kept.remove(path)

    with store.snapshot(Window(noon - 20 * HOUR, noon - 15 * HOUR), ("metrics",)) as snapshot:
        assert len(snapshot.frame("SELECT * FROM metrics")) == 5


def test_numbers_that_no_row_has_are_null_in_the_file_too(store, a_run, a_point, read, noon):
    """They are left out while rows are sorted."""
    store.commit(a_run(), [a_point("a", invocations=1.0), a_point("b", errors=0.0)], now=noon)

    store.pack(now=noon + 48 * HOUR)

    (file,) = store.path.rglob("*.parquet")
    table = pq.read_table(file, partitioning=None)
    assert set(SCHEMAS["metrics"].names) - {"account", "region"} == set(table.schema.names)
    assert (table["invocations"].to_pylist(), table["errors"].to_pylist()) == ([1.0, None], [None, 0.0])
    assert table["throttles"].null_count == table["duration_p99_ms"].null_count == 2
