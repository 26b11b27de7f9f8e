"""The first page of a fresh process says what it waits for, and nothing of it stays."""

from datetime import UTC, datetime, timedelta

import pytest
from streamlit.testing.v1 import AppTest

from core.windows import Window
from dashboard import reading

NOW = datetime(2026, 11, 18, 9, 30, tzinfo=UTC)


class Place:
    """What `st.empty` gave, and what was written there, in order."""

    def __init__(self):
        self.said = []

    def caption(self, text):
        self.said.append(text)

    def empty(self):
        self.said.append(None)


@pytest.fixture
def place(monkeypatch):
    here = Place()
    monkeypatch.setattr(reading.st, "empty", lambda: here)
    monkeypatch.setattr(reading, "_DRAWN", set())
    return here


def draw(page="overview"):
    with reading.reading(page, Window(NOW - timedelta(hours=3), NOW)):
        pass


def test_it_says_what_is_read_until_the_page_is_drawn(place):
    draw()

    assert "Reading 3 h of history" in place.said[0]
    assert place.said[1:] == [None]


def test_it_says_so_once_for_each_page_of_a_process(place):
    draw()
    draw()
    draw("cost")

    assert [said is None for said in place.said] == [False, True, True, False, True]


def test_a_page_that_fails_leaves_no_promise_behind(place):
    with (
        pytest.raises(ValueError, match="broken"),
        reading.reading("x", Window(NOW - timedelta(hours=3), NOW)),
    ):
        raise ValueError("broken")

    assert place.said[-1] is None


def test_nothing_of_it_is_on_a_page_that_is_drawn(open_page, filled):
    app: AppTest = open_page()

    assert not [each.value for each in app.caption if "Reading" in each.value]
    assert app.metric
