"""What of a table the browser gets, and what its file holds."""

from __future__ import annotations

import pandas as pd
from streamlit.testing.v1 import AppTest

from dashboard import tables


def test_only_columns_that_are_shown_are_sent_to_the_browser():
    frame = pd.DataFrame({"function": ["a"], "account": ["1"], "p95_ms": [3.0]})

    assert list(tables.sent(frame, ["p95_ms", "function", "not there"])) == ["p95_ms", "function"]
    assert list(tables.sent(frame, None)) == ["function", "account", "p95_ms"]


def _page(rows: int) -> None:
    import pandas as pd

    from dashboard import tables

    tables.table(pd.DataFrame({"n": range(rows)}), key="numbers", alt="Numbers")


def test_the_browser_gets_the_first_rows_of_a_long_table_and_is_told_so(open_page):
    app = AppTest.from_function(_page, kwargs={"rows": tables.MOST + 1}).run()

    assert not app.exception
    assert list(app.dataframe[0].value["n"]) == list(range(tables.MOST))
    assert [it.value for it in app.caption] == ["the first 1,000 are shown, of 1,001 rows"]


def test_a_table_that_is_sent_whole_only_says_its_rows(open_page):
    app = AppTest.from_function(_page, kwargs={"rows": tables.MOST}).run()

    assert not app.exception
    assert len(app.dataframe[0].value) == tables.MOST
    assert [it.value for it in app.caption] == ["1,000 rows"]


def test_a_difference_too_small_to_be_written_has_no_sign_and_one_not_known_stays_unknown():
    shown = tables.usd_moves(pd.Series([-0.00001, -0.0004, None, 2.0]))

    assert [f"{usd:.4f}" for usd in shown] == ["0.0000", "-0.0004", "nan", "2.0000"]
