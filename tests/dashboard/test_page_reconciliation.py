"""The Reconciliation page: without a bill, and with one that has what was never counted."""

from datetime import UTC, datetime

import pytest

from store import bills
from store.bill_files import gather
from tests.dashboard.every_page import words
from tests.store.test_bills import CUR2, a_csv

PAGE = "views/reconciliation.py"
HOSTILE = "=cmd|' /C calc'!A0 <script>alert(1)</script> **x** $a$"


@pytest.fixture
def billed(store, tmp_path):
    """A store that counted nothing of what a bill of October charges."""
    odd = CUR2 | {"line_item_resource_id": HOSTILE, "identity_line_item_id": "b"}
    found = gather([a_csv(tmp_path / "a.csv", CUR2, odd)])
    bills.keep(store, found, now=datetime(2026, 11, 18, tzinfo=UTC))
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
