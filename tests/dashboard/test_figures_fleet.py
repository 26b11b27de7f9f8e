"""What a function's page says, from hand-made frames."""

from datetime import UTC, timedelta

import numpy as np
import pandas as pd
import pytest

from core.windows import Window
from dashboard import figures, figures_function
from tests.dashboard.fleet_rows import DENIED, NOT_YET, NOW, WINDOW, incident, row, series


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


def test_a_sparkline_keeps_unknown_steps_unknown():
    points = figures.spark(pd.Series([np.nan] * 10 + [1.0] * 110), "sum")

    assert len(points) == 40
    assert np.isnan(points[0])
    assert points[-1] == 3


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
