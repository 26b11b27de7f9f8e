"""Others read the files without us: plain DuckDB, plain pyarrow, and statements their engines can parse."""

from datetime import timedelta

import duckdb
import pyarrow.dataset as ds
import pytest
import sqlglot
from pyarrow import fs

from core.telemetry import TraceRecord
from core.windows import Window
from store.exchange import ddl
from store.telemetry import SCHEMAS

LOCATION = "s3://fleet's/quarterdeck/telemetry/"


@pytest.fixture
def packed(store, a_run, a_point, noon):
    """Two days of points of two functions, and a trace, in files."""
    points = [
        a_point(f, noon - timedelta(hours=n), invocations=float(n)) for f in ("a", "b") for n in range(30)
    ]
    trace = TraceRecord(
        trace_id="1-a",
        ts=noon - timedelta(hours=5),
        duration_ms=1.5,
        response_ms=None,
        has_error=True,
        has_fault=False,
        has_throttle=False,
        root=None,
        functions=("a", "b"),
    )
    store.commit(a_run(), [*points, trace], now=noon)
    store.pack(now=noon + timedelta(days=3))
    return store


@pytest.fixture
def lake(packed, settings, kept, tmp_path):
    """The files in a folder, as somebody would copy them who has no extension of DuckDB for S3."""
    if settings.telemetry is None:
        return packed.path / "telemetry"
    for path in kept.paths():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(kept.read(path))
    return tmp_path


def ours(store, noon, kind):
    wide = Window(noon - timedelta(days=9), noon + timedelta(days=9))
    with store.snapshot(wide, (kind,)) as snapshot:
        columns = ", ".join(f'"{name}"' for name in SCHEMAS[kind].names)
        return snapshot.frame(f"SELECT {columns} FROM {kind} ORDER BY ALL")


@pytest.mark.parametrize("kind", ["metrics", "traces"])
def test_plain_duckdb_reads_the_rows_through_our_statement(packed, lake, noon, kind):
    duck = duckdb.connect()
    duck.execute("SET TimeZone='UTC'")
    statements = ddl.statements("duckdb", str(lake))
    duck.execute(next(text for text in statements if f"quarterdeck_{kind} " in text))

    columns = ", ".join(f'"{name}"' for name in SCHEMAS[kind].names)
    found = duck.sql(f"SELECT {columns} FROM quarterdeck_{kind} ORDER BY ALL").to_arrow_table()

    assert found.num_rows == len(ours(packed, noon, kind)) > 0
    assert found.to_pandas().astype(str).equals(ours(packed, noon, kind).astype(str))


def test_plain_pyarrow_reads_the_rows(packed, settings, s3_url, noon):
    where, system = str(packed.path / "telemetry"), None
    if settings.telemetry is not None:
        where = settings.telemetry.removeprefix("s3://")
        system = fs.S3FileSystem(
            access_key="key",
            secret_key="secret",
            region="eu-west-1",
            scheme="http",
            endpoint_override=s3_url.removeprefix("http://"),
        )
    files = ds.dataset(f"{where}/kind=metrics", partitioning="hive", filesystem=system)

    found = files.to_table(columns=["function", "ts", "invocations"]).sort_by([("function", "ascending")])

    expected = ours(packed, noon, "metrics")
    assert found.num_rows == len(expected) == 60
    assert sum(found["invocations"].to_pylist()) == expected["invocations"].sum()


@pytest.mark.parametrize("engine", ["athena", "trino", "spark"])
def test_the_engines_grammar_takes_the_statements(engine):
    for text in ddl.statements(engine, LOCATION):
        create, _refresh = text.split(";\n")
        parsed = sqlglot.parse_one(create, dialect=engine)

        assert isinstance(parsed, sqlglot.exp.Create)


@pytest.mark.parametrize("engine", ["athena", "trino", "spark"])
@pytest.mark.parametrize("kind", list(SCHEMAS))
def test_a_statement_names_every_column_once(engine, kind):
    text = next(t for t in ddl.statements(engine, LOCATION) if f"quarterdeck_{kind} " in t)

    parsed = sqlglot.parse_one(text.split(";\n")[0], dialect=engine)

    names = [column.name for column in parsed.find_all(sqlglot.exp.ColumnDef)]
    assert sorted({*names, *ddl.PARTITIONS}) == sorted({*SCHEMAS[kind].names, "date"})


def test_a_location_cannot_end_its_literal():
    assert "'s3://fleet''s/quarterdeck/telemetry/kind=metrics/'" in ddl.statements("athena", LOCATION)[0]
