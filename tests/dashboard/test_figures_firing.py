"""What fires in words: whose turn it is, what came before, since when it is quiet."""

from datetime import UTC, timedelta

import pandas as pd
import pytest

from alerts.quiet import quiet
from core.preceding import SHORTLY
from dashboard import figures_firing
from dashboard.figures_firing import Looked
from dashboard.firing import gist, sentence
from dashboard.numbers import plain
from tests.dashboard.fleet_rows import NOW, incident, incidents

BEGAN = NOW - timedelta(minutes=5)
MINUTE = timedelta(minutes=1)


def change(minutes_before=7, **values):
    known = {
        "ts": pd.Timestamp(BEGAN - minutes_before * MINUTE),
        "account": "1", "region": "eu", "function": "orders",
        "kind": "deploy", "what": "Deploy v1 → v2", "field": "", "who": None, "via": None,
    }  # fmt: skip
    return known | values


def before(of, *changes, owners=None):
    frame = pd.DataFrame(list(changes), columns=list(change()))
    return figures_firing.came_before(figures_firing.before(of, frame, owners or {}), of)


def looked(minutes_ago=0.5, last=None):
    judged_at = None if minutes_ago is None else NOW - minutes_ago * MINUTE
    return Looked(quiet(judged_at, now=NOW), judged_at, last)


def test_an_incident_is_told_with_the_deploy_before_it_and_who_made_it():
    said = before(incident(), change(who="ci"), change(5, kind="alias", what="Alias prod v1 → v2"))

    assert said == "began 7 min after Deploy v1 → v2 by ci and 1 more change"


def test_changes_of_other_functions_accounts_and_regions_did_not_come_before():
    others = [change(function="other"), change(account="2"), change(region="us")]

    assert before(incident(), *others) == ""


def test_a_queues_incident_is_told_with_the_change_of_the_function_it_belongs_to():
    queue = incident(subject_kind="queue", subject="arn:q")

    said = before(queue, change(), owners={("1", "eu", "arn:q"): ["orders"]})

    assert said == "began 7 min after Deploy v1 → v2 of orders"
    assert before(queue, change()) == ""


def test_a_collectors_trouble_has_no_change_before_it():
    assert before(incident(subject_kind="collector", subject="logs"), change()) == ""


def test_what_changed_is_shown_as_text():
    assert before(incident(), change(what="Alias *x* <b>")) == "began 7 min after Alias \\*x\\* \\<b\\>"


def test_changes_are_asked_for_from_before_the_oldest_until_the_newest_incident():
    older = incident(opened_at=pd.Timestamp(NOW - timedelta(days=2)))

    start, end = figures_firing.span(incidents(incident(), older))

    assert (start, end) == (NOW - timedelta(days=2) - SHORTLY, BEGAN)


def test_what_nobody_has_comes_before_what_is_acknowledged_or_held_back():
    acked = incident(id="acked", severity="critical", acked_at=pd.Timestamp(NOW))
    held = incident(id="held", severity="critical", held_back="silenced")

    member = incident(id="member", grouped_under="mine")
    told = incidents(held, acked, incident(id="mine", severity="info"), member)

    assert list(figures_firing.in_turn(told)["id"]) == ["mine", "acked", "held"]
    assert (
        figures_firing.counted(told) == "4 alerts: 1 firing, 1 acknowledged, 1 held back, 1 told with another"
    )
    assert figures_firing.counted(incidents(incident())) == "1 alert fires"


def test_a_line_says_since_when_and_what_holds_it_back():
    line = sentence(incident(held_back="silenced by ada: load test"), now=NOW)

    assert "5 min, since 11\\:55" in line
    assert "held back: silenced by ada\\: load test" in line


def test_quiet_says_since_when_and_when_somebody_looked():
    last = ("orders: error rate 12 %", NOW - timedelta(hours=2))

    told = figures_firing.nothing_fires(looked(last=last), unseen=False, zone=UTC, moment=NOW)

    assert told.state == "healthy"
    assert told.text == "**Nothing is firing** since 10\\:00."
    assert "2 h; last was orders\\: error rate 12 %" in told.more
    assert "rules were evaluated 30 s ago" in told.more


def test_quiet_without_any_alert_on_record_says_so():
    told = figures_firing.nothing_fires(looked(), unseen=True, zone=UTC, moment=NOW)

    assert told.text == "**Nothing is firing** among what is seen."
    assert "no alert is on record" in told.more


@pytest.mark.parametrize(("minutes", "state"), [(None, "not collected"), (60, "warning")])
def test_quiet_is_not_called_so_when_nobody_looks(minutes, state):
    told = figures_firing.nothing_fires(looked(minutes), unseen=False, zone=UTC, moment=NOW)

    assert told.state == state
    assert "Nothing is firing" not in told.text


def test_alerts_that_fire_are_doubted_when_rules_are_no_longer_evaluated():
    assert figures_firing.stopped(looked(), moment=NOW) is None
    assert "last evaluated 1 h ago" in figures_firing.stopped(looked(60), moment=NOW).text
    assert "never evaluated" in figures_firing.stopped(looked(None), moment=NOW).text


def test_an_incident_line_says_once_what_is_wrong():
    said = gist("Throttles 46: above 5 over 5 min; before 0. Raise it.", "orders: throttles 46")

    assert said == "above 5 over 5 min"
    assert gist("Nothing has run for 9 h.", "reports: silent") == "Nothing has run for 9 h"


def test_an_incident_line_shows_hostile_names_as_text():
    line = sentence(incident(title="![x](http://evil) <b>"), now=NOW)

    assert plain("![x](http://evil) <b>") in line
    assert "http://" not in line
