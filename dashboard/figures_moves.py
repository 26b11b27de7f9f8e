"""What moved since the window before and why, in a sentence and a table."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from types import MappingProxyType

import pandas as pd

from core.cost_words import COMPONENT_WORDS
from core.spend_moves import HELD, Move, Spent, moves
from dashboard import numbers
from dashboard.figures_cost import UNTAGGED, components
from dashboard.numbers import plain
from store.readers.budgets import FunctionAnomaly
from store.readers.cost_causes import Change

SMALL = 0.05
"""A move of less than this share of what it was before goes without saying."""


def moved(groups: pd.DataFrame, before: pd.DataFrame) -> list[Move]:
    """From two frames of the `costs` reader with `name`."""
    return moves(_spent(before), _spent(groups))


def _spent(groups: pd.DataFrame) -> dict[Hashable, Spent]:
    known = components(groups)
    return {
        row["name"]: Spent({name: row[f"{name}_usd"] for name in known}, float(row["invocations"]))
        for row in groups.to_dict("records")
    }


def signed(usd: float) -> str:
    return f"{'+' if usd > 0 else ''}{numbers.usd(usd)}"


@dataclass(frozen=True, slots=True)
class Behind:
    """What happened to a group beside its move, in words: the newest change of its functions ("": none), and
    days that cost far more than usual."""

    change: str = ""
    days: Sequence[str] = ()


NOTHING = Behind()
Known = Mapping[Hashable, Behind]
EMPTY: Known = MappingProxyType({})


def why(move: Move, behind: Behind = NOTHING) -> str:
    """The largest cause and, if it counts for a third or more, the second; and what is likely behind them, as
    plain text. What only traffic moved, no change is behind."""
    if move.kind != "moved":
        return "new: nothing before" if move.kind == "new" else "cost nothing any more"
    causes = sorted(
        {"traffic": move.traffic_usd, **move.parts}.items(), key=lambda one: abs(one[1]), reverse=True
    )
    told = [one for one in causes[:2] if one[1] and abs(one[1]) * 3 >= abs(causes[0][1])]
    parts = [_cause(name, float(usd), move) for name, usd in told]
    is_changed = any(name != "traffic" for name, _ in told)
    return "; ".join([*parts, *([behind.change] if behind.change and is_changed else []), *behind.days])


def _cause(name: str, usd: float, move: Move) -> str:
    if name == "traffic":
        grown = f" {move.traffic * 100:+,.0f}%" if move.traffic is not None else ""
        return f"traffic{grown} ({signed(usd)})"
    of = "" if move.traffic is None or name in HELD else " per invocation"
    return f"{COMPONENT_WORDS.get(name, name).lower()}{of} ({signed(usd)})"


def behind(
    changes: Mapping[str, Sequence[Change]],
    anomalies: Sequence[FunctionAnomaly],
    *,
    zone: tzinfo,
    now: datetime,
) -> Known:
    """By group: `changes` of each, the newest first, and `anomalies` by the name of their function."""
    days: dict[str, list[str]] = {}
    for one in anomalies:
        found = one.found
        said = f"{found.day:%d %B} {numbers.usd(found.usd)}, usually {numbers.usd(found.expected_usd)}"
        days.setdefault(one.place[2], []).append(f"{said}: {found.says}")
    names = dict.fromkeys([*changes, *days])
    return {
        name or UNTAGGED: Behind(_newest(changes.get(name, ()), zone, now), tuple(days.get(name, ())))
        for name in names
    }


def _newest(changes: Sequence[Change], zone: tzinfo, now: datetime) -> str:
    """A deploy before other changes: it explains more."""
    if not changes:
        return ""
    one = next((change for change in changes if change.kind == "deploy"), changes[0])
    more = f", and {len(changes) - 1} more" if len(changes) > 1 else ""
    return f"changed: {one.what} of {one.function}, {numbers.clock(one.ts, zone, now=now)}{more}"


def sentence(found: Sequence[Move], known: Known = EMPTY) -> str:
    """How the whole moved and what moved it most, as Markdown."""
    was = float(sum(move.before_usd for move in found))
    usd = float(sum(move.usd for move in found))
    if not found or not was:
        return "There is nothing earlier to compare with."
    share = f"{usd / was * 100:+,.0f}%"
    if abs(usd) < SMALL * was:
        return f"**About the same as before**: {plain(signed(usd))} ({share})."
    most = max(found, key=lambda move: move.usd if usd > 0 else -move.usd)
    because = plain(why(most, known.get(most.group, NOTHING)))
    return (
        f"**{'More' if usd > 0 else 'Less'} than before**: {plain(signed(usd))} ({share}). Most of it: "
        f"{plain(most.group)}, {plain(signed(float(most.usd)))}: {because}."
    )


def table(found: Sequence[Move], known: Known = EMPTY) -> pd.DataFrame:
    """name, before_usd, after_usd, moved_usd (floats), moved_share (of what it was), why."""
    rows = [
        {
            "name": str(move.group),
            "before_usd": float(move.before_usd),
            "after_usd": float(move.after_usd),
            "moved_usd": float(move.usd),
            "moved_share": float(move.usd / move.before_usd) if move.before_usd else None,
            "why": why(move, known.get(move.group, NOTHING)),
        }
        for move in found
        if move.usd
    ]
    columns = ["name", "before_usd", "after_usd", "moved_usd", "moved_share", "why"]
    return pd.DataFrame(rows, columns=pd.Index(columns)).astype({"moved_share": float})


def export(found: Sequence[Move], known: Known = EMPTY) -> pd.DataFrame:
    """Exact amounts, what traffic did, and what each component did beyond it."""
    names = list(dict.fromkeys(name for move in found for name in move.parts))
    return pd.DataFrame(
        [
            {
                "name": str(move.group),
                "before_usd": move.before_usd,
                "after_usd": move.after_usd,
                "moved_usd": move.usd,
                "kind": move.kind,
                "by_traffic_usd": move.traffic_usd,
                **{f"by_{name}_usd": move.parts.get(name) for name in names},
                "why": why(move, known.get(move.group, NOTHING)),
            }
            for move in found
        ]
    )
