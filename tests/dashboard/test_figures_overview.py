"""The Overview's six numbers, and how they moved, from hand-made frames."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from dashboard import figures_fleet, figures_overview
from tests.dashboard.fleet_rows import DENIED, NOT_YET, WINDOW, fleet, row, series

OUTAGE = {"invocations": "not collected: 90 of 180 minutes: outage"}
NAMES = {"1": "shop"}


def digest(*rows):
    return figures_fleet.digest(fleet(*rows), NAMES)


def limits(*rows):
    columns = ["account", "region", "claimed_max", "limit", "utilization", "state"]
    return pd.DataFrame(list(rows), columns=columns)


def cards(here, there, *, pools=None, p95_before=200.0):
    now = figures_overview.Now(
        window=WINDOW,
        sums=here.sums,
        series=series(),
        records={"duration_p95_ms": 300.0},
        limits=limits() if pools is None else pools,
        names=NAMES,
    )
    before = figures_overview.Before(moves=figures_fleet.moves(here.rows, there.rows), p95_ms=p95_before)
    return {card.label: card for card in figures_overview.cards(now, before)}


def test_a_sum_is_unknown_when_nothing_is_known():
    unknown = digest(row(invocations=np.nan, states=NOT_YET))

    assert unknown.sums["invocations"].value is None


def test_a_sum_adds_what_is_known_and_says_what_is_not():
    told = digest(row(), row("idle", cost_usd=None, states={"cost_usd": DENIED})).sums["cost_usd"]

    assert (told.value, told.missing, told.among) == (0.25, 1, 2)
    assert told.why == "the role lacks logs:FilterLogEvents"


def test_numbers_are_per_minute_and_compared_with_yesterday():
    told = cards(digest(row()), digest(row(invocations=900.0, errors=0.0)))

    assert (told["Invocations / min"].value, told["Invocations / min"].delta) == ("10", "+100 %")
    assert (told["Error rate"].delta, told["Error rate"].colour) == ("+1.00 pp", "red")
    assert told["Cost / day"].value == "$2.00"
    assert "the same hours yesterday" in told["Throttles"].help


def test_a_function_that_one_window_did_not_see_is_left_out_of_the_movement_only():
    dark = row("dark", invocations=90.0, states=OUTAGE)
    here = digest(row(), row("also"), row("dark", invocations=900.0))

    card = cards(here, digest(row(invocations=900.0), row("also"), dark))["Invocations / min"]

    assert card.value == "25"
    assert card.delta == "+33 %"
    assert "leaves out 1 functions" in card.help


def test_nothing_is_compared_when_most_functions_would_be_left_out():
    card = cards(digest(row()), digest(row(states=OUTAGE)))["Invocations / min"]

    assert card.delta is None


def test_a_function_that_is_new_today_is_a_rise():
    card = cards(digest(row(), row("new")), digest(row()))["Invocations / min"]

    assert card.delta == "+100 %"


def test_a_percentile_is_compared_only_when_both_windows_have_the_same_holes():
    dark = row(states={"duration_p95_ms": DENIED})

    assert figures_fleet.same_holes(digest(dark).rows, digest(dark).rows, "duration_p95_ms")
    assert not figures_fleet.same_holes(digest(dark).rows, digest(row()).rows, "duration_p95_ms")
    assert cards(digest(row()), digest(row()), p95_before=None)["p95 duration"].delta is None


def test_a_card_says_that_it_is_partial_and_why():
    card = cards(digest(row(states=OUTAGE)), digest(row()))["Invocations / min"]

    assert card.partial
    assert "1 of 1 functions not fully collected: outage" in card.help


def test_concurrency_is_that_of_the_account_nearest_its_limit():
    pools = limits(("1", "eu", 200.0, 1000.0, 0.2, None), ("1", "us", 93.0, 100.0, 0.93, "provisional"))

    card = cards(digest(row()), digest(row()), pools=pools)["Concurrency"]

    assert (card.value, card.delta, card.colour) == ("93", "93% of 100", "red")
    assert "shop us" in card.help


def test_concurrency_that_nobody_read_is_a_dash():
    assert cards(digest(row()), digest(row()))["Concurrency"].value == "—"


def test_what_is_not_seen_names_reasons_and_refused_collectors():
    refused = {"collector": "traces", "account": "1", "region": "eu", "outcome": "denied", "error": "no xray"}
    dark = digest(row(states={"duration_p95_ms": DENIED, "cost_usd": DENIED}), row("b"))

    said = figures_fleet.not_seen(dark.holes, pd.DataFrame([refused]), NAMES)

    assert said == ["1 function: the role lacks logs:FilterLogEvents", "traces in shop eu: no xray"]
    assert (dark.holes.functions, dark.holes.among) == (1, 2)


def test_nothing_is_unseen_when_everything_was_collected():
    ok = {"collector": "logs", "account": "1", "region": "eu", "outcome": "ok", "error": None}
    seen = digest(row(states={"invocations": "provisional"}))

    assert figures_fleet.not_seen(seen.holes, pd.DataFrame([ok]), {}) == []


@pytest.mark.parametrize(
    ("tags", "team", "env"),
    [
        ({"team": "a", "env": "prod"}, "a", "prod"),
        ({"Owner": "b", "Stage": "dev"}, "b", "dev"),
        ({"squad": "c", "team": "", "ENVIRONMENT": "x"}, "c", "x"),
        ({}, None, None),
    ],
)
def test_team_and_environment_are_read_from_the_tags_that_people_use(tags, team, env):
    told = digest(row(tags=tags)).rows.iloc[0]

    assert [value if isinstance(value, str) else None for value in (told["team"], told["env"])] == [team, env]


def test_money_is_added_up_exactly():
    rows = [row(f"f{at}", cost_usd=Decimal("0.1")) for at in range(3)]

    assert digest(*rows).sums["cost_usd"].value == 0.3


@pytest.mark.parametrize(
    ("states", "data"),
    [
        ({"cold_starts": DENIED}, DENIED),
        ({"errors": "provisional"}, "provisional"),
        ({"duration_p95_ms": "silent"}, "settled"),
    ],
)
def test_a_row_says_what_its_numbers_lack(states, data):
    assert figures_fleet.data_state(states) == data
