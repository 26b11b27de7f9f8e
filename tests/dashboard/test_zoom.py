"""A window that is dragged on a board becomes the page's window, on whole minutes."""

from datetime import UTC, datetime, timedelta

import altair as alt
import pandas as pd
import pytest

from core.windows import Window
from dashboard import zoom
from dashboard.charts.board import Board

START = datetime(2026, 11, 18, 9, 30, tzinfo=UTC)


class Page:
    """What a page is to a board: its state, what it drew, the window it holds."""

    def __init__(self, monkeypatch):
        self.session_state, self.charts, self.held, self.reruns = {}, [], [], 0
        self.told = []
        monkeypatch.setattr(zoom, "st", self)
        monkeypatch.setattr(zoom.links, "hold", self.held.append)
        monkeypatch.setattr(zoom.widgets, "formulas", self.told.extend)

    def echarts_chart(self, option, **how):
        self.charts.append(how)

    def altair_chart(self, drawn, **how):
        self.charts.append(how | {"drawn": drawn})

    def rerun(self):
        self.reruns += 1

    def drag(self, start, end):
        self.choose(areas=[{"coord_range": milliseconds(end, start)}])

    def choose(self, **selection):
        chart = self.charts[-1]
        self.session_state[chart["key"]] = {"selection": selection}
        chart["on_select"]()


def milliseconds(*times):
    return [ts.timestamp() * 1000 for ts in times]


@pytest.fixture
def page(monkeypatch):
    page = Page(monkeypatch)
    draw()
    return page


@pytest.fixture
def reader(monkeypatch):
    """A page with a chart that is read; `phone` says where."""

    def draw(*, phone=False):
        page = Page(monkeypatch)
        monkeypatch.setattr(zoom.tables, "board_columns", lambda: 1 if phone else 2)
        drawn = alt.Chart(pd.DataFrame({"ts": [START]})).mark_bar().encode(alt.X("ts:T"))
        zoom.bars(drawn, key="cost", alt="Cost", formula="USD of each step.")
        return page

    return draw


def draw(**how):
    zoom.board(Board({}, 300), key="board", alt="Errors", **how)


def test_what_is_dragged_is_held_on_whole_minutes_and_the_whole_page_follows(page):
    page.drag(START + timedelta(seconds=20), START + timedelta(minutes=7, seconds=2))
    draw()

    assert page.held == [Window(START, START + timedelta(minutes=8))]
    assert page.reruns == 1


def test_the_chart_that_follows_keeps_no_mark_and_may_be_dragged_on_again(page):
    for minutes in (30, 10):
        page.drag(START, START + timedelta(minutes=minutes))
        draw()

    assert [chart["key"] for chart in page.charts] == ["board", "board-1", "board-2"]
    assert len(page.held) == 2


def test_a_slip_of_the_pointer_changes_nothing(page):
    page.drag(START, START + timedelta(seconds=30))
    draw()

    assert (page.held, page.reruns) == ([], 0)


def test_a_click_is_none_of_its_business_but_of_who_drew_it(page):
    clicks = []
    draw(clicked=clicks.append)

    page.choose(areas=[], selected=[{"data_indices": [3]}])

    assert clicks == [{"areas": [], "selected": [{"data_indices": [3]}]}]
    assert page.held == []


def test_a_chart_that_is_read_can_be_dragged_on_too(reader):
    page = reader()

    page.choose(dragged={"ts": milliseconds(START, START + timedelta(hours=2))})

    assert page.held == [Window(START, START + timedelta(hours=2))]
    assert [each["name"] for each in page.charts[0]["drawn"].to_dict()["params"]] == ["dragged"]
    assert page.told == ["USD of each step."]


def test_a_selection_that_was_taken_back_changes_nothing(reader):
    page = reader()

    page.choose(dragged={})

    assert page.held == []


def test_a_finger_on_a_phone_scrolls_over_such_a_chart(reader):
    page = reader(phone=True)

    assert "on_select" not in page.charts[0]
    assert "params" not in page.charts[0]["drawn"].to_dict()
