"""What the Overview and a function's page say, from hand-made frames."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from core.windows import Window
from dashboard import figures, figures_function, figures_overview
from dashboard.firing import gist, sentence

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
WINDOW = Window(NOW - timedelta(hours=3), NOW)
DENIED = "not collected: the role lacks logs:FilterLogEvents"
NOT_YET = {"invocations": "not collected: not yet"}


def row(function="orders", **values):
    known = {
        "account": "1", "region": "eu", "function": function, "tags": {"team": "shop"},
        "runtime": "python3.13", "architecture": "arm64", "memory_mb": 512.0, "timeout_s": 15.0,
        "reserved": np.nan,
        "invocations": 1800.0, "errors": 18.0, "error_rate": 0.01, "throttles": 0.0, "max_concurrency": 3.0,
        "duration_p95_ms": 300.0, "cold_start_rate": 0.02, "init_p95_ms": 400.0, "cost_usd": Decimal("0.25"),
        "last_invocation": NOW, "states": {},
    }  # fmt: skip
    return known | values


def fleet(*rows):
    return pd.DataFrame(list(rows))


def series(**columns):
    names = (
        "invocations",
        "errors",
        "error_rate",
        "throttles",
        "duration_p95_ms",
        "concurrent_max",
        "cost_usd",
    )
    return pd.DataFrame(dict.fromkeys((*names, "cold_start_rate"), [1.0] * 180) | columns)


def limits(*rows):
    columns = ["account", "region", "claimed_max", "limit", "utilization", "state"]
    return pd.DataFrame(list(rows), columns=columns)


def overview_cards(here, there, pools=None):
    now = figures_overview.Now(
        window=WINDOW,
        fleet=here,
        series=series(),
        records={"duration_p95_ms": 300.0},
        limits=limits() if pools is None else pools,
        names={"1": "shop"},
    )
    before = figures_overview.Before(fleet=there, records={"duration_p95_ms": 200.0})
    return {card.label: card for card in figures_overview.cards(now, before)}


def incident(**values):
    known = {
        "id": "i", "account": "1", "region": "eu", "subject_kind": "function", "subject": "orders",
        "severity": "warning", "title": "orders: throttles 46", "text": "Throttles 46: above 5. Raise it.",
        "opened_at": pd.Timestamp(NOW - timedelta(minutes=5)), "resolved_at": pd.NaT, "acked_at": pd.NaT,
        "acked_by": None,
    }  # fmt: skip
    return known | values


def table(rows, incidents=()):
    sparklines = pd.DataFrame(columns=["account", "region", "function", "invocations", "errors"])
    frame = pd.DataFrame(list(incidents), columns=list(incident()))
    return figures_overview.table(fleet(*rows), sparklines, frame, {"1": "shop"}, window=WINDOW)


@pytest.mark.parametrize(
    ("state", "why"),
    [
        ("not collected: 40 of 180 minutes: throttled", "throttled"),
        ("not collected: not yet", "not yet"),
        ("provisional", None),
        ("silent", None),
        (None, None),
    ],
)
def test_a_state_says_why_a_value_is_missing(state, why):
    assert figures.reason(state) == why


def test_a_total_is_unknown_when_nothing_is_known():
    unknown = row(invocations=np.nan, states=NOT_YET)

    assert figures.total(fleet(unknown), "invocations").value is None


def test_a_total_adds_what_is_known_and_says_what_is_not():
    total = figures.total(fleet(row(), row("idle", cost_usd=None, states={"cost_usd": DENIED})), "cost_usd")

    assert total.value == 0.25
    assert total.missing == {("1", "eu", "idle")}
    assert total.why == "the role lacks logs:FilterLogEvents"


def test_what_is_not_seen_names_reasons_and_refused_collectors():
    refused = {
        "collector": "traces",
        "account": "1",
        "region": "eu",
        "outcome": "denied",
        "error": "lacks xray",
    }
    dark = row(states={"duration_p95_ms": DENIED, "cost_usd": DENIED})

    said = figures.not_seen(fleet(dark, row("b")), pd.DataFrame([refused]), {"1": "shop"})

    assert said == ["1 function: the role lacks logs:FilterLogEvents", "traces in shop eu: lacks xray"]


def test_nothing_is_unseen_when_everything_was_collected():
    ok = {"collector": "logs", "account": "1", "region": "eu", "outcome": "ok", "error": None}

    said = figures.not_seen(fleet(row(states={"invocations": "provisional"})), pd.DataFrame([ok]), {})

    assert said == []


def test_a_sparkline_keeps_unknown_steps_unknown():
    points = figures.spark(pd.Series([np.nan] * 10 + [1.0] * 110), "sum")

    assert len(points) == 40
    assert np.isnan(points[0])
    assert points[-1] == 3


def test_numbers_are_per_minute_and_compared_with_yesterday():
    cards = overview_cards(fleet(row()), fleet(row(invocations=900.0, errors=0.0)))

    assert cards["Invocations / min"].value == "10"
    assert cards["Invocations / min"].delta == "+100 %"
    assert cards["Error rate"].colour == "red"
    assert cards["Cost / day"].value == "$2.00"


def test_a_window_with_another_hole_is_not_compared():
    dark = row(invocations=900.0, states={"invocations": "not collected: 90 of 180 minutes: outage"})

    cards = overview_cards(fleet(row()), fleet(dark))

    assert cards["Invocations / min"].delta is None


def test_a_card_says_that_it_is_partial_and_why():
    dark = row(invocations=900.0, states={"invocations": "not collected: 90 of 180 minutes: outage"})

    card = overview_cards(fleet(dark), fleet(row()))["Invocations / min"]

    assert card.partial
    assert "outage" in card.help


def test_concurrency_is_that_of_the_account_nearest_its_limit():
    pools = limits(("1", "eu", 200.0, 1000.0, 0.2, None), ("1", "us", 93.0, 100.0, 0.93, "provisional"))

    card = overview_cards(fleet(row()), fleet(row()), pools)["Concurrency"]

    assert (card.value, card.delta, card.colour) == ("93", "93% of 100", "red")
    assert "shop us" in card.help


def test_concurrency_that_nobody_read_is_a_dash():
    assert overview_cards(fleet(row()), fleet(row()))["Concurrency"].value == "—"


def test_functions_are_listed_worst_first_and_unknown_before_healthy():
    rows = [
        row("healthy"),
        row("silent", invocations=0.0, errors=0.0),
        row("dark", invocations=np.nan, states=NOT_YET),
        row("warned"),
        row("critical"),
    ]
    incidents = [
        incident(subject="warned"),
        incident(subject="critical", severity="info"),
        incident(subject="critical", severity="critical"),
    ]

    listed = table(rows, incidents)

    assert list(listed["function"]) == ["critical", "warned", "dark", "healthy", "silent"]
    assert [state[0] for state in listed["state"]] == [
        "critical",
        "warning",
        "not collected",
        "healthy",
        "silent",
    ]


def test_an_incident_of_a_queue_marks_no_function():
    listed = table([row("orders")], [incident(subject_kind="queue", subject="orders")])

    assert listed["state"][0] == ["healthy"]


def test_a_row_says_what_its_numbers_lack():
    assert figures_overview.data_state({"cold_starts": DENIED}) == DENIED
    assert figures_overview.data_state({"errors": "provisional"}) == "provisional"
    assert figures_overview.data_state({"duration_p95_ms": "silent"}) == "settled"


def test_every_word_of_a_search_must_match_function_team_or_place():
    listed = table([row("orders-api"), row("orders-worker", tags={})])

    assert list(figures_overview.matching(listed, "shop orders api", [])["function"]) == ["orders-api"]
    assert figures_overview.matching(listed, "", ["critical"]).empty


def test_an_incident_line_says_once_what_is_wrong():
    said = gist("Throttles 46: above 5 over 5 min; before 0. Raise it.", "orders: throttles 46")

    assert said == "above 5 over 5 min"
    assert gist("Nothing has run for 9 h.", "reports: silent") == "Nothing has run for 9 h"


def test_an_incident_line_shows_hostile_names_as_text():
    line = sentence(incident(title="![x](http://evil) <b>"), now=NOW)

    assert "\\!\\[x\\]\\(http\\://evil\\) \\<b\\>" in line


def test_a_function_that_was_never_invoked_is_silent():
    state, words = figures_function.state(row(invocations=0.0, last_invocation=pd.NaT), now=NOW)

    assert state == "silent"
    assert "no invocation in what is stored" in words


def test_a_function_that_was_not_read_is_not_called_healthy():
    dark = row(invocations=np.nan, states=NOT_YET)

    assert figures_function.state(dark, now=NOW)[0] == "not collected"


@pytest.mark.parametrize("unknown", [None, np.nan])
def test_what_aws_does_not_say_is_left_out_of_the_configuration(unknown):
    image = row(memory_mb=np.nan, runtime=unknown)

    line = figures_function.configuration(image, "shop eu", None, zone=UTC, now=NOW)

    assert line == "arm64 · timeout 15 s · shop eu · team shop"


def test_an_unknown_number_of_a_function_is_a_dash_with_its_reason():
    dark = row(duration_p95_ms=np.nan, states={"duration_p95_ms": DENIED})

    card = figures_function.cards(dark, None, series(), WINDOW)[2]

    assert card.value == "—"
    assert "FilterLogEvents" in card.help


def test_a_number_that_may_change_is_marked():
    card = figures_function.cards(row(states={"error_rate": "provisional"}), None, series(), WINDOW)[0]

    assert card.provisional


def test_a_resolved_incident_is_two_events():
    ended = incident(resolved_at=pd.Timestamp(NOW))
    changes = pd.DataFrame({"ts": [], "kind": [], "what": []})

    events = figures_function.events(changes, pd.DataFrame([ended]))

    assert [event.what for event in events] == ["Alert resolved", "Alert fired"]
    assert events[0].detail == "after 5 min"


def test_a_rule_that_still_fires_bands_the_window_to_its_end():
    spans = figures_function.firing_windows(pd.DataFrame([incident()]), WINDOW)

    assert spans == [Window(NOW - timedelta(minutes=5), NOW)]
