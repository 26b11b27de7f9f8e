"""The pace: who is slowed first, who last, and that a month at the chosen pace costs less than the cap."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.cadence import (
    ACTIVITIES,
    Month,
    Watched,
    activity,
    cadences,
    decide,
    spoken,
    steps,
    usd_a_day,
)
from core.facts import Target
from core.settings import CollectSettings

NOW, START = datetime(2026, 11, 21, 10, 30, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)
END = datetime(2026, 12, 1, tzinfo=UTC)
HERE, THERE = Target("1", "eu-west-1"), Target("2", "us-east-1")
SETTINGS = CollectSettings()
DAY = timedelta(days=1)
READ = Decimal("0.00015")


def fleet(firing=0, active=0, quiet=0, usd=READ):
    counts = {"firing": firing, "active": active, "quiet": quiet}
    return [
        Watched(target=HERE, name=f"{kind}-{n}", activity=kind, read_usd=usd)
        for kind, count in counts.items()
        for n in range(count)
    ]


def month(cap, spent="0", now=START, others="0"):
    return Month(
        now=now,
        end=END,
        cap_usd=None if cap is None else Decimal(cap),
        spent_usd=Decimal(spent),
        others_usd_a_day=Decimal(others),
    )


def test_without_a_cap_all_run_at_full_pace_and_firing_ones_faster():
    decision = decide(fleet(1, 1, 1), month(None), SETTINGS)

    found = {each.name: each.every_s for each in cadences(fleet(1, 1, 1), decision, SETTINGS)}
    assert found == {"firing-0": 60, "active-0": 300, "quiet-0": 300}
    assert decision.runs_out is None


def test_quiet_functions_are_slowed_first_with_the_reason():
    watched = fleet(1, 1, 10)

    decision = decide(watched, month("15"), SETTINGS)

    assert decision.slowed == {"quiet": 10}
    whys = {each.name: each.why for each in cadences(watched, decision, SETTINGS)}
    assert whys["quiet-0"] == (
        "not invoked for 1 d, so read every 1 h instead of 5 min to stay within the budget"
    )
    assert whys["active-0"] == "read every 5 min"
    assert whys["firing-0"] == "an incident is open, so read every 1 min"


def test_then_active_ones_and_firing_ones_last():
    ladder = steps(SETTINGS)

    slowed_at = {
        kind: next(n for n, step in enumerate(ladder) if step.every(kind) > ladder[0].every(kind))
        for kind in ACTIVITIES
    }
    assert slowed_at["quiet"] < slowed_at["active"] < slowed_at["firing"]


@pytest.mark.parametrize("every", ["1m", "5m", "15m", "6h", "12h"])
def test_no_step_is_faster_than_the_one_before(every):
    ladder = steps(CollectSettings(metrics_every=every))

    for before, after in itertools.pairwise(ladder):
        assert all(after.every(kind) >= before.every(kind) for kind in ACTIVITIES)
        assert after.others >= before.others


def test_the_slowest_pace_says_when_paid_reading_would_stop():
    decision = decide(fleet(active=1000), month("1"), SETTINGS)

    assert decision.step == len(steps(SETTINGS)) - 1
    assert START < decision.runs_out < END


def test_money_that_is_gone_stops_now():
    assert decide(fleet(active=1), month("1", spent="1", now=NOW), SETTINGS).runs_out == NOW


def test_a_pace_does_not_flutter_between_two_steps():
    watched = fleet(active=10)
    a_day = usd_a_day(steps(SETTINGS)[0], {"active": 10 * READ}, Decimal(0))
    just_enough, plenty = (str(a_day * 30 * Decimal(factor)) for factor in ("1.01", "1.06"))

    assert decide(watched, month(just_enough), SETTINGS, current=0).step == 0
    assert decide(watched, month(just_enough), SETTINGS, current=2).step == 2
    assert decide(watched, month(plenty), SETTINGS, current=2).step == 0


def test_targets_share_the_cap():
    here = fleet(active=10)
    there = [Watched(target=THERE, name=w.name, activity=w.activity, read_usd=w.read_usd) for w in here]
    cap = month("14")

    assert decide(here, cap, SETTINGS).step == 0
    assert decide([*here, *there], cap, SETTINGS).step > 0


@pytest.mark.parametrize(
    ("invoked", "read_since", "firing", "found"),
    [
        (NOW - timedelta(hours=1), NOW - 3 * DAY, False, "active"),
        (NOW - 2 * DAY, NOW - 3 * DAY, False, "quiet"),
        (None, NOW - 3 * DAY, False, "quiet"),
        (None, NOW - timedelta(hours=3), False, "active"),
        (None, None, False, "active"),
        (None, NOW - 3 * DAY, True, "firing"),
    ],
)
def test_quiet_is_only_what_was_watched_and_not_invoked(invoked, read_since, firing, found):
    assert activity(invoked, read_since, is_firing=firing, now=NOW, quiet_after=DAY) == found


@pytest.mark.parametrize(
    ("seconds", "said"), [(90, "90 s"), (60, "1 min"), (5400, "90 min"), (7200, "2 h"), (86400, "1 d")]
)
def test_lengths_are_said_as_people_say_them(seconds, said):
    assert spoken(timedelta(seconds=seconds)) == said


@settings(max_examples=60, deadline=None)
@given(
    counts=st.tuples(st.integers(0, 20), st.integers(0, 400), st.integers(0, 400)),
    cap=st.decimals("0.1", "500", places=2),
    others=st.decimals("0", "1", places=3),
    changes=st.lists(st.tuples(st.integers(0, 20), st.integers(0, 400)), min_size=5, max_size=5),
)
def test_a_simulated_month_stays_within_the_cap(counts, cap, others, changes):
    """Decided anew each six hours while the fleet changes; a read that would pass the cap is not made."""
    spent, now, step, stopped = Decimal(0), START, 0, False
    while now < END:
        firing, active = changes[now.day % len(changes)]
        decision = decide(
            fleet(firing, active, counts[2]),
            Month(now=now, end=END, cap_usd=cap, spent_usd=spent, others_usd_a_day=others),
            SETTINGS,
            current=step,
        )
        step = decision.step
        cost = decision.usd_a_day / 4
        if spent + cost > cap:
            stopped = True
            assert step == len(steps(SETTINGS)) - 1 or cost > cap - spent
            break
        spent, now = spent + cost, now + timedelta(hours=6)
    assert spent <= cap
    assert stopped or now >= END


@settings(max_examples=60, deadline=None)
@given(cap=st.decimals("0.1", "100", places=2), active=st.integers(1, 500), quiet=st.integers(0, 500))
def test_a_steady_month_at_the_chosen_pace_costs_less_than_the_cap_or_says_when_it_stops(cap, active, quiet):
    decision = decide(fleet(1, active, quiet), month(str(cap)), SETTINGS)

    assert (decision.projected_usd <= cap) == (decision.runs_out is None)


def test_what_costs_the_same_at_any_pace_leaves_less_for_the_rest():
    watched = fleet(0, 10, 0)
    alone, beside = month("15"), replace(month("15"), fixed_usd_a_day=Decimal("0.2"))

    fast, slow = decide(watched, alone, SETTINGS), decide(watched, beside, SETTINGS)

    assert slow.step > fast.step
    assert slow.projected_usd <= 15
    assert slow.usd_a_day > Decimal("0.2")
