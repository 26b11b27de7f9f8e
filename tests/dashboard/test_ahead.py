"""The present of pages moves once the questions of the next one are answered."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from threading import Thread

import pytest

from core.errors import StoreError
from core.windows import MINUTE, Window
from dashboard.ahead import LOOK_EVERY, PATIENCE, STUCK, Ahead, Asked, Asking, Present

CLOCK = datetime(2026, 11, 18, 9, 30, 40, tzinfo=UTC)
HALF_PAST = datetime(2026, 11, 18, 9, 30, tzinfo=UTC)
OLD = Present(HALF_PAST, HALF_PAST - 2 * MINUTE)
NEW = Present(HALF_PAST + MINUTE, HALF_PAST - MINUTE)
SECOND = timedelta(seconds=1)


class Pages:
    """A process whose pages ask one question of the newest hour; what is prepared waits in `started`."""

    def __init__(self):
        self.answered: list[Window] = []
        self.store, self.started, self.asked = OLD, [], Asked()
        self.ahead = Ahead(lambda _: self.store, self.asked, start=self.started.append)

    def draw(self, clock):
        present = self.ahead.present(clock)
        self.asked.note(Asking(self.question, (Window.last(timedelta(hours=1), now=present.end),)))
        return present

    def page_asks(self, asking):
        """As the thread of a page does, whatever else goes on."""
        page = Thread(target=self.asked.note, args=(asking,))
        page.start()
        page.join()

    def question(self, window):
        self.asked.note(Asking(self.question, (window,)))
        self.answered.append(window)


@pytest.fixture
def pages():
    return Pages()


def test_pages_show_the_present_that_they_had_until_the_next_ones_answers_are_known(pages):
    pages.draw(CLOCK)
    pages.store = NEW

    assert pages.draw(CLOCK + LOOK_EVERY) == OLD
    assert pages.answered == []
    pages.started.pop()()
    assert pages.answered == [Window.last(timedelta(hours=1), now=NEW.end)]
    assert pages.draw(CLOCK + LOOK_EVERY + SECOND) == NEW


def test_only_one_thread_prepares_whoever_looks(pages):
    pages.draw(CLOCK)
    pages.store = NEW

    for _ in range(20):
        pages.draw(CLOCK + LOOK_EVERY)

    assert len(pages.started) == 1


def test_nobody_waits_longer_than_that_for_a_slow_answer(pages):
    pages.draw(CLOCK)
    pages.store, seen = NEW, []
    pages.question = lambda window: seen.extend(
        pages.ahead.present(CLOCK + LOOK_EVERY + late) for late in (PATIENCE, PATIENCE + SECOND)
    )
    pages.draw(CLOCK + SECOND)
    pages.draw(CLOCK + LOOK_EVERY)
    pages.started.pop()()

    assert seen == [OLD, NEW]


def test_who_comes_after_a_long_while_sees_what_is_true_now(pages):
    pages.draw(CLOCK)
    pages.store = NEW

    assert pages.draw(CLOCK + timedelta(hours=1)) == NEW
    assert not pages.started


def test_while_answers_are_slow_the_present_does_not_run_ahead_of_them_but_for_a_while(pages):
    pages.draw(CLOCK)
    pages.draw(CLOCK + LOOK_EVERY)
    pages.store = NEW

    assert pages.draw(CLOCK + STUCK) == OLD
    assert pages.draw(CLOCK + STUCK + SECOND) == NEW


def test_the_present_never_moves_back(pages):
    pages.draw(CLOCK)
    pages.draw(CLOCK + LOOK_EVERY)
    pages.store = NEW
    pages.draw(CLOCK + timedelta(hours=1))
    pages.store = OLD

    pages.started.pop(0)()

    assert pages.draw(CLOCK + timedelta(hours=1, seconds=1)) == NEW


def test_what_nobody_asks_any_more_is_not_asked_ahead_for_ever(pages):
    pages.draw(CLOCK)
    for turn in range(1, 5):
        pages.store = Present(HALF_PAST + turn * MINUTE, None)
        pages.ahead.present(CLOCK + turn * LOOK_EVERY)
        pages.started.pop()()

    assert len(pages.answered) < 3


def test_a_question_that_fails_keeps_no_other_from_being_asked(pages):
    pages.draw(CLOCK)
    pages.asked.note(Asking(_fails, (OLD.now,)))
    pages.draw(CLOCK + SECOND)
    pages.store = NEW

    pages.draw(CLOCK + LOOK_EVERY)
    pages.started.pop()()

    assert pages.ahead.present(CLOCK + LOOK_EVERY) == NEW


def test_a_question_that_a_page_begins_to_ask_meanwhile_is_asked_ahead_too(pages):
    hour, longer = timedelta(hours=1), timedelta(hours=3)
    pages.draw(CLOCK)
    pages.store = NEW

    def slow(window):
        pages.answered.append(window)
        pages.page_asks(Asking(pages.question, (newest(longer),)))

    pages.page_asks(Asking(slow, (newest(hour),)))
    pages.draw(CLOCK + LOOK_EVERY)
    pages.started.pop()()

    assert newest(longer, present=NEW) in pages.answered


def _fails(_):
    raise StoreError("the disk is full")


def newest(length, *, before=timedelta(), step=MINUTE, present=OLD):
    window = Window.last(length, now=present.end, step=step)
    return Window(window.start - before, window.end - before)


@pytest.mark.parametrize(
    ("length", "before", "step"),
    [
        (timedelta(hours=3), timedelta(), MINUTE),
        (timedelta(hours=3), timedelta(days=1), MINUTE),
        (timedelta(hours=24), timedelta(), 5 * MINUTE),
        (timedelta(days=7), timedelta(days=7), 30 * MINUTE),
        (timedelta(days=14), timedelta(), MINUTE),
    ],
)
def test_a_window_of_the_newest_data_moves_as_pages_would_move_it(length, before, step):
    old, new = (newest(length, before=before, step=step, present=present) for present in (OLD, NEW))

    assert Asking(print, (old, "x"), (("window", old),)).moved(OLD, NEW) == (
        print, (new, "x"), (("window", new),),
    )  # fmt: skip


def test_a_window_of_the_past_stays():
    past = Window(HALF_PAST - timedelta(hours=5), HALF_PAST - timedelta(hours=4))

    assert Asking(print, (past,)).moved(OLD, NEW).args == (past,)


def test_the_present_itself_moves():
    assert Asking(print, (OLD.now,)).moved(OLD, NEW).args == (NEW.now,)


def test_a_question_about_a_whole_row_is_answered_and_not_asked_ahead(pages):
    pages.asked.note(Asking(pages.question, ({"id": "an alert"},)))
    pages.asked.turn()

    assert pages.asked.of(OLD, NEW) == []
