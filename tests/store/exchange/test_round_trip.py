"""What is exported comes back the same, once, in every format; a wrong file is named and changes nothing."""

import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from core.entities import Alias, Function
from core.errors import StoreError
from core.facts import Covered, Run, Target
from core.settings import StoreSettings
from core.telemetry import LogEvent, MetricPoint, TraceRecord
from core.windows import Window
from store.exchange import formats, tables
from store.exchange.importing import read_in
from store.store import Filter, Store

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
TARGET = Target("111111111111", "eu-west-1")
WINDOW = Window(NOON - timedelta(hours=3), NOON)
FORMATS = ("parquet", "csv", "jsonl")
HOSTILE = [
    "=1+1",
    "'=1",
    "@everyone",
    "-2",
    "a,b",
    'say "x"',
    "two\nlines",
    "",
    "tab\there",
    "näm€",
    "\x1b[31m",
]


def a_run(**changed):
    values = {"collector": "metrics", "target": TARGET, "window": WINDOW, "period_s": 60, "outcome": "ok"}
    return Run(**(values | {"started_at": NOON, "finished_at": NOON} | changed))


def opened(folder):
    return Store.open(StoreSettings(path=folder, free_space_floor_mb=0))


def filled(folder):
    store = opened(folder)
    points = [
        MetricPoint(
            scope="function", function=f, ts=NOON - timedelta(minutes=n), period_s=60, invocations=n / 3
        )
        for f in ("orders", "checkout")
        for n in (5, 70, 130)
    ]
    lines = [
        LogEvent(
            function="orders",
            ts=NOON - timedelta(minutes=1, milliseconds=n),
            event_id=str(n),
            stream="s",
            request_id=None if n % 2 else "",
            level="error",
            message=text,
            signature=text,
        )
        for n, text in enumerate(HOSTILE)
    ]
    trace = TraceRecord(
        trace_id="1-a",
        ts=NOON - timedelta(minutes=9),
        duration_ms=1.5,
        response_ms=None,
        has_error=True,
        has_fault=False,
        has_throttle=False,
        root="api",
        functions=("orders", "=checkout"),
    )
    functions = [
        Function(name="orders", arn="arn", description=text, tags={"team": text}) for text in HOSTILE
    ]
    aliases = Alias(name="orders:live", function="orders", alias="live", version="7", weights={"8": 0.25})
    for n, function in enumerate(functions):
        at = NOON - timedelta(minutes=30 - n)
        store.commit(a_run(collector="inventory", finished_at=at), [function, aliases], now=at)
    store.commit(a_run(), [*points, *lines, trace, Covered("", WINDOW)], now=NOON)
    return store


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A filled store, for tests that only read it."""
    store = filled(tmp_path_factory.mktemp("source"))
    yield store
    store.close()


@pytest.fixture
def own_source(tmp_path):
    store = filled(tmp_path / "source")
    yield store
    store.close()


@pytest.fixture
def empty(tmp_path):
    store = opened(tmp_path / "empty")
    yield store
    store.close()


def export(store, name, path, **where):
    rows = tables.batches(store, name, WINDOW, Filter(**where))
    return formats.write(path, tables.schema_of(name), rows)


def rows(store, name):
    found = [row for batch in tables.batches(store, name, WINDOW, Filter()) for row in batch.to_pylist()]
    return sorted(found, key=repr)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", ["metrics", "log_events", "traces", "entity", "change", "coverage", "run"])
def test_a_table_comes_back_the_same(source, empty, tmp_path, name, form):
    file = tmp_path / f"out.{form}"
    written = export(source, name, file)

    done = read_in(empty, name, file)

    assert written == done.rows == done.added == len(rows(source, name)) > 0
    assert rows(empty, name) == rows(source, name)


@pytest.mark.parametrize("name", ["metrics", "log_events", "change", "entity", "coverage"])
def test_importing_twice_adds_nothing(source, empty, tmp_path, name):
    export(source, name, tmp_path / "out.parquet")
    read_in(empty, name, tmp_path / "out.parquet")
    before = rows(empty, name)

    assert read_in(empty, name, tmp_path / "out.parquet").added == 0
    assert rows(empty, name) == before


def test_what_the_store_has_stays_as_it_is(own_source, tmp_path):
    export(own_source, "metrics", tmp_path / "old.parquet")
    newer = MetricPoint(
        scope="function", function="orders", ts=NOON - timedelta(minutes=5), period_s=60, invocations=99.0
    )
    own_source.commit(a_run(), [newer], now=NOON)

    assert read_in(own_source, "metrics", tmp_path / "old.parquet").added == 0
    assert 99.0 in [row["invocations"] for row in rows(own_source, "metrics")]


def test_what_was_packed_is_not_added_again(own_source, tmp_path):
    export(own_source, "metrics", tmp_path / "out.parquet")
    own_source.pack(now=NOON + timedelta(days=2))

    assert read_in(own_source, "metrics", tmp_path / "out.parquet").added == 0


def test_one_function_can_be_exported_alone(source, tmp_path):
    assert export(source, "metrics", tmp_path / "one.jsonl", function="orders") == 3


def test_a_spreadsheet_runs_nothing_of_a_csv(source, tmp_path):
    export(source, "log_events", tmp_path / "out.csv")

    text = (tmp_path / "out.csv").read_text()

    assert '"\'=1+1"' in text
    assert '"=1+1"' not in text


def test_state_tables_that_are_this_stores_own_are_not_exported():
    assert not {"hot", "file", "meta"} & set(tables.names())
    assert {"metrics", "api_calls", "entity", "coverage", "usage", "audit"} <= set(tables.names())


def test_every_table_has_a_name_of_its_own():
    assert len(tables.names()) == len(set(tables.names()))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"ts": 1}', "out.jsonl:1: the column"),
        ("[1]", "out.jsonl:1: a line must be a JSON object"),
        ("{", "out.jsonl:1: "),
    ],
)
def test_a_wrong_line_is_named_by_file_and_number(empty, tmp_path, text, why):
    (tmp_path / "out.jsonl").write_text(text)

    with pytest.raises(StoreError) as error:
        read_in(empty, "metrics", tmp_path / "out.jsonl")

    assert why.replace("out.jsonl:1: the column", "out.jsonl: the column") in str(error.value)


def test_a_file_with_a_bad_last_line_adds_nothing(source, empty, tmp_path):
    file = tmp_path / "out.jsonl"
    export(source, "metrics", file)
    lines = file.read_text().splitlines()
    file.write_text("\n".join([*lines, lines[0].replace("2026-07", "2026-99")]))

    with pytest.raises(StoreError, match=f"{file}:{len(lines) + 1}: "):
        read_in(empty, "metrics", file)

    assert rows(empty, "metrics") == []


@pytest.mark.parametrize("name", ["out.csv", "out.parquet"])
def test_another_tables_file_is_refused(source, empty, tmp_path, name):
    export(source, "traces", tmp_path / name)

    with pytest.raises(StoreError, match="the column 'scope' is missing"):
        read_in(empty, "metrics", tmp_path / name)


def test_a_format_that_is_not_known_is_refused(source, tmp_path):
    with pytest.raises(StoreError, match=r"use \.parquet, \.csv or \.jsonl"):
        export(source, "metrics", tmp_path / "out.xlsx")


def test_a_table_that_is_not_there_is_refused():
    with pytest.raises(StoreError, match="no table 'nonsense'"):
        tables.schema_of("nonsense")


def test_a_failed_export_leaves_no_file(source, tmp_path):
    with pytest.raises(StoreError, match="cannot write"):
        export(source, "metrics", tmp_path / "nowhere" / "out.csv")
    with pytest.raises(ZeroDivisionError):
        formats.write(tmp_path / "out.csv", tables.schema_of("metrics"), (1 / 0 for _ in "x"))

    assert list(tmp_path.glob("*out.csv*")) == []


def test_rows_without_their_key_are_refused(source, empty, tmp_path):
    export(source, "metrics", tmp_path / "out.jsonl")
    text = (tmp_path / "out.jsonl").read_text().replace('"function": "orders"', '"function": null')
    (tmp_path / "out.jsonl").write_text(text)

    with pytest.raises(StoreError, match="function is empty"):
        read_in(empty, "metrics", tmp_path / "out.jsonl")


texts = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00"), max_size=20)


@given(values=st.lists(st.tuples(texts, st.floats(allow_infinity=False)), min_size=1, max_size=8))
@hypothesis_settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@pytest.mark.parametrize("form", FORMATS)
def test_any_text_and_number_survives(tmp_path, form, values):
    import pyarrow as pa

    wanted = pa.schema([("name", pa.string()), ("value", pa.float64())])
    columns = [pa.array([v[n] for v in values], f.type, from_pandas=True) for n, f in enumerate(wanted)]
    batch = pa.RecordBatch.from_arrays(columns, schema=wanted)

    formats.write(tmp_path / f"x.{form}", wanted, [batch])
    back = [row for read in formats.read(tmp_path / f"x.{form}", wanted) for row in read.to_pylist()]

    assert back == [{"name": n, "value": None if math.isnan(v) else v} for n, v in values]
