"""JSON that any parser reads with every digit, and text that cannot drive a terminal."""

import csv
import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quarterdeck.output import dollars, milliseconds, plain, records, seconds, text, to_json, write_csv


@pytest.mark.parametrize(
    "unknown", [None, float("nan"), float("inf"), np.float64("nan"), pd.NaT, pd.NA, np.datetime64("NaT")]
)
def test_what_is_not_known_is_null(unknown):
    assert json.loads(to_json({"value": unknown})) == {"value": None}


def test_money_keeps_every_digit_as_a_json_number():
    amount = Decimal("0.0000002000000000000000001")

    written = json.loads(to_json({"cost_usd": amount}), parse_float=Decimal)

    assert written == {"cost_usd": amount}


@pytest.mark.parametrize(
    ("ts", "written"),
    [
        (datetime(2026, 11, 21, 9, 30, tzinfo=UTC), "2026-11-21T09:30:00Z"),
        (datetime(2026, 11, 21, 9, 30, 0, 250_000, tzinfo=UTC), "2026-11-21T09:30:00.250Z"),
        (datetime(2026, 11, 21, 10, 30, tzinfo=timezone(timedelta(hours=1))), "2026-11-21T09:30:00Z"),
        (pd.Timestamp("2026-11-21T09:30Z"), "2026-11-21T09:30:00Z"),
    ],
)
def test_times_are_utc_with_z(ts, written):
    assert plain(ts) == written


def test_counts_of_a_float_column_are_whole_numbers():
    frame = pd.DataFrame({"invocations": [12.0, np.nan], "rate": [0.5, 1.0]})

    assert records(frame) == [{"invocations": 12, "rate": 0.5}, {"invocations": None, "rate": 1}]


def test_nested_and_numpy_values_become_plain():
    row = {"tags": {"team": "a"}, "list": np.array([1, 2]), "flag": np.bool_(True), "n": np.int64(3)}

    assert plain(row) == {"tags": {"team": "a"}, "list": [1, 2], "flag": True, "n": 3}


leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.decimals()


@given(st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20))
def test_any_document_is_valid_json(document):
    def no_constants(name):
        raise AssertionError(name)

    json.loads(to_json(document), parse_constant=no_constants)


def test_hostile_text_has_no_control_characters():
    assert "\x1b" not in text("\x1b[31mred\x07\r\n")


@pytest.mark.parametrize("write", [milliseconds, seconds, dollars, text])
def test_unknown_is_a_dash_and_never_a_zero(write):
    assert write(None) == "—"


def test_a_tiny_cost_is_not_shown_as_nothing():
    assert dollars(Decimal("0.000002")) == "< $0.0001"
    assert dollars(Decimal(0)) == "$0.0000"


@pytest.mark.parametrize("formula", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1"])
def test_no_cell_of_a_csv_runs_as_a_formula(tmp_path, formula):
    file = tmp_path / "cost.csv"

    write_csv(file, [{"tag:team": formula, "cost_usd": Decimal("-0.1")}])

    rows = list(csv.reader(file.read_text().splitlines()))
    assert rows == [["tag:team", "cost_usd"], [f"'{formula}", "-0.1"]]
