"""Pages say the first few lines, and send the others only to who opens them."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from dashboard.lines import SENT


def _page(count: int, opened: bool) -> None:
    import pandas as pd
    import streamlit as st

    from dashboard.lines import lines

    st.session_state["more"] = opened
    rows = pd.DataFrame({"n": range(count)})
    left = lines(rows, lambda some: [f"line {n}" for n in some["n"]], shown=3, key="more", about="2 critical")
    st.text(left)


def drawn(count: int, *, opened: bool = False) -> tuple[list[str], str, list[str]]:
    """The lines, how many are left out, and the labels of what opens."""
    app = AppTest.from_function(_page, kwargs={"count": count, "opened": opened}).run()
    assert not app.exception
    return [it.value for it in app.markdown], app.text[0].value, [it.label for it in app.expander]


def test_few_lines_are_all_said():
    assert drawn(3) == (["line 0", "line 1", "line 2"], "0", [])


def test_other_lines_are_not_sent_before_somebody_opens_them():
    assert drawn(5) == (["line 0", "line 1", "line 2"], "0", ["2 more: 2 critical"])


def test_an_opened_part_holds_the_other_lines():
    assert drawn(5, opened=True)[0] == [f"line {n}" for n in range(5)]


def test_no_more_is_sent_than_anybody_reads():
    said, left, labels = drawn(2_000, opened=True)

    assert said == [f"line {n}" for n in range(3 + SENT)]
    assert left == str(2_000 - 3 - SENT)
    assert labels == ["1,997 more: 2 critical"]
