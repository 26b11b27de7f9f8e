"""One trace from top to bottom: a bar per part, from when it began to when it ended."""

from __future__ import annotations

from typing import Any

import pandas as pd

from dashboard.charts import theme

ROW_PX, AXIS_PX = 24, 44
MOST_ROWS, MOST_LINES = 60, 8
"""Parts, and log lines below them, that are drawn; the table and the Logs page have all."""

COLD = frozenset({"Initialization", "Init", "Restore"})
"""Parts of a function's segment in which its environment was made ready."""

COLOURS = {
    "ok": theme.INFO,
    "cold start": theme.COLD_START,
    "error": theme.WARNING,
    "fault": theme.CRITICAL,
    "throttle": theme.THROTTLES,
    "running": theme.UNKNOWN,
}
"""What a bar is, by the worst that is known of it."""


def bars(spans: pd.DataFrame, *, most: int = MOST_ROWS) -> pd.DataFrame:
    """Rows of a `TraceView`'s spans as bars: row, part (indented), gap, label, and a column per kind of
    `COLOURS` that holds the duration of the rows of this kind (NaN in others). A part that still runs, or has
    no time of its own, has only its label."""
    shown = spans.head(most).reset_index(drop=True)
    kinds = [_kind(row) for row in shown.to_dict("records")]
    durations = pd.to_numeric(shown["duration_ms"], errors="coerce")
    frame = pd.DataFrame(
        {
            "row": range(len(shown)),
            "part": [
                "\N{EM SPACE}" * int(depth) + _short(str(name), 44)
                for depth, name in zip(shown["depth"], shown["name"], strict=True)
            ],
            "gap": pd.to_numeric(shown["offset_ms"], errors="coerce").fillna(0.0).round(1),
            "label": [_label(row, kind) for row, kind in zip(shown.to_dict("records"), kinds, strict=True)],
        }
    )
    for kind in COLOURS:
        mine = pd.Series([each == kind for each in kinds], index=shown.index)
        frame[kind] = durations.round(1).fillna(0.0).where(mine)
    return frame


def with_lines(frame: pd.DataFrame, lines: pd.DataFrame, *, half_ms: float, most: int = 64) -> pd.DataFrame:
    """`bars` and below them a row per log line (offset_ms, part, label), with its moment in column `early`,
    or `late` beyond `half_ms`: text of `most` characters stands where there is room."""
    shown = lines.head(MOST_LINES)
    at = shown["offset_ms"].astype(float).round(1).reset_index(drop=True)
    rows = pd.DataFrame(
        {
            "row": range(len(frame), len(frame) + len(shown)),
            "part": [_short(str(part), 44) for part in shown["part"]],
            "gap": 0.0,
            "label": [_short(str(label), most) for label in shown["label"]],
            "early": at.where(at <= half_ms),
            "late": at.where(at > half_ms),
        }
    )
    unset = float("nan")
    return pd.concat([frame.assign(early=unset, late=unset), rows], ignore_index=True) if len(rows) else frame


def waterfall(
    spans: pd.DataFrame, lines: pd.DataFrame | None = None, *, narrow: bool = False
) -> tuple[dict[str, Any], int]:
    """The chart's option and height, `lines` of the log below the parts. Names come from others: they are
    text only."""
    frame = bars(spans)
    ends = [(frame["gap"] + frame[list(COLOURS)].sum(axis=1)).max() or 1]
    if lines is not None and len(lines):
        ends.append(float(lines["offset_ms"].max()))
        frame = with_lines(frame, lines, half_ms=max(ends) / 2, most=16 if narrow else 64)
    option: dict[str, Any] = {
        "animation": False,
        "dataset": {"source": frame},
        "grid": {
            "left": 150 if narrow else 250,
            "right": 12,
            "top": 26,
            "bottom": 4,
            "outerBoundsMode": "none",
        },
        "tooltip": {"trigger": "item", "confine": True, "formatter": "{@label}"},
        "xAxis": {
            "type": "value",
            "position": "top",
            "min": 0,
            "max": round(float(max(ends)) * (1.6 if narrow else 1.3), 1),
            "axisLabel": {
                "formatter": "{value} ms",
                "fontSize": 10.5,
                "hideOverlap": True,
                "showMaxLabel": False,
            },
        },
        "yAxis": {
            "type": "category",
            "inverse": True,
            "data": list(frame["part"]),
            "axisTick": {"show": False},
            "axisLine": {"show": False},
            "axisLabel": {
                "fontSize": 12,
                "interval": 0,
                "align": "left",
                "margin": 142 if narrow else 240,
                "width": 136 if narrow else 234,
                "overflow": "truncate",
            },
        },
        "series": [
            _gap(),
            *(_bar(kind, colour) for kind, colour in COLOURS.items()),
            *([_line("early", "right"), _line("late", "left")] if "early" in frame else []),
        ],
    }
    return option, AXIS_PX + ROW_PX * len(frame)


def _gap() -> dict[str, Any]:
    return {
        "type": "bar",
        "stack": "time",
        "silent": True,
        "itemStyle": {"color": "transparent"},
        "emphasis": {"disabled": True},
        "encode": {"x": "gap", "y": "row"},
        "tooltip": {"show": False},
    }


def _bar(kind: str, colour: str) -> dict[str, Any]:
    return {
        "name": kind,
        "type": "bar",
        "stack": "time",
        "barWidth": 13,
        "barMinHeight": 2,
        "itemStyle": {"color": colour, "borderRadius": 2},
        "emphasis": {"disabled": True},
        "encode": {"x": kind, "y": "row"},
        "label": {"show": True, "position": "right", "formatter": "{@label}", "fontSize": 11.5},
    }


def _line(column: str, side: str) -> dict[str, Any]:
    return {
        "name": "log line",
        "type": "scatter",
        "symbol": "diamond",
        "symbolSize": 11,
        "itemStyle": {"color": theme.ERRORS},
        "emphasis": {"disabled": True},
        "encode": {"x": column, "y": "row"},
        "label": {"show": True, "position": side, "formatter": "{@label}", "fontSize": 11.5},
    }


def _kind(row: dict[Any, Any]) -> str:
    status = str(row["status"])
    return "cold start" if status == "ok" and row["name"] in COLD and not row["kind"] else status


def _label(row: dict[Any, Any], kind: str) -> str:
    known = row["duration_ms"] == row["duration_ms"] and row["duration_ms"] is not None
    took = _took(float(row["duration_ms"])) if known else "no end told"
    said = "" if kind == "ok" else f" · {kind}"
    cause = row["cause"] if isinstance(row["cause"], str) and row["cause"] else ""
    return took + said + (f": {_short(cause, 70)}" if cause else "")


def _took(ms: float) -> str:
    return f"{ms:,.1f} ms" if ms < 10 else f"{ms:,.0f} ms" if ms < 10_000 else f"{ms / 1000:,.1f} s"


def _short(text: str, most: int) -> str:
    text = " ".join(text.split())
    return text if len(text) <= most else text[: most - 2] + " …"
