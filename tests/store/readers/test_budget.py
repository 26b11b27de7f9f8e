"""Where the month stands, for pages and commands."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from core.facts import Run, Target, Usage
from core.settings import StoreSettings
from core.windows import Window
from quarterdeck.notes import write_note
from store import bill
from store.readers import collection
from store.readers.budget import PACE_KEY, UNREACHED_KEY, Slowed, budget, unpriced, unreached
from store.store import Store

NOW = datetime(2026, 11, 21, 10, 30, tzinfo=UTC)
HERE = Target("111122223333", "eu-west-1")
DAY = timedelta(days=1)


@pytest.fixture
def store(tmp_path):
    opened = Store.open(StoreSettings(path=tmp_path / "store", free_space_floor_mb=0))
    yield opened
    opened.close()


def spend(store, usd, now=NOW):
    line = Usage(service="cloudwatch", operation="GetMetricData", calls=1, units=1, cost_usd=usd)
    store.count(HERE, "metrics", [line], now=now)


def note_pace(store, **changed):
    pace = {"decided_at": NOW.isoformat(), "cap_usd": "10", "step": 1, "others": 1, "usd_a_day": "0.5",
            "runs_out": None, "slowed": []} | changed  # fmt: skip
    write_note(store, PACE_KEY, json.dumps(pace))


def test_an_empty_store_has_spent_nothing_and_projects_nothing(store):
    found = budget(store, now=NOW)

    assert (found.cap_usd, found.spent_usd, found.projected_usd, found.is_stopped) == (None, 0, None, False)
    assert "no cap" in found.why


def test_a_small_cap_is_told_in_full_and_no_pace_is_made_up(store):
    spend(store, "0.0042")

    assert budget(store, now=NOW, cap_usd=Decimal("0.02")).why == (
        "0.0042 of 0.0200 USD are spent; no service has set a pace this month."
    )


def test_requests_of_a_region_whose_price_is_unknown_are_counted_and_said(store):
    spend(store, "0.25")
    for _ in range(2):
        requests = [
            Usage(service="s3", operation="PutObject", calls=700, units=700, cost_usd=None),
            Usage(service="s3", operation="DeleteObject", calls=3, units=3, cost_usd="0"),
        ]
        store.count(Target("", ""), "store", requests, now=NOW)

    found = collection.spend(store, now=NOW)

    assert unpriced(found) == (
        "1,400 calls have no price that we know (s3 PutObject): they are counted, and in no sum."
    )
    assert budget(store, now=NOW).spent_usd == Decimal("0.25")
    assert unpriced(found[found["service"] != "s3"]) is None


def test_spent_is_this_months_and_today_is_todays(store):
    spend(store, "1.5", NOW - 30 * DAY)
    spend(store, "0.25", NOW - 2 * DAY)
    spend(store, "0.125")

    found = budget(store, now=NOW, cap_usd=Decimal(10))

    assert (found.spent_usd, found.today_usd) == (Decimal("0.375"), Decimal("0.125"))


def test_the_projection_is_at_the_pace_in_force(store):
    spend(store, "2")
    note_pace(store)

    found = budget(store, now=datetime(2026, 11, 21, tzinfo=UTC) + DAY)

    assert found.projected_usd == Decimal("2") + 9 * Decimal("0.5")
    assert found.month_ends == datetime(2026, 12, 1, tzinfo=UTC)


def test_a_pace_of_last_month_says_nothing_of_this_one(store):
    note_pace(store, decided_at=(NOW - 30 * DAY).isoformat())

    found = budget(store, now=NOW)

    assert (found.projected_usd, found.step, found.cap_usd) == (None, 0, Decimal(10))


def test_what_is_slowed_is_said_and_when_it_would_stop(store):
    slowed = {"activity": "quiet", "functions": 7, "every_s": 3600, "usual_s": 300}
    note_pace(store, slowed=[slowed], runs_out=(NOW + 2 * DAY).isoformat())

    found = budget(store, now=NOW)

    assert found.slowed == (Slowed("quiet", 7, 3600, 300),)
    assert "7 quiet functions every 60 min" in found.why
    assert "would stop on 23 November 10:30 UTC" in found.why


def test_a_run_that_was_held_back_by_the_cap_means_that_reading_stopped(store):
    window = Window.last(DAY, now=NOW)
    run = Run(collector="metrics", target=HERE, window=window, period_s=60, started_at=NOW, finished_at=NOW,
              outcome="skipped", error="the budget of 10 USD a month would be passed: ...")  # fmt: skip
    store.commit(run, [], now=NOW)

    found = budget(store, now=NOW, cap_usd=Decimal(10))

    assert found.stopped == ("metrics",)
    assert "reading metrics has stopped until 01 December" in found.why


def test_reservations_are_told_apart(store):
    with store.transaction() as connection:
        bill.reserve(connection, HERE, "metrics", Decimal("0.4"), cap_usd=Decimal(1), now=NOW)

    found = budget(store, now=NOW, cap_usd=Decimal(1))

    assert (found.spent_usd, found.reserved_usd) == (Decimal("0.4"), Decimal("0.4"))


def test_targets_out_of_reach_are_listed_with_since_and_why(store):
    lost = {"name": "prod", "region": "ap-east-1", "why": "not enabled", "since": NOW.isoformat(),
            "next_try": (NOW + timedelta(minutes=1)).isoformat()}  # fmt: skip
    write_note(store, UNREACHED_KEY, json.dumps({"targets": [lost]}))

    (found,) = unreached(store)

    assert (found.name, found.region, found.why, found.since) == ("prod", "ap-east-1", "not enabled", NOW)


def test_nothing_is_out_of_reach_before_a_service_ran(store):
    assert unreached(store) == []
