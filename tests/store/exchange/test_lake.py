"""Others read the files without us: plain DuckDB, plain pyarrow, and statements their engines can parse."""

from datetime import timedelta

import duckdb
import pyarrow.dataset as ds
import pytest
import sqlglot

from core.facts import TraceRecord
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


def ours(store, noon, kind):
    wide = Window(noon - timedelta(days=9), noon + timedelta(days=9))
    with store.snapshot(wide, (kind,)) as snapshot:
        columns = ", ".join(f'"{name}"' for name in SCHEMAS[kind].names)
        return snapshot.frame(f"SELECT {columns} FROM {kind} ORDER BY ALL")


@pytest.mark.parametrize("kind", ["metrics", "traces"])
def test_plain_duckdb_reads_the_rows_through_our_statement(packed, noon, kind):
    duck = duckdb.connect()
    duck.execute("SET TimeZone='UTC'")
    statements = ddl.statements("duckdb", str(packed.path / "telemetry"))
    duck.execute(next(text for text in statements if f"quarterdeck_{kind} " in text))

    columns = ", ".join(f'"{name}"' for name in SCHEMAS[kind].names)
    found = duck.sql(f"SELECT {columns} FROM quarterdeck_{kind} ORDER BY ALL").to_arrow_table()

    assert found.num_rows == len(ours(packed, noon, kind)) > 0
    assert found.to_pandas().astype(str).equals(ours(packed, noon, kind).astype(str))


def test_plain_pyarrow_reads_the_rows(packed, noon):
    files = ds.dataset(packed.path / "telemetry" / "kind=metrics", partitioning="hive")

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
