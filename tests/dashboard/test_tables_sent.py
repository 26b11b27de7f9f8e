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
