"""Questions to the logs in AWS: asked once, taken once, told as far as they are answered."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from core.facts import Target
from core.live import EVENTS, UNSEEN, Line, Question
from core.windows import Window
from store import live

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
PROD = Target("111111111111", "eu-west-1")
LINE = Line(ts=NOW - timedelta(minutes=1), function="orders", stream="s", message="boom", event_id="e1")


def question(**about):
    values = {
        "target": PROD,
        "functions": ("orders",),
        "text": "boom",
        "window": Window(NOW - timedelta(hours=1), NOW),
        "how": EVENTS,
    }
    return Question(**(values | about))


def tell(store, id, **about):
    values = {"lines": [LINE], "read_from": NOW, "calls": 2, "cost_usd": Decimal("0.01")}
    with store.transaction() as connection:
        live.tell(connection, id, **(values | about))


@pytest.fixture
def asked(store):
    return live.ask(store, question(), now=NOW)


def test_a_question_is_taken_by_one_service_only(store, asked):
    assert [answer.id for answer in live.take(store, [PROD], now=NOW)] == [asked]
    assert list(live.take(store, [PROD], now=NOW)) == []


def test_a_service_leaves_questions_about_targets_that_it_does_not_watch(store, asked):
    assert list(live.take(store, [Target("222222222222", "eu-west-1")], now=NOW)) == []
    assert live.look(store, asked, now=NOW).state == live.ASKED


def test_a_question_that_nobody_looks_at_any_more_is_not_answered(store, asked):
    assert list(live.take(store, [PROD], now=NOW + UNSEEN + timedelta(seconds=1))) == []


def test_who_asked_sees_the_question_and_what_was_found_so_far(store, asked):
    list(live.take(store, [PROD], now=NOW))
    tell(store, asked)

    seen = live.look(store, asked, now=NOW)

    assert (seen.question, seen.state, seen.lines) == (question(), live.RUNNING, (LINE,))
    assert (seen.read_from, seen.calls, seen.cost_usd) == (NOW, 2, Decimal("0.01"))


def test_a_cancelled_question_is_no_longer_wanted_and_stays_cancelled(store, asked):
    list(live.take(store, [PROD], now=NOW))
    assert live.is_wanted(store, asked, now=NOW)

    live.cancel(store, asked)
    tell(store, asked, state=live.DONE)

    assert not live.is_wanted(store, asked, now=NOW)
    assert live.look(store, asked, now=NOW).state == live.CANCELLED


def test_a_complete_answer_cannot_be_cancelled(store, asked):
    list(live.take(store, [PROD], now=NOW))
    tell(store, asked, state=live.DONE)
    live.cancel(store, asked)

    assert live.look(store, asked, now=NOW).state == live.DONE


def test_looking_keeps_a_question_wanted(store, asked):
    list(live.take(store, [PROD], now=NOW))
    later = NOW + UNSEEN + timedelta(seconds=1)
    assert not live.is_wanted(store, asked, now=later)

    live.look(store, asked, now=later)

    assert live.is_wanted(store, asked, now=later)


def test_questions_are_forgotten_with_their_lines(store, asked):
    list(live.take(store, [PROD], now=NOW + live.KEPT + timedelta(seconds=1)))

    assert live.look(store, asked, now=NOW) is None
