"""The Reconciliation page: without a bill, and with one that has what was never counted."""

from datetime import UTC, datetime

import pytest

from core.entities import Charge, ChargedDay
from core.facts import Run, Target
from core.windows import Window
from store import bills
from store.bill_files import gather
from tests.dashboard.every_page import words
from tests.store.test_bills import CUR2, a_csv

NOW = datetime(2026, 11, 18, tzinfo=UTC)
PAGE = "views/reconciliation.py"
HOSTILE = "=cmd|' /C calc'!A0 <script>alert(1)</script> **x** $a$"


def explored(store, usd="0.5"):
    """What Cost Explorer told of 5 October, beside what was imported."""
    lines = (Charge("AWSLambda", HOSTILE, "Usage", "1000", usd),)
    day = ChargedDay(name="2026-10-05", is_estimated=True, charges=lines)
    window, at = Window(datetime(2026, 10, 6, tzinfo=UTC), datetime(2026, 10, 7, tzinfo=UTC)), NOW
    run = Run(
        collector="charges", target=Target("111111111111", "eu-west-1"), window=window, period_s=0,
        started_at=at, finished_at=at, outcome="ok",
    )  # fmt: skip
    store.commit(run, [day], now=at)


@pytest.fixture
def billed(store, tmp_path):
    """A store that counted nothing of what a bill of October charges."""
    odd = CUR2 | {"line_item_resource_id": HOSTILE, "identity_line_item_id": "b"}
    found = gather([a_csv(tmp_path / "a.csv", CUR2, odd)])
    bills.keep(store, found, now=NOW)
    return store


def test_without_a_bill_it_says_how_to_import_one(open_page, store):
    app = open_page(PAGE)

    assert "quarterdeck bill import" in app.info[0].value


def test_what_no_target_covers_is_named_and_not_unexplained(open_page, billed):
    app = open_page(PAGE)

    assert not app.exception
    assert "can be trusted" in words(app)
    reasons = next(frame.value for frame in app.dataframe if "reason" in frame.value)
    assert reasons["reason"].tolist() == ["not watched: accounts and regions"]
    assert reasons["usd"].iloc[0] == pytest.approx(2 * 0.0166667)


def test_the_month_of_the_address_is_shown(open_page, billed):
    assert "October 2026" in words(open_page(PAGE, month="2026-10"))


def test_the_other_source_is_told_beside_the_one_that_is_shown(open_page, billed):
    explored(billed)

    app = open_page(PAGE)

    assert not app.exception
    assert any("By the other source, Cost Explorer" in one.value for one in app.caption)
    assert app.metric[0].value == "$0.03"


def test_the_source_of_the_address_is_shown_with_its_days(open_page, billed):
    explored(billed)

    app = open_page(PAGE, against="cost explorer")

    assert app.metric[0].value == "$0.50"
    days = next(frame.value for frame in app.dataframe if "day" in frame.value)
    assert days[["bill_usd", "difference_usd"]].iloc[0].tolist() == [0.5, 0.5]
    assert "not final yet" in words(app)


def test_cost_explorer_alone_is_shown_without_being_asked_for(open_page, store):
    explored(store)

    app = open_page(PAGE)

    assert not app.exception
    assert app.metric[0].value == "$0.50"
    assert not any("By the other source" in one.value for one in app.caption)
