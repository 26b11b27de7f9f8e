"""Weeks of made-up days with one that is wrong: it is found, with what was done to it."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.cost_anomalies import Changes, DayCost, anomaly

TODAY = date(2026, 11, 18)


def a_day(day=TODAY, *, invocations=1000.0, each=0.001, logs=0.0002, errors=10.0, provisioned=1.0):
    parts = {"duration": invocations * each, "logs": invocations * logs, "provisioned": provisioned}
    return DayCost(day, parts, invocations, errors)


def weeks(count=5, **usual):
    return [a_day(TODAY - timedelta(days=n), **usual) for n in range(1, 7 * count)]


def found(day, **more):
    return anomaly(weeks(), day, **more)


@pytest.mark.parametrize(
    ("wrong", "component", "cause"),
    [
        ({"invocations": 5000.0}, "duration", "traffic"),
        ({"invocations": 5000.0, "errors": 4000.0}, "duration", "retries"),
        ({"each": 0.005}, "duration", "duration"),
        ({"logs": 0.005}, "logs", "logs"),
        ({"provisioned": 9.0}, "provisioned", "configuration"),
    ],
)
def test_an_anomaly_names_component_and_cause(wrong, component, cause):
    told = found(a_day(**wrong))

    assert (told.component, told.cause) == (component, cause)
    assert told.excess_usd > 1


@pytest.mark.parametrize("what", ["deploys", "memory"])
def test_a_change_that_fits_is_the_cause(what):
    at = datetime(2026, 11, 18, 9, tzinfo=UTC)

    told = found(a_day(each=0.005), changes=Changes(**{what: [at]}))

    assert told.cause == {"deploys": "deploy", "memory": "memory"}[what]
    assert told.since == at


def test_traffic_is_not_blamed_on_a_deploy():
    at = datetime(2026, 11, 18, 9, tzinfo=UTC)

    assert found(a_day(invocations=5000.0), changes=Changes(deploys=[at])).cause == "traffic"


def test_a_usual_monday_is_no_anomaly_after_a_quiet_weekend():
    monday = date(2026, 11, 16)
    days = [monday - timedelta(days=n) for n in range(1, 35)]
    earlier = [a_day(d, invocations=100.0 if d.weekday() >= 5 else 5000.0) for d in days]

    assert anomaly(earlier, a_day(monday, invocations=5000.0)) is None
    assert anomaly(earlier, a_day(monday - timedelta(days=1), invocations=5000.0)) is not None


def test_a_holiday_is_held_against_sundays():
    days = [TODAY - timedelta(days=n) for n in range(1, 35)]
    earlier = [a_day(d, invocations=100.0 if d.weekday() == 6 else 5000.0) for d in days]
    busy = a_day(invocations=5000.0)

    assert anomaly(earlier, busy) is None
    assert anomaly(earlier, busy, holidays={TODAY}) is not None


def test_with_less_than_a_week_before_nothing_is_said():
    assert anomaly(weeks()[:6], a_day(invocations=10**6)) is None


def test_cents_are_no_anomaly():
    quiet = weeks(invocations=1.0, provisioned=0.0)

    assert anomaly(quiet, a_day(invocations=20.0, provisioned=0.0)) is None


def test_a_component_that_never_cost_anything_is_named():
    earlier = [DayCost(d.day, {"duration": 1.0}, 1000.0) for d in weeks()]

    told = anomaly(earlier, DayCost(TODAY, {"duration": 1.0, "streaming": 5.0}, 1000.0))

    assert told.component == "streaming"
    assert "for the first time" in told.says


@given(st.lists(st.floats(0, 1000), min_size=7, max_size=40), st.floats(0, 1000))
def test_a_day_no_dearer_than_every_day_before_is_never_one(costs, share):
    earlier = [DayCost(TODAY - timedelta(days=n + 1), {"duration": usd}, 1.0) for n, usd in enumerate(costs)]
    day = DayCost(TODAY, {"duration": min(costs) * share / 1000}, 1.0)

    assert anomaly(earlier, day) is None
