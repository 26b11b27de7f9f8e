"""An import beside points that have become coarser: nothing twice, and no part for a whole."""

from datetime import UTC, datetime, timedelta

import duckdb
import pytest

from core.windows import Window
from store.exchange.exporting import write_out
from store.exchange.importing import read_in
from store.store import Filter, Store

EVER = Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))


def an_hour_of(a_run, a_point, start, count=60, **about):
    """A run over an hour with a point in each of its first `count` minutes."""
    points = [a_point(ts=start + n * timedelta(minutes=1), invocations=1.0) for n in range(count)]
    return a_run(start, start + timedelta(hours=1), **about), points


def counted(store, read):
    return [(row["ts"], row["period_s"], row["invocations"]) for row in read(store)]


@pytest.mark.parametrize("order", ["ts", "ts DESC"])
def test_minutes_that_are_kept_by_the_five_are_imported_so(
    store, tmp_path, a_run, a_point, read, noon, order
):
    run, points = an_hour_of(a_run, a_point, noon)
    source = Store.open(store.settings.model_copy(update={"path": tmp_path / "from", "database": None}))
    source.commit(run, points, now=noon)
    write_out(source, "metrics", tmp_path / "m.parquet", EVER, Filter())
    source.close()
    duckdb.sql(f"SELECT * FROM '{tmp_path}/m.parquet' ORDER BY {order}").write_parquet(
        f"{tmp_path}/in.parquet"
    )
    store.commit(a_run(), [], now=noon)
    store.pack(now=noon + timedelta(days=9))

    first, again = (read_in(store, "metrics", tmp_path / "in.parquet") for _ in range(2))

    assert (first.added, again.added) == (12, 0)
    assert {(period_s, count) for _, period_s, count in counted(store, read)} == {(300, 5.0)}


def test_an_hour_that_is_there_at_another_period_is_not_added_to(store, tmp_path, a_run, a_point, read, noon):
    run, points = an_hour_of(a_run, a_point, noon)
    store.commit(run, points, now=noon)
    store.pack(now=noon + timedelta(days=9))
    write_out(store, "metrics", tmp_path / "five.parquet", EVER, Filter())
    fresh = Store.open(store.settings.model_copy(update={"path": tmp_path / "fresh", "database": None}))
    fresh.commit(run, points, now=noon)

    assert read_in(fresh, "metrics", tmp_path / "five.parquet").added == 0
    assert len(read(fresh)) == 60
    fresh.close()
