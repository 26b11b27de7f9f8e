"""The function table: which rows match, in what order, in which state, and how each reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from core.windows import Window
from dashboard import numbers
from dashboard.figures import NOT_COLLECTED
from dashboard.figures_fleet import KEYS

SEVERITIES = ("critical", "warning", "info")
NOT_JUDGED = "not judged"
ERRORS, MANY_ERRORS = "errors", 0.05
"""Of a function of which no alert fires, though more than this share of the window's invocations failed: that
is over by now, or they were too few for a rule."""
ORDER = (*SEVERITIES, ERRORS, NOT_COLLECTED, NOT_JUDGED, "healthy", "silent")
"""States of a function, the worst first; unknown is worse than healthy."""

SHAPES: Mapping[str, str] = {
    "critical": "■",
    "warning": "▲",
    "info": "●",
    ERRORS: "◆",
    NOT_COLLECTED: "?",
    NOT_JUDGED: "?",
    "healthy": "✓",
    "silent": "○",
}
"""What tells states apart without colour, beside the word."""

SORTS: Mapping[str, str] = {
    "errors": "Most errors",
    "error_rate": "Highest error rate",
    "invocations": "Most invocations",
    "p95_ms": "Slowest p95",
    "throttles": "Most throttles",
    "cold_start_rate": "Most cold starts",
    "cost_per_day_usd": "Dearest",
    "function": "By name",
}
"""Orders of the whole table beside the worst first: the column, and what it is called."""

BY_FLEET_NAME = {"p95_ms": "duration_p95_ms", "cost_per_day_usd": "cost_usd"}
FILTERS = ("team", "env", "runtime")
ROWS_PER_PAGE = 50

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the address asks of the table."""

    find: str = ""
    states: Sequence[str] = ()
    values: Mapping[str, str | None]
    sort: str | None = None


def with_states(rows: pd.DataFrame, incidents: pd.DataFrame, *, judged: bool) -> pd.DataFrame:
    """A digest's rows with `state`: the worst that fires, else whether it was invoked and failed. Only where
    rules were evaluated lately (`judged`) is a function healthy."""
    worst = firing(incidents)
    keys = list(zip(rows["account"], rows["region"], rows["function"], strict=True)) if worst else []
    fires = np.array([worst.get(key, "") for key in keys], dtype=object) if worst else None
    invocations = rows["invocations"].to_numpy(float)
    failed = rows["errors"].to_numpy(float) > invocations * MANY_ERRORS
    quiet = np.where(invocations > 0, "healthy" if judged else NOT_JUDGED, "silent").astype(object)
    state = np.where(np.isnan(invocations), NOT_COLLECTED, np.where(failed, ERRORS, quiet))
    return rows.assign(state=state if fires is None else np.where(fires != "", fires, state))


def firing(incidents: pd.DataFrame) -> dict[tuple[str, str, str], str]:
    """The worst severity that fires per account, region and function."""
    worst: dict[tuple[str, str, str], str] = {}
    for row in incidents.to_dict("records"):
        if row["subject_kind"] == "function":
            key = (row["account"], row["region"], row["subject"])
            severity = row["severity"] if row["severity"] in SEVERITIES else "info"
            worst[key] = min(worst.get(key, severity), severity, key=SEVERITIES.index)
    return worst


def matching(rows: pd.DataFrame, wanted: Wanted) -> pd.DataFrame:
    """Rows that hold every word that was typed (in name, place, runtime or a tag), in one of the chosen
    states, of the chosen team, environment and runtime; in the wanted order."""
    keep = pd.Series(True, index=rows.index)
    for word in wanted.find.lower().split():
        keep &= rows["words"].str.contains(word, regex=False)
    if wanted.states:
        keep &= rows["state"].isin(wanted.states)
    for name, value in wanted.values.items():
        if value is not None:
            keep &= (rows[name] == value).fillna(False).astype(bool)
    return arranged(rows[keep], wanted.sort)


def arranged(rows: pd.DataFrame, sort: str | None) -> pd.DataFrame:
    """The worst first (state, errors, throttles, traffic), or by one column, what is not known last."""
    if sort == "function":
        return rows.sort_values(["function", "account", "region"]).reset_index(drop=True)
    rank = rows["state"].map({state: at for at, state in enumerate(ORDER)})
    by = ["rank", "errors", "throttles", "invocations", "function"]
    up = [True, False, False, False, True]
    if sort in SORTS:
        by, up = [BY_FLEET_NAME.get(str(sort), str(sort)), *by], [False, *up]
    return rows.assign(rank=rank).sort_values(by, ascending=up).drop(columns="rank").reset_index(drop=True)


def options(rows: pd.DataFrame, name: str) -> list[str]:
    """What a filter offers: every value that is there, by name."""
    return sorted(rows[name].dropna().unique())


def page_of(asked: str | None, rows: int) -> tuple[int, int]:
    """The page that an address asks for, from 1, and how many there are; the nearest there is."""
    pages = max(1, -(-rows // ROWS_PER_PAGE))
    number = int(asked) if asked and asked.isascii() and asked.isdigit() else 1
    return min(max(number, 1), pages), pages


def on_page(rows: pd.DataFrame, page: int) -> pd.DataFrame:
    first = (page - 1) * ROWS_PER_PAGE
    return rows.iloc[first : first + ROWS_PER_PAGE].reset_index(drop=True)


def exported(rows: pd.DataFrame, places: Mapping[tuple[str, str], str], window: Window) -> pd.DataFrame:
    """Every matching row as a file holds it: the table's columns without lines, rates 0..1."""
    return pd.DataFrame(
        {
            "state": rows["state"],
            **{name: rows[name] for name in ("function", "account", "region")},
            "place": _places(rows, places),
            **{name: rows[name] for name in (*FILTERS, "invocations", "error_rate")},
            **{name: rows[name] for name in ("errors", "throttles", "cold_start_rate", "last_invocation")},
            "p95_ms": rows["duration_p95_ms"],
            "cost_per_day_usd": _per_day(rows, window),
            "data": rows["data"],
        }
    )


def shown(
    rows: pd.DataFrame,
    lines: Mapping[str, Any],
    incidents: pd.DataFrame,
    places: Mapping[tuple[str, str], str],
    *,
    window: Window,
    now: datetime,
) -> pd.DataFrame:
    """A page of rows as the table draws them: state (list), function, where, team, env, invocations, traffic,
    error_rate, errors, p95_ms, throttles, cold_start_rate, cost_per_day_usd, runtime, note, account, region.
    Rates are in percent; traffic and errors are `lines`, a row of each per row."""
    return pd.DataFrame(
        {
            "state": [[state] for state in rows["state"]],
            "function": rows["function"],
            "where": _places(rows, places),
            "team": rows["team"],
            "env": rows["env"],
            "invocations": rows["invocations"],
            "traffic": list(lines["invocations"]),
            "error_rate": rows["error_rate"] * 100,
            "errors": list(lines["errors"]),
            "p95_ms": rows["duration_p95_ms"],
            "throttles": rows["throttles"],
            "cold_start_rate": rows["cold_start_rate"] * 100,
            "cost_per_day_usd": _per_day(rows, window),
            "runtime": rows["runtime"],
            "note": notes(rows, incidents, now=now),
            "account": rows["account"],
            "region": rows["region"],
        }
    )


def _places(rows: pd.DataFrame, places: Mapping[tuple[str, str], str]) -> list[str]:
    pairs = zip(rows["account"], rows["region"], strict=True)
    return [places.get(pair, " · ".join(pair)) for pair in pairs]


def _per_day(rows: pd.DataFrame, window: Window) -> pd.Series[float]:
    return rows["cost_usd"] / (window.duration / DAY)


def notes(rows: pd.DataFrame, incidents: pd.DataFrame, *, now: datetime) -> list[str]:
    """Why a row is in its state: what fires and for how long, what was not collected, when it last ran."""
    said = _alerts(incidents, now)
    return [
        " · ".join([*said.get((row["account"], row["region"], row["function"]), ()), *_about(row, now)])
        for row in rows.to_dict("records")
    ]


def _alerts(incidents: pd.DataFrame, now: datetime) -> dict[tuple[str, str, str], list[str]]:
    found: dict[tuple[str, str, str], list[str]] = {}
    for row in incidents.to_dict("records"):
        if row["subject_kind"] == "function":
            words = str(row["title"]).removeprefix(f"{row['subject']}: ")
            key = (row["account"], row["region"], row["subject"])
            found.setdefault(key, []).append(f"{words} for {numbers.age(now - row['opened_at'])}")
    return found


def _about(row: Mapping[Any, Any], now: datetime) -> list[str]:
    if str(row["data"]).startswith(NOT_COLLECTED):
        return [str(row["data"])]
    if row["state"] != "silent":
        return []
    last = row["last_invocation"]
    return [f"last ran {numbers.age(now - last)} ago" if numbers.known(last) else "no run in what is stored"]


def lines_of(shown_keys: pd.DataFrame, places: pd.DataFrame, lines: Mapping[str, Any]) -> dict[str, Any]:
    """The sparklines of some rows; empty where a function has none."""
    known = pd.MultiIndex.from_frame(places[KEYS])
    at = (
        known.get_indexer(pd.MultiIndex.from_frame(shown_keys[KEYS]))
        if len(known)
        else np.full(len(shown_keys), -1)
    )
    return {name: [line[row] if row >= 0 else [] for row in at] for name, line in lines.items()}
