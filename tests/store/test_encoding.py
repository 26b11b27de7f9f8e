"""What a file keeps of a number, and who can read it."""

import math
import tempfile
from datetime import timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from core.telemetry import TELEMETRY
from store import columns, encoding
from store.exchange import ddl
from store.telemetry import HUNDREDTHS, SCHEMAS, filed

DAY = timedelta(days=1)
EXACT = [0.1, 1 / 3, 2**53 - 1.0, 5e-324, 123456.789]


def packed(store, a_run, points, noon):
    store.commit(a_run(), points, now=noon)
    store.pack(now=noon + 2 * DAY)
    return next(store.path.rglob("*.parquet"))


def test_sums_and_counts_survive_to_the_last_bit(store, a_run, a_point, read, noon):
    points = [a_point(f"f{n}", duration_sum_ms=value, log_bytes=value) for n, value in enumerate(EXACT)]

    packed(store, a_run, points, noon)

    assert [row["duration_sum_ms"] for row in read(store)] == EXACT
    assert [row["log_bytes"] for row in read(store)] == EXACT


@pytest.mark.parametrize("field", HUNDREDTHS["metrics"])
def test_a_duration_is_kept_to_a_hundredth_of_a_millisecond_from_the_start(
    store, a_run, a_point, read, noon, field
):
    points = [a_point(f"f{n}", **{field: value}) for n, value in enumerate([12.344999, 900_000.01, 0.0])]

    store.commit(a_run(), points, now=noon)

    assert [row[field] for row in read(store)] == [12.34, 900_000.01, 0.0]


def test_a_number_is_the_same_before_and_after_it_is_filed(store, a_run, a_point, read, noon):
    points = [a_point(f"f{n:02}", duration_p99_ms=10**n / 7) for n in range(-3, 13)]
    store.commit(a_run(), points, now=noon)
    before = repr(read(store))

    store.pack(now=noon + 2 * DAY)

    assert repr(read(store)) == before


@examples(max_examples=40, deadline=None)
@given(st.lists(st.floats(0, columns.MOST_MS, exclude_max=True), min_size=1, max_size=50))
@example([703687441777.3201, math.nextafter(0.07, 1)])  # next to a hundredth
def test_a_rounded_number_passes_through_a_file_unchanged(values):
    schema = SCHEMAS["metrics"]
    given_ = {"ts": [0] * len(values), "duration_max_ms": values}
    made = [pa.array(given_.get(f.name, [None] * len(values))).cast(f.type) for f in schema]
    rows = columns.rounded("metrics", pa.Table.from_arrays(made, schema=schema))

    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as duck:
        duck.register("rows", rows)
        path = Path(folder) / "a.parquet"
        encoding.copy(duck, "metrics", "SELECT * FROM rows", path)
        sql = f"SELECT CAST(duration_max_ms AS DOUBLE) AS n FROM '{path}' ORDER BY n"
        back = duck.sql(sql).to_arrow_table()["n"].to_pylist()

    assert back == sorted(rows["duration_max_ms"].to_pylist())
    assert all(math.isclose(a, b, abs_tol=0.00501) for a, b in zip(back, sorted(values), strict=True))


@pytest.mark.parametrize("value", [math.inf, 1e300, math.nan])
def test_what_cannot_be_a_duration_is_unknown(store, a_run, a_point, read, noon, value):
    packed(store, a_run, [a_point(duration_p95_ms=value, invocations=1.0)], noon)

    (row,) = read(store)
    assert math.isnan(row["duration_p95_ms"])


def test_a_file_with_floating_percentiles_is_read_beside_one_with_hundredths(
    store, a_run, a_point, read, noon, monkeypatch
):
    with monkeypatch.context() as an_older_release:
        an_older_release.setitem(HUNDREDTHS, "metrics", ())
        packed(store, a_run, [a_point("old", duration_p95_ms=2.500000001)], noon)
    store.commit(a_run(), [a_point("new", noon - DAY, duration_p95_ms=7.25)], now=noon)
    store.pack(now=noon + 2 * DAY)

    assert [row["duration_p95_ms"] for row in read(store)] == [7.25, 2.500000001]

    store.commit(a_run(), [a_point("late", duration_p95_ms=1.0)], now=noon)
    store.pack(now=noon + 2 * DAY)
    assert [row["duration_p95_ms"] for row in read(store)] == [1.0, 7.25, 2.5]


@pytest.mark.parametrize("kind", list(SCHEMAS))
def test_a_file_holds_the_types_that_it_is_said_to_hold(tmp_path, kind):
    with duckdb.connect() as duck:
        duck.register("rows", SCHEMAS[kind].empty_table())
        encoding.copy(duck, kind, "SELECT * FROM rows", tmp_path / "a.parquet")

    found = pq.read_schema(tmp_path / "a.parquet")

    times = {"ts": pa.timestamp("us", tz="UTC")}
    expected = [(f.name, times.get(f.name, f.type)) for f in filed(kind)]
    plain = [(f.name, pa.list_(f.type.value_type) if pa.types.is_list(f.type) else f.type) for f in found]
    assert plain == expected
    assert [name for name, _ in ddl.columns(kind)] == found.names


def test_a_file_uses_only_encodings_that_every_engine_knows(store, a_run, a_point, noon):
    points = [a_point(f"f{n}", invocations=n / 7, duration_p95_ms=n / 3) for n in range(500)]
    group = pq.ParquetFile(packed(store, a_run, points, noon)).metadata.row_group(0)

    used = {encoding for n in range(group.num_columns) for encoding in group.column(n).encodings}

    assert used <= {"PLAIN", "RLE", "PLAIN_DICTIONARY", "RLE_DICTIONARY", "BIT_PACKED"}


def test_the_order_of_every_kind_is_of_its_own_columns():
    assert set(encoding.ORDER) == set(SCHEMAS) == {kind.KIND for kind in TELEMETRY}
    for kind, order in encoding.ORDER.items():
        assert set(order.split(", ")) <= set(filed(kind).names)
