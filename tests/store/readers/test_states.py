"""Coverage becomes the four states, minute by minute as plain sets would have it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.entities import Cadence
from core.facts import ACCOUNT
from core.windows import Window
from store.readers.coverage import Coverage, Pace, read_paces
from store.readers.states import known

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
START = NOW - timedelta(minutes=60)
WINDOW = Window(START, NOW)
PLACE = ("111111111111", "eu-west-1")


def span(first, length):
    start = START + timedelta(minutes=first)
    return Window(start, start + timedelta(minutes=length))


def coverage(read, gaps=(), runs=(), now=NOW, paces=None, ran_at=NOW):
    where = {"account": PLACE[0], "region": PLACE[1]}
    rows = [
        {
            "collector": "metrics",
            **where,
            "scope": scope,
            "period_s": 60,
            "start": w.start,
            "end": w.end,
            "settled": settled,
        }
        for scope, w, settled in read
    ]
    holes = [
        {
            "collector": "metrics",
            **where,
            "scope": scope,
            "start": w.start,
            "end": w.end,
            "why": why,
            "permission": None,
        }
        for scope, w, why in gaps
    ]
    newest = [
        {"collector": "metrics", **where, "outcome": o, "error": e, "permission": None, "finished_at": ran_at}
        for o, e in runs
    ]
    return Coverage(WINDOW, now, _frame(rows), _frame(holes), pd.DataFrame(newest), paces)


def _frame(rows):
    columns = [
        "collector",
        "account",
        "region",
        "scope",
        "period_s",
        "start",
        "end",
        "settled",
        "why",
        "permission",
    ]
    frame = pd.DataFrame(rows, columns=columns)
    for name in ("start", "end"):
        frame[name] = pd.to_datetime(frame[name], utc=True)
    return frame


windows = st.builds(span, st.integers(-10, 65), st.integers(1, 40))
reads = st.lists(st.tuples(st.sampled_from(["", "orders", "other"]), windows, st.booleans()), max_size=6)


def minutes(found):
    found = list(found)
    return {i for i in range(60) if any(START + timedelta(minutes=i) in window for window in found)}


@given(reads, st.lists(st.tuples(st.sampled_from(["", "orders"]), windows, st.just("why")), max_size=3))
def test_what_was_read_is_the_scopes_own_and_the_targets_less_its_gaps(read, gaps):
    own = minutes(w for scope, w, _ in read if scope == "orders")
    whole = minutes(w for scope, w, _ in read if scope == "")
    holes = minutes(w for scope, w, _ in gaps if scope == "orders")

    found = coverage(read, gaps).covered("metrics", *PLACE, "orders")

    assert minutes(found) == own | (whole - holes)


@given(reads)
def test_what_may_change_is_what_was_read_and_never_settled(read):
    mine = [(w, settled) for scope, w, settled in read if scope in ("", "orders")]

    found = coverage(read).unsettled("metrics", *PLACE, "orders")

    assert minutes(found) == minutes(w for w, _ in mine) - minutes(w for w, settled in mine if settled)


@given(reads, st.sampled_from(["ok", "failed"]))
def test_nothing_missing_is_ever_called_complete_unless_it_is_young(read, outcome):
    made = coverage(read, runs=[(outcome, "broken" if outcome == "failed" else None)])
    unread = set(range(60)) - minutes(made.covered("metrics", *PLACE, ""))

    seen = made.seen("metrics", *PLACE, "")

    forgiven = unread - minutes(seen.missing)
    assert minutes(seen.missing) <= unread
    assert not forgiven or (outcome == "ok" and seen.provisional and min(forgiven) >= 60 - 18)
    assert unread == set(range(60)) or not (unread and outcome == "failed") or seen.why == "broken"


def test_the_newest_gap_in_the_hole_is_the_reason():
    gaps = [("", span(10, 5), "newest"), ("", span(0, 30), "older")]

    seen = coverage([("", span(0, 10), True), ("", span(15, 45), True)], gaps).seen("metrics", *PLACE, "")

    assert seen.state() == "not collected: 5 of 60 minutes: newest"


def test_a_gap_elsewhere_is_no_reason():
    gaps = [("", span(-20, 10), "long ago")]

    seen = coverage([("", span(0, 30), True)], gaps, [("failed", "broken")]).seen("metrics", *PLACE, "")

    assert seen.state() == "not collected: 30 of 60 minutes: broken"


def test_settled_numbers_have_no_state():
    assert coverage([("", WINDOW, True)]).seen("metrics", *PLACE, "").state() is None


def test_part_of_a_minute_is_missing_as_a_minute():
    almost = Window(START, NOW - timedelta(seconds=90))

    seen = coverage([("", almost, True)], runs=[("failed", "x")]).seen("metrics", *PLACE, "")

    assert seen.state() == "not collected: 2 of 60 minutes: x"


# --- single functions beside the account ---


@given(reads, st.lists(windows, max_size=3))
def test_what_was_read_of_the_account_is_the_targets_and_no_functions(read, of_account):
    rows = [*read, *((ACCOUNT, w, True) for w in of_account)]

    made = coverage(rows)

    assert minutes(made.covered("metrics", *PLACE, "")) == minutes(
        [w for s, w, _ in read if s == ""] + of_account
    )
    assert made.covered("metrics", *PLACE, "orders") == coverage(read).covered("metrics", *PLACE, "orders")


def test_a_function_that_was_never_read_is_not_collected_although_others_were():
    made = coverage([(ACCOUNT, WINDOW, True), ("other", WINDOW, True)], runs=[("ok", None)])

    assert made.seen("metrics", *PLACE, "orders").state(silent=True) == "not collected: not yet"
    assert made.seen("metrics", *PLACE, "other").state(silent=True) == "silent"


def test_functions_read_together_are_judged_once():
    made = coverage([(name, WINDOW, True) for name in ("a", "b", "c")])

    assert made.seen("metrics", *PLACE, "a") is made.seen("metrics", *PLACE, "b")


PACES = {(*PLACE, "orders"): Pace(timedelta(minutes=60))}


@pytest.mark.parametrize(
    ("read_until", "state"),
    [
        (60, None),
        (45, "not collected: 15 of 60 minutes: polled every 60 min to stay within the budget"),
        (0, "not collected: polled every 60 min to stay within the budget"),
    ],
)
def test_minutes_left_for_a_later_turn_say_how_often_they_are_read(read_until, state):
    read = [("orders", Window(START - timedelta(hours=2), START + timedelta(minutes=read_until)), True)]

    seen = coverage(read, runs=[("ok", None)], paces=PACES).seen("metrics", *PLACE, "orders")

    assert seen.state() == state
    assert known(0.0, seen) == (0.0 if state is None else None)


def test_a_service_that_stopped_is_not_called_a_slow_pace():
    made = coverage(
        [("orders", span(0, 30), True)], runs=[("ok", None)], paces=PACES, ran_at=NOW - timedelta(hours=5)
    )

    assert "polled every" not in made.seen("metrics", *PLACE, "orders").state()


def test_an_alias_is_read_at_its_functions_pace():
    made = coverage([("orders:prod", span(0, 30), True)], runs=[("ok", None)], paces=PACES)

    assert "polled every 60 min" in made.seen("metrics", *PLACE, "orders:prod").state()


def test_a_failure_is_the_reason_before_the_pace():
    made = coverage([("orders", span(0, 30), True)], [("", span(30, 30), "denied")], paces=PACES)

    assert made.seen("metrics", *PLACE, "orders").state() == "not collected: 30 of 60 minutes: denied"


def test_paces_are_those_of_functions_that_are_read_seldom(world):
    cadences = [
        Cadence(name="quiet", every_s=3600, why="no invocations for 24 h"),
        Cadence(name="busy", every_s=300, why="active"),
        Cadence(name="firing", every_s=60, why="an incident is open"),
    ]
    world.run("cadence", cadences)

    with world.store.snapshot(world.window()) as snapshot:
        found = read_paces(snapshot)

    assert found == {(world.target.account, world.target.region, "quiet"): Pace(timedelta(hours=1))}
