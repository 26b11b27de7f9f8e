"""The FOCUS files beside tables of cost hold what the tables say, to the last digit, of either kind."""

import csv
import io
from decimal import Decimal

import pyarrow.parquet as pq
import pytest

from core.focus_columns import mistakes
from core.windows import Window
from dashboard import focus_parts, queries_cost
from store.store import Filter
from tests.dashboard.test_numbers_another_way import NOW, WINDOW, fleet

__all__ = ["fleet"]

PAGES = ("views/cost.py", "views/function_cost.py", "views/chargeback.py")
OF_FUNCTIONS = focus_parts.OF_FUNCTIONS


@pytest.mark.parametrize("page", PAGES)
def test_tables_of_cost_have_a_focus_file_of_either_kind(open_page, fleet, page):
    files = {one.proto.label for one in open_page(page).get("download_button")}

    assert {"FOCUS CSV", "FOCUS Parquet"} <= files


def test_both_files_hold_what_the_table_says(open_page, fleet):
    open_page("views/cost.py")
    table = queries_cost.costs_by(WINDOW, Filter(), NOW, (*OF_FUNCTIONS, "component"))

    text = focus_parts.focus_file(WINDOW, Filter(), OF_FUNCTIONS, "csv").decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    kept = pq.read_table(io.BytesIO(focus_parts.focus_file(WINDOW, Filter(), OF_FUNCTIONS, "parquet")))

    assert list(mistakes(focus_parts.focus_table(WINDOW, Filter(), OF_FUNCTIONS))) == []
    for column, name in (("ListCost", "cost_usd"), ("EffectiveCost", "net_usd")):
        assert sum(Decimal(row[column]) for row in rows) == sum(table[name]) == sum(kept[column].to_pylist())
    assert [row["ResourceName"] for row in rows] == kept["ResourceName"].to_pylist()
    assert {row["ResourceName"] for row in rows} == {"api", "job"}


def test_a_window_over_a_month_s_end_has_both_billing_periods(open_page, fleet):
    open_page("views/cost.py")
    window = Window(NOW.replace(day=1) - (NOW - WINDOW.start), NOW)

    table = focus_parts.focus_table(window, Filter(), OF_FUNCTIONS)

    assert set(table["BillingPeriodStart"].map(lambda ts: ts.month)) <= {10, 11}
    assert list(mistakes(table)) == []
