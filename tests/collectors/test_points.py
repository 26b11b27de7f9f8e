"""Columns of CloudWatch's answers against the same as plain values."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from collectors.points import Points
from core.telemetry import MetricPoint
from core.windows import Window

START = datetime(2026, 11, 21, 10, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
WINDOW = Window(START, START + 30 * MINUTE)
NAMES = ("scope", "function", "resource")

subjects = st.sampled_from(
    [("function", "a", ""), ("function", "b", ""), ("resource", "a", "prod"), ("mapping", "u", "a")]
)
values = st.dictionaries(st.integers(-5, 35), st.floats(0, 1e12), max_size=8)
series = st.tuples(subjects, st.sampled_from(["invocations", "errors"]), values)


def added(all_series, *, at_a_time=3) -> Points:
    points = Points()
    for at in range(0, len(all_series), at_a_time):
        part = [
            (subject, name, [START + n * MINUTE for n in of], list(of.values()))
            for subject, name, of in all_series[at : at + at_a_time]
        ]
        points.add(part, WINDOW)
    return points


@given(st.lists(series, max_size=12))
def test_columns_hold_what_was_answered_in_the_window_the_last_answer_counting(all_series):
    expected: dict = {}
    for subject, name, of in all_series:
        for n, value in of.items():
            if 0 <= n < 30:
                expected.setdefault((subject, START + n * MINUTE), {})[name] = value

    points = added(all_series)
    rows = points.rows(MetricPoint, NAMES, of={"function", "resource"}, period_s=60)

    found = {}
    for at, ts_ms in enumerate(rows.columns["ts"].tolist()):
        subject = tuple(rows.columns[name][at] for name in NAMES)
        said = {n: rows.columns[n][at] for n in ("invocations", "errors") if n in rows.columns}
        found[subject, datetime.fromtimestamp(ts_ms / 1000, UTC)] = {n: v for n, v in said.items() if v == v}
    assert found == {key: of for key, of in expected.items() if key[0][0] != "mapping"}
    by_subject = points.by_subject()
    assert {(s, ts): of for s, found_of in by_subject.items() for ts, of in found_of.items()} == expected


def test_no_answer_is_no_row():
    rows = added([]).rows(MetricPoint, NAMES, of={"function"}, period_s=60)

    assert len(rows) == 0
