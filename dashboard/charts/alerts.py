"""What rules saw of one thing: values against limits or bands, with the time in which it fired."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo

import pandas as pd

from alerts.retold import Retold
from core.windows import MINUTE, Window
from dashboard.charts import theme
from dashboard.charts.board import Board, Deploy, Limit, Panel, Row, Series, board

SCALES = {"share": (100.0, ", %", " %"), "ms": (1.0, ", ms", " ms"), "s": (1.0, ", s", " s")}
"""Per unit of a signal: what a value is multiplied by, the title's ending, the pointer's ending."""

NORMAL = 0.16
"""How dense the band of what is normal is."""


def alert_board(
    seen: Sequence[Retold],
    *,
    fired: Window | None,
    window: Window,
    zone: tzinfo,
    deploys: Sequence[Deploy] = (),
) -> Board:
    """A panel for each of `seen`: one rule, or the parts of one that is made of others. `fired` is when the
    alert did; a part fires where its own condition holds. Shares are drawn in percent, NaN as a gap."""
    drawn = [_drawn(at, one, fired if len(seen) == 1 else None, len(seen) > 1) for at, one in enumerate(seen)]
    frame = drawn[0].frame
    for each in drawn[1:]:
        frame = frame.merge(each.frame, on="ts", how="outer")
    rows = [row for each in drawn for row in each.rows]
    panels = [each.panel for each in drawn]
    frame = frame.sort_values("ts", ignore_index=True)
    return board(frame, panels, rows, window=window, zone=zone, deploys=deploys, columns=1)


@dataclass(frozen=True)
class _Drawn:
    frame: pd.DataFrame
    panel: Panel
    rows: list[Row]


def _drawn(at: int, one: Retold, fired: Window | None, is_part: bool) -> _Drawn:
    spec, rule = one.rule.spec, one.rule
    times, ending, suffix = SCALES.get(spec.unit, (1.0, "", ""))
    columns = {name: f"{name}{at}" for name in ("value", "limit", "low", "width")}
    frame = _numbers(one.minutes, times).rename(columns=columns)
    measured = Series(
        column=columns["value"],
        name=spec.title,
        colour=theme.INFO,
        kind="line" if rule.is_seasonal else "area",
    )
    row = Row(columns["value"], f"{rule.rule}: {spec.title}" if is_part else spec.title, theme.INFO, suffix)
    series, rows, limits = [measured], [row], list[Limit]()
    if rule.is_seasonal:
        series = [measured, *_band(columns), _edge(columns["limit"])]
        rows.append(
            Row(columns["limit"], "Fires above" if rule.upward else "Fires below", theme.LIMIT, suffix)
        )
    elif rule.slo is not None:
        series.append(_edge(columns["limit"]))
        rows.append(Row(columns["limit"], "Fires above", theme.LIMIT, suffix))
    else:
        limits = [Limit(round(rule.threshold * times, 4), rule.condition())]
    title = (
        f"{rule.rule} of {one.subject.short}: {spec.title}{ending}" if is_part else f"{spec.title}{ending}"
    )
    firing = [fired] if fired else stretches(one.minutes)
    return _Drawn(frame, Panel(title=title, series=series, limits=limits, firing=firing), rows)


def _numbers(minutes: pd.DataFrame, times: float) -> pd.DataFrame:
    """`ts`, and value, limit, low and width of the band, as they are drawn."""
    low, high = (minutes.get(name, pd.Series(float("nan"), minutes.index)) for name in ("low", "high"))
    columns = {"value": minutes["value"], "limit": minutes["limit"], "low": low, "width": high - low}
    return pd.DataFrame({"ts": minutes["ts"]} | {name: (c * times).round(2) for name, c in columns.items()})


def _band(columns: dict[str, str]) -> list[Series]:
    """What is normal: the room between its edges, filled."""
    below = {"kind": "area", "stack": "normal", "width_px": 0, "colour": theme.UNKNOWN}
    return [
        Series(column=columns["low"], name="below normal", fill=0, **below),  # type: ignore[arg-type]
        Series(column=columns["width"], name="normal", fill=NORMAL, **below),  # type: ignore[arg-type]
    ]


def _edge(column: str) -> Series:
    return Series(column=column, name="limit", colour=theme.LIMIT, width_px=1)


def stretches(minutes: pd.DataFrame) -> list[Window]:
    """The stretches of minutes (`ts` is a minute's end) in which it `fires`."""
    found = list[Window]()
    for end in minutes["ts"][minutes["fires"]]:
        ts = end.to_pydatetime()
        if found and found[-1].end == ts - MINUTE:
            found[-1] = Window(found[-1].start, ts)
        else:
            found.append(Window(ts - MINUTE, ts))
    return found
