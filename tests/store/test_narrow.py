"""A snapshot of one function says what the whole store says of it, wherever the rows are."""

from datetime import UTC, datetime, timedelta

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from core.facts import Run, Target
from core.settings import StoreSettings
from core.telemetry import MetricPoint
from core.windows import MINUTE, Window
from store import narrow
from store.recent import Recent
from store.store import Store
from store.views import columns_of

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
HERE, THERE = Target("1", "eu-west-1"), Target("2", "eu-west-1")
MINE = 'account = $account AND region = $region AND "function" = $function'
ROWS = (
    "SELECT ts, period_s, scope, resource, invocations, errors, duration_max_ms FROM metrics {} ORDER BY ALL"
)
HOURS = """SELECT scope, sum(invocations) AS invocations, max(duration_max_ms) AS most, max(newest) AS newest
    FROM metrics_by_hour {} GROUP BY ALL ORDER BY ALL"""


def points(window, extra=0.0):
    for n, minute in enumerate(window.chunks(11 * MINUTE)):
        for function in ("a", "b", "c"):
            yield MetricPoint(
                scope="function",
                function=function,
                ts=minute.start,
                period_s=60,
                invocations=None if n % 3 == 0 else n % 5 + extra,
                errors=float(n % 2) if function == "a" else None,
                duration_max_ms=n + 0.25 if n % 5 else None,
            )


def a_run(target, window, now):
    times = {"period_s": 60, "started_at": now, "finished_at": now}
    return Run(collector="metrics", target=target, window=window, outcome="ok", **times)


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """Two accounts with functions of the same names: days that are rolled up, days, hours, the hot tail, and
    late rows."""
    store = Store.open(StoreSettings(path=tmp_path_factory.mktemp("narrow"), free_space_floor_mb=0))
    for target, extra in ((HERE, 0.0), (THERE, 100.0)):
        for day in Window(NOON - 5 * DAY, NOON).chunks(DAY):
            store.commit(a_run(target, day, day.end), points(day, extra), now=day.end)
    store.pack(now=NOON)
    late = Window(NOON - 30 * HOUR, NOON - 29 * HOUR)
    changed = [MetricPoint(scope="function", function="a", ts=late.start, period_s=60, invocations=1000.0)]
    store.commit(a_run(HERE, late, NOON), changed, now=NOON)
    yield store
    store.close()


def both(store, window, place, sql, hours=None):
    """What a snapshot of a function says, and what one of everything says of it."""
    given = dict(zip(("account", "region", "function"), place, strict=True))
    with (
        store.snapshot(window, ("metrics",), place=place) as one,
        store.snapshot(window, ("metrics",)) as all_,
    ):
        for snapshot in (one, all_):
            if hours is not None:
                snapshot.by_hour(hours)
        return one.frame(sql.format("")), all_.frame(sql.format(f"WHERE {MINE}"), given)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 6 * 1440), st.integers(0, 6 * 1440), st.sampled_from("abcd"), st.sampled_from("12"))
def test_a_function_has_the_rows_that_the_store_has_of_it(filled, one, other, function, account):
    window = Window(NOON - max(one, other) * MINUTE, NOON - min(one, other) * MINUTE)

    pd.testing.assert_frame_equal(*both(filled, window, (account, "eu-west-1", function), ROWS))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 6 * 1440), st.integers(0, 6 * 1440), st.sampled_from("abcd"))
def test_its_hours_add_up_to_the_same(filled, one, other, function):
    part = Window(NOON - max(one, other) * MINUTE, NOON - min(one, other) * MINUTE)
    window, place = Window(NOON - 6 * DAY, NOON), ("1", "eu-west-1", function)

    pd.testing.assert_frame_equal(*both(filled, window, place, HOURS, part))


def test_late_rows_count_instead_of_those_they_replace(filled):
    window = Window(NOON - 36 * HOUR, NOON - 24 * HOUR)

    found, expected = both(filled, window, ("1", "eu-west-1", "a"), ROWS)

    assert found["invocations"].max() == 1000
    pd.testing.assert_frame_equal(found, expected)


def test_a_question_for_more_columns_gets_them(filled):
    with filled.snapshot(Window(NOON - DAY, NOON), ("metrics",), place=("1", "eu-west-1", "b")) as snapshot:
        first = snapshot.frame("SELECT count(*) AS n FROM metrics")
        then = snapshot.frame("SELECT count(invocations) AS n FROM metrics")
        all_ = snapshot.frame("SELECT * FROM metrics")

    assert first["n"][0] == len(all_) > then["n"][0] == all_["invocations"].count()
    assert set(all_["account"]) == {"1"}
    assert set(all_["function"]) == {"b"}


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT sum(errors) FROM m", {"ts", "errors"}),
        ("SELECT count(*) FROM m", {"ts"}),
        ("SELECT 2 * errors FROM m", {"ts", "errors"}),
        ("SELECT *, 1 AS one FROM m", {"ts", "errors", "region"}),
        ("SELECT 1 AS one, * FROM m", {"ts", "errors", "region"}),
        ("SELECT DISTINCT * FROM m", {"ts", "errors", "region"}),
        ("SELECT m.* FROM m", {"ts", "errors", "region"}),
        ("SELECT COLUMNS('e.*') FROM m", {"ts", "errors", "region"}),
        ('SELECT "region" FROM m', {"ts", "region"}),
    ],
)
def test_a_question_needs_the_columns_that_it_names(sql, expected):
    assert columns_of(sql, ["ts", "errors", "region"]) == expected


def test_only_row_groups_that_may_have_the_function_are_read(tmp_path):
    names = [name for name in "abcdefgh" for _ in range(10)]
    table = pa.table({"function": names, "invocations": [float(n) for n in range(80)]})
    parquet.write_table(table, tmp_path / "f.parquet", row_group_size=10)
    known = narrow._known(tmp_path / "f.parquet", 0, 0)

    assert [known.groups(name) for name in ("a", "d", "dd", "z")] == [[0], [3], [], []]


def test_a_file_that_is_written_anew_is_looked_at_anew(tmp_path):
    file, place, kept = tmp_path / "f.parquet", ("1", "eu-west-1", "b"), Recent(2**20)

    def write(value):
        parquet.write_table(pa.table({"function": ["a", "b"], "invocations": [0.0, value]}), file)
        return narrow.rows(kept, "metrics", [file], place, ["invocations"])["invocations"].to_pylist()

    assert [write(1.0), write(2.0)] == [[1.0], [2.0]]


def test_what_a_file_has_of_a_function_is_read_once(tmp_path, monkeypatch):
    file, kept = tmp_path / "f.parquet", Recent(2**20)
    parquet.write_table(pa.table({"function": ["a", "b"], "invocations": [1.0, 2.0]}), file)

    def read(function):
        place = ("1", "eu-west-1", function)
        return narrow.rows(kept, "metrics", [file], place, ["invocations"])["invocations"].to_pylist()

    assert [read("a"), read("b"), read("c")] == [[1.0], [2.0], []]
    monkeypatch.setattr(narrow, "_read", lambda *_: pytest.fail("a file was read again"))
    assert [read("a"), read("b"), read("c")] == [[1.0], [2.0], []]
