from __future__ import annotations

import re
from datetime import timedelta
from html.parser import HTMLParser

import numpy as np
import pytest

from alerts import incidents
from alerts.engine import evaluate
from alerts.report import incident_html
from alerts.sketch import HEIGHT, sketch
from core.entities import Function
from core.errors import QuarterdeckError
from core.people import Person
from core.windows import Window

ADA = Person("ada", "operator")
EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)> {{7*7}} password=hunter2hunter2"


class Page(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.tags, self.attributes, self.said = [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += [(tag, *pair) for pair in attributes]

    def handle_data(self, data):
        self.said.append(data)


@pytest.fixture
def incident(world, store, rule, settings):
    """One of a function with a name that wants to be a page."""
    world.known(Function(name=EVIL, arn="arn", tags={"team": EVIL}))
    world.minutes(0, [0.0] * 10 + [50.0] * 10, function=EVIL)
    chosen = [rule("error-rate", above="5%", labels={"owner": EVIL}, **{"for": "2 of 3"}, over="2m")]
    [id] = evaluate(store, chosen, settings(), now=world.at(20)).opened
    incidents.acknowledge(store, id, by=ADA, now=world.at(21), text=EVIL)
    incidents.note(store, id, f"rolled back {EVIL}", by=ADA, now=world.at(22))
    return id


@pytest.fixture
def html(incident, store, world):
    return incident_html(store, incident, now=world.at(23))


def test_hostile_text_is_text_and_secrets_are_masked(html):
    page = Page(html)

    assert not {"script", "img", "iframe", "link", "object", "a", "form"} & set(page.tags)
    assert not [attribute for attribute in page.attributes if attribute[1].startswith("on")]
    assert "alert(1)" in "".join(page.said)
    assert "{{7*7}}" in html.replace("&#39;", "'")
    assert "hunter2hunter2" not in html


def test_it_refers_to_nothing(html):
    page = Page(html)

    assert not [a for a in page.attributes if a[1] in {"src", "href", "srcset", "action", "data"}]
    assert not re.search(r"url\(|@import", html)
    assert ("meta", "content", "default-src 'none'; style-src 'unsafe-inline'") in page.attributes


def test_it_tells_what_when_who_and_draws_what_the_rule_saw(html):
    said = " ".join(" ".join(Page(html).said).split())

    assert "above 5 % over 2 min, 2 of 3 minutes" in said
    assert "Worst 50 %" in said
    assert "2026-03-02 12:" in said
    assert "acknowledged ada" in said
    assert "rolled back" in said
    assert "polyline" in Page(html).tags


def test_it_is_whole_long_after_the_rule_and_the_function_are_gone(incident, store, world, settings):
    evaluate(store, [], settings(), now=world.at(60 * 24))
    said = " ".join(" ".join(Page(incident_html(store, incident, now=world.at(60 * 24 * 30))).said).split())

    assert "the rule is gone" in said
    assert "above 5 % over 2 min" in said


def test_an_incident_that_is_not_there_is_said_in_a_sentence(store, world):
    with pytest.raises(QuarterdeckError, match="there is no incident nope"):
        incident_html(store, "nope", now=world.at(0))


def test_unknown_minutes_break_the_line(start):
    ends = [start + timedelta(minutes=n + 1) for n in range(4)]
    window = Window(start, start + timedelta(minutes=4))
    drawn = sketch(
        ends,
        np.array([1.0, np.nan, 2.0, 0.0]),
        np.full(4, 1.0),
        window=window,
        fired=(start, None),
        say=str,
    )

    assert [len(line.split()) for line in drawn.values] == [1, 2]
    assert drawn.values[1].endswith(f",{HEIGHT:.1f}")
    assert drawn.words == "from 0.0 to 2.0"
