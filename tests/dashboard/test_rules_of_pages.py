"""Rules that hold on all pages: how tables and charts are drawn, and what can be had from them."""

from __future__ import annotations

import ast
import json
import re
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest
import streamlit as st

from dashboard import tables
from dashboard.charts.boards import WAITS
from dashboard.export import csv_text, flat
from dashboard.meanings import MEANINGS, of_panels, with_meanings
from dashboard.menu import MENU

DASHBOARD = Path(tables.__file__).parent
FILES = sorted(path for path in DASHBOARD.rglob("*.py"))
PAGES = [path for group in MENU.values() for path, *_ in group]
TABS = ["errors", "invocations", "cold starts", "logs", "waiting", "versions", "cost", "traces", "alarms",
        "triggers", "changes", "configuration"]  # fmt: skip
UNGUARDED = {"dataframe", "table", "data_editor"}
CHARTS = {"echarts_chart", "altair_chart"}
OTHER_CHARTS = {"vega_lite_chart", "line_chart", "bar_chart", "area_chart", "scatter_chart", "plotly_chart",
                "pyplot", "graphviz_chart", "map", "pydeck_chart"}  # fmt: skip


def calls(path: Path, names: set[str]) -> list[ast.Call]:
    """Calls of `st.<name>` in a file."""
    found = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call)]
    return [call for call in found if is_streamlits(call.func, names)]


def is_streamlits(func: ast.expr, names: set[str]) -> bool:
    return isinstance(func, ast.Attribute) and func.attr in names and ast.unparse(func.value) == "st"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_tables_are_drawn_in_the_one_way_that_guards_their_file(path):
    assert path.name == "tables.py" or not calls(path, UNGUARDED)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_chart_has_a_key_a_description_and_streamlits_theme(path):
    """The theme is what Streamlit's own button exports a PNG with; it names the chart by its description."""
    assert not calls(path, OTHER_CHARTS)
    for call in calls(path, CHARTS):
        said = {keyword.arg for keyword in call.keywords}
        assert {"key", "alt"} <= said, f"{path.name}:{call.lineno}"
        assert "theme" not in said, f"{path.name}:{call.lineno}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_button_is_filled_with_a_colour_that_its_words_do_not_stand_out_from(path):
    """The theme's accent is light enough to be read as text on the dark background, so white on it is not."""
    buttons = calls(path, {"button", "form_submit_button", "download_button", "link_button"})

    assert [call.lineno for call in buttons if "type='primary'" in ast.unparse(call)] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_column_of_numbers_says_what_it_counts(path):
    """Also in tables that no store of these tests fills."""
    found = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Dict)]
    columns = [pair for one in found for pair in zip(one.keys, one.values, strict=True)]

    assert [ast.unparse(name) for name, call in columns if name and is_mute(name, call)] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_code_is_in_one_colour_that_stands_out(path):
    """Those that Streamlit gives to words of a language do not, in either mode."""
    assert [call.lineno for call in calls(path, {"code"}) if "language=None" not in ast.unparse(call)] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_what_became_of_a_click_is_said_by_the_next_drawing(path):
    """What a callback of a live part draws replaces the top of the page, and is logged as a warning."""
    assert path.name == "toasts.py" or not calls(path, {"toast"})


NUMBERS = {"NumberColumn": 9, "ProgressColumn": 9, "LineChartColumn": 9, "BarChartColumn": 9,
           "AreaChartColumn": 9, "count_column": 1, "percent_column": 1, "ms_column": 1,
           "megabytes_column": 1, "usd_column": 2, "usd_moves_column": 2}  # fmt: skip
"""Makers of columns of numbers, and where among their arguments the help is; 9: it is always named."""


def is_mute(name: ast.expr, call: ast.expr) -> bool:
    if not isinstance(call, ast.Call) or (maker := ast.unparse(call.func).rpartition(".")[2]) not in NUMBERS:
        return False
    is_told = len(call.args) > NUMBERS[maker] or any(keyword.arg == "help" for keyword in call.keywords)
    return not is_told and not (isinstance(name, ast.Constant) and name.value in MEANINGS)


@pytest.mark.parametrize("page", PAGES)
def test_tables_have_descriptions_and_files_charts_descriptions_and_headings_skip_no_level(
    open_page, firing, page
):
    hold_the_rules(open_page(page))


@pytest.mark.parametrize("tab", TABS)
def test_the_tabs_of_a_function_keep_the_rules_too(open_page, firing, tab):
    hold_the_rules(open_page("views/function.py", fn="111111111111.eu-west-1.orders", tab=tab))


TOLD = re.compile(r"\A\w.{10,}\n\n\*Time range: .+ UTC.*; data to \d\d:\d\d, .+ old\.\*\Z", re.DOTALL)
"""The help of a number: how it is computed, then the window in both clocks and the age of its data."""


def hold_the_rules(app) -> None:
    assert not app.exception
    drawn = app.dataframe
    files = [button for button in app.get("download_button") if button.proto.label == "CSV"]
    assert len(files) == len(drawn)
    charts = [*app.get("echarts_chart"), *app.get("arrow_vega_lite_chart")]
    assert all(one.proto.alt.strip() for one in (*drawn, *charts))
    assert [card.label for card in app.metric if not TOLD.search(card.proto.help)] == []
    assert [name for table in drawn for name in untold(table.proto)] == []
    helps = "\n".join(caption.proto.help for caption in app.caption)
    assert [title for title in panels(app) if not any(told in helps for told in of_panels([title]))] == []
    levels = [int(heading.tag[1]) for heading in (*app.title, *app.header, *app.subheader)]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def panels(app) -> list[str]:
    """Titles of the boards that a window can be dragged on: all that are over the page's window."""
    options = [json.loads(chart.proto.spec) for chart in app.get("echarts_chart")]
    titles = [option["title"] for option in options if "brush" in option]
    return [one["text"] for each in titles for one in (each if isinstance(each, list) else [each])]


@pytest.mark.parametrize("name", ["boards", "cold", "concurrency", "queues"])
def test_a_panel_says_how_it_is_computed(name):
    """Also one that no store of these tests fills."""
    made = [call for call in ast.walk(ast.parse((DASHBOARD / "charts" / f"{name}.py").read_text("utf-8")))
            if isinstance(call, ast.Call) and ast.unparse(call.func) == "Panel"]  # fmt: skip
    titles = [keyword.value for call in made for keyword in call.keywords if keyword.arg == "title"]
    written = [part.value for title in titles for part in ast.walk(title) if isinstance(part, ast.Constant)]

    assert len(titles) == len(made) > 1
    assert [text for text in written if text[:1].isupper() and not of_panels([text])] == []
    assert [title for title in WAITS.values() if not of_panels([title])] == []


def untold(table) -> list[str]:
    """Columns of numbers whose help says nothing: neither a formula nor a meaning."""
    shown = json.loads(table.columns or "{}")
    order = set(table.column_order) or set(shown)
    numbers = {"number", "progress", "line_chart", "bar_chart", "area_chart"}
    return [
        name for name, one in shown.items()
        if name in order and one.get("type_config", {}).get("type") in numbers and not one.get("help")
    ]  # fmt: skip


def test_the_help_of_a_number_is_over_the_window_that_is_shown(open_page, filled):
    app = open_page(**{"from": "2026-11-20T09:00:00Z", "to": "2026-11-20T10:00:00Z"})

    assert all("Time range: 09:00 to 10:00 UTC; data to" in card.proto.help for card in app.metric)


def test_a_column_gets_the_meaning_of_its_name_unless_its_page_says_more():
    frame = pd.DataFrame({name: [1.0] for name in MEANINGS})
    bare = {name: st.column_config.NumberColumn(name) for name in MEANINGS}
    told = {name: st.column_config.NumberColumn(name, help="More.") for name in MEANINGS}

    assert {name: one["help"] for name, one in with_meanings(frame, bare).items()} == dict(MEANINGS)
    assert {one["help"] for one in with_meanings(frame, told).values()} == {"More."}
    assert all(one["help"] is None for one in bare.values())


def test_a_file_leaves_out_lines_of_numbers_and_keeps_lists_of_words():
    frame = pd.DataFrame({"spark": [[], [1.0, 2.0]], "versions": [["1", "=2"], []], "n": [1, 2]})

    assert csv_text(flat(frame)) == "versions,n\r\n1; =2,1\r\n,2\r\n"


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_a_list_that_begins_like_a_formula_is_guarded_as_well(start):
    assert "'" in csv_text(pd.DataFrame({"tags": [[f"{start}cmd()"]]}))
