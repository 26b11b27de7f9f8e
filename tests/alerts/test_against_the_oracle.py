"""Judging by matrix says what plain loops say, for any data and any rule."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.grid import Grid
from alerts.judge import judge
from alerts.rule import Rule, Subject
from tests.alerts import oracle

NUMBERS = st.integers(0, 6).map(float)
MINUTES = st.lists(
    st.builds(
        oracle.Minute,
        errors=st.none() | NUMBERS,
        invocations=st.none() | NUMBERS,
        duration_p95_ms=st.none() | NUMBERS,
        collected=st.sampled_from([True, True, True, False]),
        provisional=st.sampled_from([False, False, False, True]),
    ),
    min_size=1,
    max_size=14,
)


@st.composite
def rules(draw):
    signal = draw(st.sampled_from(["errors", "error_rate", "duration_p95"]))
    top = 1.0 if signal == "error_rate" else 6.0
    limit, other = (draw(st.sampled_from([0.0, 0.25, 0.5, 1.0])) * top for _ in range(2))
    upward, n = draw(st.booleans()), draw(st.integers(1, 4))
    words = {
        "rule": "any",
        "signal": signal,
        "above" if upward else "below": limit,
        "resolve_below" if upward else "resolve_above": min(limit, other) if upward else max(limit, other),
        "over": f"{draw(st.integers(1, 4))}m",
        "for": f"{draw(st.integers(1, n))} of {n}",
        "missing": draw(st.sampled_from(["hold", "ok", "firing"])),
    }
    if signal != "errors":
        words["minimum_samples"] = draw(st.integers(0, 5))
    return Rule.model_validate(words)


@pytest.fixture(scope="module")
def grid_of():
    start = datetime(2026, 11, 18, 12, tzinfo=UTC)

    def make(minutes):
        columns = ("errors", "invocations", "duration_p95_ms")
        values = {
            name: np.array([[np.nan if (v := getattr(m, name)) is None else v for m in minutes]], dtype=float)
            for name in columns
        }
        flags = {
            name: np.array([[getattr(m, name) for m in minutes]]) for name in ("collected", "provisional")
        }
        ends = tuple(start + timedelta(minutes=n + 1) for n in range(len(minutes)))
        return Grid((Subject("function", "111122223333", "eu-west-1", "checkout"),), ends, values, flags)

    return make


@settings(max_examples=400, deadline=None)
@given(rule=rules(), minutes=MINUTES)
def test_the_matrix_says_what_the_loops_say(grid_of, rule, minutes):
    found = judge(rule, grid_of(minutes))

    expected = oracle.told(rule, minutes)
    assert found.verdict[0].tolist() == [one.verdict for one in expected]
    assert found.fires[0].tolist() == [one.fires for one in expected]
    assert found.clears[0].tolist() == [one.clears for one in expected]
    for value, one in zip(found.value[0].tolist(), expected, strict=True):
        assert math.isnan(value) if one.value is None else value == pytest.approx(one.value)
