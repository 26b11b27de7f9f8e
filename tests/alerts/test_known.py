"""Trouble that people know of is kept with who said so."""

from __future__ import annotations

import pytest

from alerts.engine import evaluate
from alerts.incidents import judge
from alerts.known import known, mark, unmark
from core.errors import NotAllowedError, QuarterdeckError
from core.people import Person
from core.windows import Window

ADA, EVE = Person("ada", "operator"), Person("eve")


@pytest.fixture
def marked(store, world):
    def make(first=0, last=30, text="checkout was down", by=ADA):
        window = Window(world.at(first), world.at(last))
        place = {"account": "111122223333", "region": "eu-west-1", "subject": "checkout"}
        return mark(store, **place, window=window, text=text, by=by)

    return make


def test_a_marked_outage_is_known_with_who_marked_it(store, world, marked):
    id = marked()

    (found,) = known(store, Window(world.at(10), world.at(20)))

    assert (found.subject, found.start, found.end, found.is_real) == (
        "checkout", world.at(0), world.at(30), True,
    )  # fmt: skip
    assert (found.who, found.rule, found.id) == ("ada", None, str(id))


def test_only_what_touches_the_window_is_known(store, world, marked):
    marked(0, 30)

    assert known(store, Window(world.at(30), world.at(60))) == []


def test_a_mark_can_be_taken_back_once(store, world, marked):
    id = marked()
    unmark(store, id, by=ADA)

    assert known(store, Window(world.at(0), world.at(60))) == []
    with pytest.raises(QuarterdeckError, match="no marked outage"):
        unmark(store, id, by=ADA)


@pytest.mark.parametrize(
    ("given", "why"),
    [({"text": " "}, "a few words"), ({"first": 30, "last": 30}, "ends after it begins")],
)
def test_a_mark_without_words_or_length_is_refused(marked, given, why):
    with pytest.raises(QuarterdeckError, match=why):
        marked(**given)


def test_a_viewer_marks_nothing(store, world, marked):
    id = marked()

    with pytest.raises(NotAllowedError):
        marked(by=EVE)
    with pytest.raises(NotAllowedError):
        unmark(store, id, by=EVE)


@pytest.mark.parametrize(("verdict", "is_real"), [("real", True), ("noise", False)])
def test_an_incident_with_a_verdict_is_known(store, world, rule, settings, table, verdict, is_real):
    world.minutes(0, [0.0] * 5 + [50.0] * 5)
    evaluate(store, [rule("rate")], settings(), now=world.at(12))
    window = Window(world.at(0), world.at(60))
    assert known(store, window) == []

    judge(store, table("incident")[0]["id"], verdict, by=ADA, now=world.at(12))

    (found,) = known(store, window)
    assert (found.is_real, found.rule, found.end) == (is_real, "rate", None)
