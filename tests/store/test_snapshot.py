"""What a reader sees: one instant, the window asked for, whatever files and batches it is spread over."""

import threading
from datetime import timedelta

import duckdb
import pandas as pd
import pyarrow as pa
import pytest
import sqlalchemy as sa

from core.facts import Target
from core.windows import Window
from store import columns, schema
from store.hot import HotCache
from store.store import Store
from store.telemetry import SCHEMAS

HOUR = timedelta(hours=1)
COUNT = "SELECT count(*) AS n, sum(invocations) AS total FROM metrics"


def test_an_empty_store_has_empty_views_of_every_kind(store, noon):
    with store.snapshot(Window(noon - HOUR, noon), tuple(SCHEMAS)) as snapshot:
        for kind, columns_ in SCHEMAS.items():
            frame = snapshot.frame(f"SELECT * FROM {kind}")
            assert list(frame.columns) == columns_.names
            assert frame.empty


def test_only_the_window_is_seen_its_end_left_out(store, a_run, a_point, noon):
    points = [a_point(ts=noon + n * timedelta(minutes=30), invocations=1.0) for n in range(-4, 4)]
    store.commit(a_run(), points, now=noon)

    def seen():
        with store.snapshot(Window(noon - HOUR, noon), ("metrics",)) as snapshot:
            return list(snapshot.frame("SELECT ts FROM metrics ORDER BY ts").ts)

    assert seen() == [noon - HOUR, noon - HOUR / 2]
    store.pack(now=noon + 48 * HOUR)
    assert seen() == [noon - HOUR, noon - HOUR / 2]


def test_times_are_aware_utc_in_both_kinds_of_frames(store, a_run, a_point, noon):
    store.commit(a_run(), [a_point()], now=noon)

    with store.snapshot(Window(noon - HOUR, noon), ("metrics",)) as snapshot:
        telemetry = snapshot.frame("SELECT ts, date_trunc('hour', ts) AS hour FROM metrics")
        state = snapshot.state(
            sa.select(
                sa.func.max(schema.run.c.finished_at).label("f"),
                sa.func.max(schema.run.c.started_at).label("m"),
            )
        )
        none = snapshot.state(sa.select(schema.incident.c.opened_at))

    for frame in (telemetry, state, none):
        assert {str(dtype) for dtype in frame.dtypes} == {"datetime64[us, UTC]"}


def test_whole_sums_are_numbers(store, a_run, a_point, noon):
    store.commit(a_run(), [a_point()], now=noon)

    with store.snapshot(Window(noon - HOUR, noon), ("metrics",)) as snapshot:
        frame = snapshot.frame("SELECT sum(1) AS n, sum(CASE WHEN false THEN 1 END) AS none FROM metrics")

    assert frame.n.dtype == "int64"
    assert pd.isna(frame.none[0])


def test_parameters_are_values_and_never_sql(store, a_run, a_point, noon):
    hostile = "x'; DROP VIEW metrics; --"
    store.commit(a_run(), [a_point(hostile, invocations=1.0)], now=noon)

    with store.snapshot(Window(noon - HOUR, noon), ("metrics",)) as snapshot:
        frame = snapshot.frame(f"{COUNT} WHERE function = $f AND ts < $end", {"f": hostile, "end": noon})

    assert frame.n[0] == 1


def test_a_snapshot_does_not_see_what_is_kept_after_it_was_taken(store, a_run, a_point, noon):
    store.commit(a_run(), [a_point(invocations=1.0)], now=noon)

    with store.snapshot(Window(noon - HOUR, noon), ("metrics",)) as snapshot:
        store.commit(a_run(), [a_point("pay", invocations=1.0)], now=noon)
        store.pack(now=noon + 48 * HOUR)
        telemetry, runs = snapshot.frame(COUNT), snapshot.state(sa.select(schema.run))

    assert (telemetry.n[0], len(runs)) == (1, 1)


def test_late_rows_take_the_place_of_sealed_ones_only_where_they_have_their_key(
    store, a_run, a_point, read, noon
):
    store.commit(a_run(), [a_point(invocations=1.0), a_point("pay", invocations=2.0)], now=noon)
    store.pack(now=noon + 48 * HOUR)
    store.commit(a_run(), [a_point(invocations=7.0), a_point("new", invocations=4.0)], now=noon)

    found = sorted((row["function"], row["invocations"]) for row in read(store))
    assert found == [("checkout", 7.0), ("new", 4.0), ("pay", 2.0)]


def test_threads_have_views_of_their_own(store, a_run, a_point, noon):
    store.commit(a_run(), [a_point(ts=noon - n * HOUR, invocations=float(n)) for n in range(1, 9)], now=noon)
    wrong = []

    def ask(hours):
        for _ in range(10):
            with store.snapshot(Window(noon - hours * HOUR, noon), ("metrics",)) as snapshot:
                if snapshot.frame(COUNT).n[0] != hours:
                    wrong.append(hours)

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(1, 7)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []


def test_a_reader_whose_file_was_unlinked_starts_anew(store, a_run, a_point, noon):
    store.commit(a_run(), [a_point(invocations=1.0)], now=noon)
    store.pack(now=noon + 2 * HOUR)

    with store.snapshot(Window(noon - HOUR, noon), ("metrics",)) as snapshot:
        store.pack(now=noon + 48 * HOUR)  # the day's only file stays
        store.commit(a_run(), [a_point("pay", invocations=1.0)], now=noon)
        store.pack(now=noon + 49 * HOUR)  # replaced
        store.pack(now=noon + 50 * HOUR)  # unlinked
        frame = snapshot.frame(COUNT)

    assert frame.n[0] == 2


def test_a_reader_in_sql_reaches_no_other_file(store, noon, tmp_path):
    secret = tmp_path / "secret.csv"
    secret.write_text("a,b\n1,2\n")

    with (
        store.snapshot(Window(noon - HOUR, noon), ("metrics",)) as snapshot,
        pytest.raises(duckdb.PermissionException),
    ):
        snapshot.frame(f"SELECT * FROM read_csv('{secret}')")


def test_a_column_that_older_rows_lack_is_unknown_in_them(store, a_run, a_point, noon, monkeypatch):
    store.commit(a_run(), [a_point("hot", invocations=1.0)], now=noon)
    store.commit(a_run(), [a_point("packed", noon - 30 * HOUR, invocations=1.0)], now=noon)
    store.pack(now=noon)
    monkeypatch.setitem(SCHEMAS, "metrics", SCHEMAS["metrics"].append(pa.field("brand_new", pa.float64())))

    with store.snapshot(Window(noon - 48 * HOUR, noon), ("metrics",)) as snapshot:
        frame = snapshot.frame("SELECT function, brand_new FROM metrics")

    assert set(frame.function) == {"hot", "packed"}
    assert frame.brand_new.isna().all()


def test_batches_are_decoded_once(store, a_run, a_point, noon, monkeypatch):
    store.commit(a_run(), [a_point(invocations=1.0)], now=noon)
    decoded = []
    real = columns.decode
    monkeypatch.setattr("store.columns.decode", lambda *given: decoded.append(given) or real(*given))

    for _ in range(3):
        with store.snapshot(Window(noon - HOUR, noon), ("metrics",)) as snapshot:
            snapshot.frame(COUNT)

    assert len(decoded) == 1


def test_a_reader_elsewhere_sees_a_batch_that_was_replaced(settings, store, a_run, a_point, read, noon):
    other = Store.open(settings)
    for value in (1.0, 2.0, 3.0):
        store.commit(a_run(), [a_point(invocations=value)], now=noon)
        assert [row["invocations"] for row in read(other)] == [value]
    other.close()


def test_the_cache_of_batches_is_bounded(store, a_run, a_point, noon):
    for n in range(6):
        store.commit(a_run(), [a_point(ts=noon - n * HOUR, invocations=1.0)], now=noon)
    from store import hot

    with store.engine.connect() as connection:
        batches = hot.listed(connection, hot.listing(sa.true()))
        one = HotCache(10**9).tables(connection, batches[:1])[batches[0].seq].nbytes
        cache = HotCache(limit_bytes=3 * one)
        assert len(cache.tables(connection, batches)) == 6

    assert sum(cache._recent.get(batch.seq) is not None for batch in batches) <= 3


def test_an_account_number_stays_text(store, a_run, a_point, read, noon):
    target = Target("000000000012", "eu-west-1")
    store.commit(a_run(target=target), [a_point()], now=noon)
    store.pack(now=noon + 48 * HOUR)

    assert [row["account"] for row in read(store)] == ["000000000012"]
