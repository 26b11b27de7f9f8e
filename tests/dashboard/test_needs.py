"""What a page says of collectors that it rests on and that did not read."""

import pandas as pd

from dashboard.needs import unread


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
