"""Cost tables keep to FOCUS 1.0, add up to what they were, and run nothing in a spreadsheet."""

import csv
import io
from datetime import UTC, datetime
from decimal import Decimal

import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.focus import focus_csv, focus_months, focus_parquet, to_focus
from core.focus_columns import COLUMNS, mistakes
from core.windows import Window

MONTH = Window(datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC))
money = st.decimals(0, 10**6, places=15)


def a_row(**changed):
    row = {
        "account": "111111111111",
        "region": "eu-west-1",
        "function": "checkout",
        "tag:team": "payments",
        "cost_usd": Decimal("3.5"),
        "requests_usd": Decimal("1.5"),
        "duration_usd": Decimal(2),
        "basis": "records",
        "state": None,
    }
    return row | changed


def focus(*rows, **more):
    return to_focus(pd.DataFrame(rows), window=MONTH, **more)


def test_there_are_the_43_columns_of_the_specification():
    assert len({column.name for column in COLUMNS}) == 43


def test_a_cost_table_keeps_to_the_specification():
    assert list(mistakes(focus(a_row(), a_row(function="etl", state="not collected: no role")))) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"BilledCost": None}, "row 0: BilledCost is empty"),
        ({"BilledCost": 1.5}, "row 0: BilledCost is no decimal"),
        ({"ChargeCategory": "Rent"}, "row 0: ChargeCategory is 'Rent'"),
        (
            {"ChargePeriodStart": MONTH.start.replace(tzinfo=None)},
            "row 0: ChargePeriodStart is no time in UTC",
        ),
        ({"team": "payments"}, "team is no column of FOCUS 1.0, and does not begin with x_"),
    ],
)
def test_what_does_not_keep_to_it_is_told(change, said):
    frame = focus(a_row(requests_usd=Decimal(0)))
    for name, value in change.items():
        frame[name] = pd.Series([value], dtype=object)

    assert said in list(mistakes(frame))


@given(st.lists(st.tuples(money, money), min_size=1, max_size=10))
def test_rows_add_up_to_the_table_to_the_last_digit(costs):
    frame = focus(*(a_row(requests_usd=r, duration_usd=d) for r, d in costs))

    assert sum(frame["ListCost"]) == sum(r + d for r, d in costs)


def test_what_is_net_of_free_amounts_and_plans_is_effective():
    frame = focus(a_row(requests_usd=Decimal(0), duration_net_usd=Decimal(1)))

    assert frame.loc[0, ["ListCost", "EffectiveCost", "BilledCost"]].tolist() == [2, 1, 1]


def test_cost_that_is_not_known_is_in_no_row():
    assert focus(a_row(requests_usd=None, duration_usd=Decimal("NaN"))).empty


def test_a_spreadsheet_runs_nothing_of_the_csv():
    frame = focus(a_row(function='=HYPERLINK("http://x")', **{"tag:team": '@SUM(1), "a"'}))

    [first, *_] = csv.DictReader(io.StringIO(focus_csv(frame)))

    assert first["ResourceName"].startswith("'=")
    assert first["ListCost"] == "1.5"
    assert first["ChargePeriodStart"] == "2026-10-01T00:00:00Z"


def test_parquet_holds_exact_decimals():
    frame = focus(a_row(requests_usd=Decimal("0.000000000000001")))

    table = pq.read_table(io.BytesIO(focus_parquet(frame)))

    assert table["ListCost"].to_pylist() == [Decimal("0.000000000000001"), Decimal(2)]
    assert table["Tags"].to_pylist()[0] == '{"team": "payments"}'


def test_a_payer_is_the_billing_account():
    assert focus(a_row(), payer_of=lambda account: "org")["BillingAccountId"].tolist() == ["org", "org"]


def test_windows_are_cut_at_months():
    window = Window(datetime(2026, 9, 20, tzinfo=UTC), datetime(2026, 11, 5, tzinfo=UTC))

    assert [(part.start.day, part.end.day) for part in focus_months(window)] == [(20, 1), (1, 1), (1, 5)]
    with pytest.raises(ValueError, match="one month"):
        to_focus(pd.DataFrame([a_row()]), window=window)
