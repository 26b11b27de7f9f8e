"""Estimate and bill beside each other, day by day."""

from __future__ import annotations

import altair as alt
import pandas as pd

from dashboard.charts.cost import BAR, legend, usd_axis
from dashboard.charts.theme import BEFORE, INFO, PADDING

BILL, ESTIMATE = "Bill", "Estimate at list price"


def days(rows: pd.DataFrame, *, narrow: bool = False) -> alt.Chart:
    """Two bars a UTC day, from `day` (aware, its begin), `bill_usd` and `estimate_usd`."""
    half = pd.Timedelta(days=BAR / 2)
    first = rows.assign(what=BILL, usd=rows["bill_usd"], ts=rows["day"], end=rows["day"] + half)
    second = rows.assign(
        what=ESTIMATE, usd=rows["estimate_usd"], ts=rows["day"] + half, end=rows["day"] + 2 * half
    )
    both = pd.concat([first, second])
    chart: alt.Chart = (
        alt.Chart(both)
        .mark_bar()
        .encode(
            alt.X(
                "ts:T",
                title=None,
                scale=alt.Scale(type="utc"),
                axis=alt.Axis(format="%-d %b", grid=False, labelOverlap=True),
            ),
            alt.X2("end:T"),
            alt.Y("usd:Q", title=None, axis=alt.Axis(format=usd_axis(both["usd"].abs().max()), tickCount=4)),
            alt.Y2Datum(0),
            alt.Color(
                "what:N",
                title=None,
                scale=alt.Scale(domain=[BILL, ESTIMATE], range=[INFO, BEFORE]),
                legend=legend(narrow),
            ),
            [
                alt.Tooltip("what:N", title="what"),
                alt.Tooltip("day:T", title="day (UTC)", format="%a %-d %b"),
                alt.Tooltip("usd:Q", title="USD", format="$,.4f"),
            ],
        )
        .properties(height=240, padding=PADDING)
    )
    return chart
