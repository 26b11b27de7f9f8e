"""Ends of runtimes, and provisioned concurrency without a caller."""

from __future__ import annotations

from datetime import date, timedelta

import botocore.session
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.entities import Alias, Provisioned
from core.provisioned import orphaned
from core.runtimes import NOTICE_DAYS, known, lifecycle

TODAY = date(2026, 11, 21)


@pytest.mark.parametrize(
    ("runtime", "state"),
    [
        ("python3.14", "supported"),
        ("nodejs22.x", "ending"),
        ("python3.9", "ended"),
        ("nodejs14.x", "create blocked"),
        ("python3.6", "update blocked"),
        ("nodejs26.x", "supported"),
        ("cobol85", "unknown"),
        (None, "unknown"),
    ],
)
def test_a_runtime_stands_somewhere_between_supported_and_blocked(runtime, state):
    assert lifecycle(runtime, TODAY).state == state


def test_an_end_is_told_with_the_days_that_are_left():
    found = lifecycle("nodejs22.x", date(2027, 4, 20))

    assert (found.days_left, found.deprecated_on) == (10, date(2027, 4, 30))
    assert found.said == "10 days of support left, until 2027-04-30"


def test_from_the_day_of_its_end_a_runtime_is_no_longer_supported():
    assert lifecycle("nodejs22.x", date(2027, 4, 29)).state == "ending"
    assert lifecycle("nodejs22.x", date(2027, 4, 30)).state == "ended"


def test_an_unknown_runtime_is_not_called_supported():
    assert lifecycle("cobol85", TODAY).said == "The end of support is not known"
    assert lifecycle("cobol85", TODAY).days_left is None


def test_the_table_knows_every_runtime_of_botocore():
    model = botocore.session.get_session().get_service_model("lambda")
    named = set(model.shape_for("Runtime").enum)

    assert named - set(known()) <= {"custom"}


@given(st.sampled_from(known()), st.integers(0, 6000))
def test_time_never_brings_a_runtime_back(runtime, days):
    order = ("supported", "ending", "ended", "create blocked", "update blocked")
    first = lifecycle(runtime, date(2015, 1, 1) + timedelta(days=days))
    later = lifecycle(runtime, date(2015, 1, 1) + timedelta(days=days + NOTICE_DAYS))

    assert order.index(first.state) <= order.index(later.state)


def pool(qualifier):
    return Provisioned(name=f"f:{qualifier}", function="f", qualifier=qualifier, requested=5)


PROD = Alias(name="f:prod", function="f", alias="prod", version="7", weights={"8": 0.1})
OTHERS = Alias(name="g:live", function="g", alias="live", version="6")


@pytest.mark.parametrize(
    ("qualifier", "named", "reason"),
    [
        ("prod", (), None),
        ("7", (), None),
        ("8", (), None),
        ("6", ("6",), None),
        ("6", (), "no alias or trigger reaches version 6"),
        ("5", (), "version 5 does not exist"),
        ("live", (), "alias live does not exist"),
    ],
)
def test_a_pool_that_nothing_reaches_says_why(qualifier, named, reason):
    found = orphaned(pool(qualifier), versions={"6", "7", "8"}, aliases=[PROD, OTHERS], named=named)

    assert found == reason
