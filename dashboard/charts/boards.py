"""The boards of the Overview and of a function: which signals share a time axis, and what they mean."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo

import pandas as pd

from core.windows import Window
from dashboard.charts import theme
from dashboard.charts.board import Board, Deploy, Limit, Panel, Row, Series, board
from store.readers.words import version_word

DURATIONS = (
    Series(column="p99_ms", name="p99", colour=theme.P99, label="p99", width_px=1),
    Series(column="p95_ms", name="p95", colour=theme.P95, label="p95", width_px=1.8),
    Series(column="p50_ms", name="p50", colour=theme.P50, label="p50", width_px=1),
)
FLEET_DURATIONS = DURATIONS[1:]
"""A fleet's p99 of one minute is one invocation of its slowest function: the pointer reads it, no line."""

SPREAD = 50
"""How far p95 lies above p50 where a linear axis would flatten p50."""

TRAFFIC = (
    Series(
        column="succeeded",
        name="succeeded",
        colour=theme.INVOCATIONS,
        kind="bar",
        stack="traffic",
        opacity=0.6,
    ),
    Series(column="failed", name="failed", colour=theme.ERRORS, kind="bar", stack="traffic"),
)
ERROR_RATE = Series(column="error_pct", name="error rate", colour=theme.ERRORS, kind="area")
CONCURRENCY = Series(column="concurrent", name="concurrency", colour=theme.LEVEL, kind="area")
THROTTLES = Series(column="throttles", name="throttles", colour=theme.THROTTLES, kind="bar")
ROWS = (
    Row("succeeded", "succeeded", theme.INVOCATIONS),
    Row("failed", "failed", theme.ERRORS),
    Row("error_pct", "error rate", theme.ERRORS, " %"),
    Row("p99_ms", "p99", theme.P99, " ms"),
    Row("p95_ms", "p95", theme.P95, " ms"),
    Row("p50_ms", "p50", theme.P50, " ms"),
    Row("concurrent", "concurrency", theme.LEVEL),
    Row("throttles", "throttles", theme.THROTTLES),
)


def overview_board(
    series: pd.DataFrame,
    deploys: Sequence[Deploy],
    *,
    window: Window,
    zone: tzinfo,
    limit: float | None = None,
    columns: int = 2,
) -> Board:
    """Four panels from `fleet_series`; `limit` is the account's concurrency limit if one account is shown."""
    ceiling = _near(series["concurrent_max"], limit, "limit")
    spread = bool(series["duration_p95_ms"].max() > SPREAD * series["duration_p50_ms"].median())
    panels = (
        Panel(title="Invocations and errors, per minute", series=TRAFFIC),
        Panel(title="Error rate, %", series=[ERROR_RATE]),
        Panel(title=f"Duration, ms{' (log)' if spread else ''}", series=FLEET_DURATIONS, log=spread),
        Panel(title="Concurrent executions and throttles", series=[CONCURRENCY, THROTTLES], limits=ceiling),
    )
    frame = rounded(series, window)
    return board(frame, panels, ROWS, window=window, zone=zone, deploys=deploys, columns=columns)


def function_board(
    series: pd.DataFrame,
    deploys: Sequence[Deploy],
    *,
    window: Window,
    zone: tzinfo,
    timeout_s: float | None,
    memory_mb: float | None,
    reserved: float | None,
    unreserved: float | None = None,
    provisioned: float | None = None,
    firing: Sequence[Window] = (),
    columns: int = 2,
) -> Board:
    """Six panels from `function_series`, with the ceilings of its configuration: in the titles, and as lines
    where they are near. `unreserved` is the pool that it shares when it reserves nothing."""
    frame = rounded(series, window).assign(
        cold_pct=(series["cold_start_rate"] * 100).round(2), memory_mb=series["max_memory_mb"].round()
    )
    timeout_ms = timeout_s and timeout_s * 1000
    timeout = _near(series["duration_p99_ms"], timeout_ms, "timeout", " ms", share=0.4)
    memory = _near(series["max_memory_mb"], memory_mb, "configured", " MB", share=0)
    pool, pools = _pool(series["concurrent_max"], reserved, unreserved, provisioned)
    panels = (
        Panel(title="Invocations and errors, per minute", series=TRAFFIC, firing=firing),
        Panel(title="Error rate, %", series=[ERROR_RATE], firing=firing),
        Panel(
            title="Duration, ms" + _said("timeout", timeout_ms),
            series=DURATIONS,
            limits=timeout,
            firing=firing,
        ),
        Panel(
            title=f"Concurrency and throttles{pool}",
            series=[CONCURRENCY, THROTTLES],
            limits=pools,
            firing=firing,
        ),
        Panel(title="Cold starts, % of invocations", series=[_COLD], firing=firing),
        Panel(
            title="Max memory used, MB" + _said("of", memory_mb),
            series=[_MEMORY],
            limits=memory,
            firing=firing,
        ),
    )
    rows = (
        *ROWS,
        Row("cold_pct", "cold starts", theme.COLD, " %"),
        Row("memory_mb", "memory", theme.LEVEL, " MB"),
    )
    return board(frame, panels, rows, window=window, zone=zone, deploys=deploys, columns=columns)


_COLD = Series(column="cold_pct", name="cold starts", colour=theme.COLD, kind="bar")
_MEMORY = Series(column="memory_mb", name="memory", colour=theme.LEVEL, kind="area")


def rounded(series: pd.DataFrame, window: Window) -> pd.DataFrame:
    """The columns that boards draw, rounded for people: counts per minute, rates in percent, times in ms."""
    minutes = max(1.0, (window.duration / max(1, len(series))).total_seconds() / 60)
    failed, invoked = series["errors"] / minutes, series["invocations"] / minutes
    return pd.DataFrame(
        {
            "ts": series["ts"],
            "succeeded": (invoked - failed).clip(lower=0).round(1),
            "failed": failed.round(1),
            "error_pct": (series["error_rate"] * 100).round(2),
            "p50_ms": series["duration_p50_ms"].round(),
            "p95_ms": series["duration_p95_ms"].round(),
            "p99_ms": series["duration_p99_ms"].round(),
            "concurrent": series["concurrent_max"].round(1),
            "throttles": (series["throttles"] / minutes).round(1),
        }
    )


def deploy_marks(changes: pd.DataFrame) -> list[Deploy]:
    """Deploys of the `changes` reader, as marks on a board."""
    rows = changes[changes["kind"] == "deploy"] if not changes.empty else changes
    return [
        Deploy(row["ts"].to_pydatetime(), version_word(row["version"])) for row in rows.to_dict("records")
    ]


def change_marks(changes: pd.DataFrame) -> list[Deploy]:
    """Deploys and all other changes of the `changes` reader, as marks; a label says of what kind."""
    rows = changes[changes["kind"].isin(MARKS)] if not changes.empty else changes
    others = [
        Deploy(row["ts"].to_pydatetime(), MARKS[row["kind"]], is_deploy=False)
        for row in rows.to_dict("records")
    ]
    return [*deploy_marks(changes), *dict.fromkeys(others)]


MARKS = {
    "alias": "alias",
    "runtime": "runtime",
    "configuration": "config",
    "concurrency": "pool",
    "mapping": "trigger",
}
"""What a mark of a change is called; that the function appeared or went is none."""


def _pool(
    used: pd.Series[float], reserved: float | None, unreserved: float | None, provisioned: float | None
) -> tuple[str, list[Limit]]:
    """What a function's concurrency is held against: in words, and as lines where they are near."""
    is_own = reserved is not None and reserved == reserved
    word, size = ("reserved", reserved) if is_own else ("shared pool", unreserved)
    ready = _near(used, provisioned, "provisioned", share=0.2)
    lines = [*_near(used, size, word, share=0.3), *(Limit(one.value, one.label, theme.OK) for one in ready)]
    return _said(word, size) + _said("provisioned", provisioned), lines


def _said(word: str, value: float | None) -> str:
    return "" if value is None or value != value else f" · {word} {value:,.0f}"


def _near(
    used: pd.Series[float], limit: float | None, word: str, unit: str = "", *, share: float = 0.5
) -> list[Limit]:
    """A ceiling is drawn when something came within `share` of it; further away it flattens the signal."""
    most = used.max()
    if not limit or limit != limit or most < limit * share:
        return []
    return [Limit(limit, f"{word} {limit:,.0f}{unit}")]


def wait_board(
    series: pd.DataFrame, marks: Sequence[Deploy], *, window: Window, zone: tzinfo, columns: int = 2
) -> Board | None:
    """Age of asynchronous events and of stream records, from `function_series`: a panel for each that was
    told; None when neither was."""
    known = [(column, title) for column, title in WAITS.items() if series[column].notna().any()]
    if not known:
        return None
    frame = series[["ts"]].assign(**{column: (series[column] / 1000).round(1) for column, _ in known})
    panels = [
        Panel(
            title=f"{title}, s", series=[Series(column=column, name=title, colour=theme.WARNING, kind="area")]
        )
        for column, title in known
    ]
    rows = [Row(column, title, theme.WARNING, " s") for column, title in known]
    wide = min(columns, len(panels))
    return board(frame, panels, rows, window=window, zone=zone, deploys=marks, columns=wide)


WAITS = {
    "async_age_max_ms": "Longest wait of an async event",
    "iterator_age_max_ms": "Age of stream records when read",
}


def resource_board(
    series: pd.DataFrame, marks: Sequence[Deploy], *, window: Window, zone: tzinfo, columns: int = 2
) -> Board | None:
    """Invocations and error rate of each alias and version, from `resource_series`; None without any."""
    if series.empty:
        return None
    names = list(dict.fromkeys(series["resource"]))
    counts = series.pivot(index="ts", columns="resource", values="invocations")
    counts = counts / max(1.0, (window.duration / len(counts)).total_seconds() / 60)
    rates = series.pivot(index="ts", columns="resource", values="error_rate") * 100
    lines = {f"n{i}": counts[name].round(1) for i, name in enumerate(names)}
    lines |= {f"e{i}": rates[name].round(2) for i, name in enumerate(names)}
    frame = pd.DataFrame(lines).reset_index()
    panels = [
        Panel(title="Invocations, per minute", series=[_line("n", i, name) for i, name in enumerate(names)]),
        Panel(title="Error rate, %", series=[_line("e", i, name) for i, name in enumerate(names)]),
    ]
    rows = [Row(f"n{i}", name, _colour(i)) for i, name in enumerate(names)]
    rows += [Row(f"e{i}", f"{name}, error rate", _colour(i), " %") for i, name in enumerate(names)]
    return board(frame, panels, rows, window=window, zone=zone, deploys=marks, columns=columns)


def _line(part: str, i: int, name: str) -> Series:
    return Series(column=f"{part}{i}", name=f"{name} {part}", colour=_colour(i), label=name)


def _colour(i: int) -> str:
    return theme.CATEGORIES[i % len(theme.CATEGORIES)]
