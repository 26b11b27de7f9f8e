"""A window that is dragged on a board becomes the page's window, on whole minutes."""

from datetime import UTC, datetime, timedelta

import pytest

from core.windows import Window
from dashboard import zoom
from dashboard.charts.board import Board

START = datetime(2026, 11, 18, 9, 30, tzinfo=UTC)


class Page:
    """What a page is to a board: its state, what it drew, the window it holds."""

    def __init__(self, monkeypatch):
        self.session_state, self.charts, self.held, self.reruns = {}, [], [], 0
        monkeypatch.setattr(zoom, "st", self)
        monkeypatch.setattr(zoom.links, "hold", self.held.append)

    def echarts_chart(self, option, **how):
        self.charts.append(how)

    def rerun(self):
        self.reruns += 1

    def drag(self, start, end):
        chart = self.charts[-1]
        area = {"coord_range": [end.timestamp() * 1000, start.timestamp() * 1000]}
        self.session_state[chart["key"]] = {"selection": {"areas": [area]}}
        chart["on_select"]()


@pytest.fixture
def page(monkeypatch):
    page = Page(monkeypatch)
    draw()
    return page


def draw():
    zoom.board(Board({}, 300), key="board", alt="Errors")


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
