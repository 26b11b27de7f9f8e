"""What a page says of collectors that it rests on and that did not read."""

import pandas as pd
import pytest

from collectors.registry import COLLECTORS, EVERY
from dashboard.needs import NEEDS, ON_REQUEST, unread


def ran(collector, account="1", outcome="ok", error=None):
    about = {"region": "eu-west-1", "outcome": outcome, "error": error, "permission": None}
    return {"collector": collector, "account": account, **about}


def said(title, *rows):
    return unread(title, pd.DataFrame(rows), {"1": "shop"})


def test_a_page_whose_collectors_all_read_says_nothing():
    assert said("Logs", ran("inventory"), ran("logs")) == []


def test_what_was_not_read_yet_is_not_taken_for_none():
    rows = [ran("inventory"), ran("details"), ran("metrics"), *map(ran, ("logs", "traces"))]

    assert said("Silent stops", *rows) == ["triggers in shop eu-west-1: not yet"]


def test_what_one_account_read_is_not_taken_for_another():
    rows = [ran("inventory"), ran("logs"), ran("inventory", "2")]

    assert said("Logs", *rows) == ["logs in 2 eu-west-1: not yet"]


def test_what_was_refused_comes_before_what_waits_and_the_rest_is_counted():
    denied = ran("logs", outcome="denied", error="the role lacks logs:FilterLogEvents")

    found = said("Cold starts", denied, ran("inventory"))

    assert found[0] == "logs in shop eu-west-1: the role lacks logs:FilterLogEvents"
    assert found[1:] == ["details in shop eu-west-1: not yet", "and 2 more"]


@pytest.mark.parametrize("collector", [each.name for each in EVERY])
def test_every_collector_that_is_refused_is_said_on_a_page_that_rests_on_it(collector):
    title = next(title for title, needed in NEEDS.items() if collector in needed)
    others = [ran(name) for name in NEEDS[title] if name != collector]

    assert said(title, *others, ran(collector, outcome="denied", error="no")) == [
        f"{collector} in shop eu-west-1: no"
    ]


def test_what_runs_only_on_request_is_no_lack_where_nobody_asked_for_it():
    assert {each.name for each in EVERY} - {each.name for each in COLLECTORS} == ON_REQUEST
    for title, needed in NEEDS.items():
        assert said(title, ran("inventory"), *(ran(name) for name in needed if name not in ON_REQUEST)) == []
