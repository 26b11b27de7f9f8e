"""From frames to a page's numbers and words: pure, so that what a page says is tested without one."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

import pandas as pd

from dashboard import numbers

Place = tuple[str, str, str]
"""Account, region, function."""

NOT_COLLECTED, PROVISIONAL = "not collected", "provisional"

OF_NOTE = ("invocations", "duration_p95_ms", "dead_letters")
"""One column per collector that matters now: a hole in them may hide a failure. Cost says its own holes."""

SPARK_POINTS = 40
_PART = re.compile(r"^\d+ of \d+ minutes: ")


@dataclass(frozen=True, slots=True)
class Total:
    """A number over functions: `missing` of `among` were not (fully) collected, `why` for the first."""

    value: float | None
    among: int
    missing: frozenset[Place] = frozenset()
    provisional: bool = False
    why: str | None = None

    def comparable(self, other: Total) -> bool:
        """Whether two windows saw the same functions: else a hole would look like a change."""
        return self.value is not None and other.value is not None and self.missing == other.missing


def reason(state: str | None) -> str | None:
    """Why a value is missing: `not collected: 40 of 180 minutes: WHY` reads WHY; other states read None."""
    if not state or not state.startswith(NOT_COLLECTED):
        return None
    return _PART.sub("", state.removeprefix(NOT_COLLECTED).removeprefix(": ")) or "not yet"


def total(fleet: pd.DataFrame, column: str) -> Total:
    """Add a column of the fleet table up over what is known; None when nothing is."""
    known = [value for value in fleet[column] if numbers.known(value)]
    states = [states.get(column) for states in fleet["states"]]
    places = zip(fleet["account"], fleet["region"], fleet["function"], strict=True)
    holes = {place: why for place, state in zip(places, states, strict=True) if (why := reason(state))}
    return Total(
        value=float(sum(known, Decimal(0)) if column == "cost_usd" else sum(known)) if known else None,
        among=len(fleet),
        missing=frozenset(holes),
        provisional=PROVISIONAL in states,
        why=next(iter(holes.values()), None),
    )


def not_seen(
    fleet: pd.DataFrame, collectors: pd.DataFrame, names: dict[str, str], *, most: int = 2
) -> list[str]:
    """What is not seen, in words, the widest hole first: `12 functions: WHY`, `traces in X: WHY`."""
    holes: Counter[str] = Counter()
    for states in fleet["states"]:
        holes.update({why for name, state in states.items() if name in OF_NOTE and (why := reason(state))})
    said = [
        f"{count} {'function' if count == 1 else 'functions'}: {why}" for why, count in holes.most_common()
    ]
    for row in collectors.to_dict("records"):
        why = str(row["error"] or row["outcome"])
        if row["outcome"] in {"denied", "failed", "skipped"} and why not in holes:
            place = names.get(str(row["account"]), str(row["account"]))
            said.append(f"{row['collector']} in {place} {row['region']}: {why}")
    return said[:most] + ([f"and {len(said) - most} more"] if len(said) > most else [])


def spark(series: pd.Series[Any], how: Literal["sum", "mean", "max"] = "mean") -> list[float]:
    """At most `SPARK_POINTS` points of a series; a step that is unknown stays NaN."""
    per = -(-len(series) // SPARK_POINTS) or 1
    groups = series.reset_index(drop=True).groupby(lambda at: at // per)
    grouped = groups.sum(min_count=1) if how == "sum" else groups.agg(how)
    return [float(value) for value in grouped]
