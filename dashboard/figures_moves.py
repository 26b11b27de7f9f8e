"""What moved since the window before and why, in a sentence and a table."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import pandas as pd

from core.cost_words import COMPONENT_WORDS
from core.spend_moves import Move, Spent, moves
from dashboard import numbers
from dashboard.figures_cost import components
from dashboard.numbers import plain

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


def why(move: Move) -> str:
    """The largest cause and, if it counts for a third or more, the second, as plain text."""
    if move.kind != "moved":
        return "new: nothing before" if move.kind == "new" else "cost nothing any more"
    causes = sorted(
        {"traffic": move.traffic_usd, **move.parts}.items(), key=lambda one: abs(one[1]), reverse=True
    )
    told = [one for one in causes[:2] if one[1] and abs(one[1]) * 3 >= abs(causes[0][1])]
    return "; ".join(_cause(name, float(usd), move) for name, usd in told)


def _cause(name: str, usd: float, move: Move) -> str:
    if name == "traffic":
        grown = f" {move.traffic * 100:+,.0f}%" if move.traffic is not None else ""
        return f"traffic{grown} ({signed(usd)})"
    of = "" if move.traffic is None else " per invocation"
    return f"{COMPONENT_WORDS.get(name, name).lower()}{of} ({signed(usd)})"


def sentence(found: Sequence[Move]) -> str:
    """How the whole moved and what moved it most, as Markdown."""
    was = float(sum(move.before_usd for move in found))
    usd = float(sum(move.usd for move in found))
    if not found or not was:
        return "There is nothing earlier to compare with."
    share = f"{usd / was * 100:+,.0f}%"
    if abs(usd) < SMALL * was:
        return f"**About the same as before**: {plain(signed(usd))} ({share})."
    most = max(found, key=lambda move: move.usd if usd > 0 else -move.usd)
    return (
        f"**{'More' if usd > 0 else 'Less'} than before**: {plain(signed(usd))} ({share}). Most of it: "
        f"{plain(most.group)}, {plain(signed(float(most.usd)))}: {plain(why(most))}."
    )


def table(found: Sequence[Move]) -> pd.DataFrame:
    """name, before_usd, after_usd, moved_usd (floats), moved_share (of what it was), why."""
    rows = [
        {
            "name": str(move.group),
            "before_usd": float(move.before_usd),
            "after_usd": float(move.after_usd),
            "moved_usd": float(move.usd),
            "moved_share": float(move.usd / move.before_usd) if move.before_usd else None,
            "why": why(move),
        }
        for move in found
        if move.usd
    ]
    columns = ["name", "before_usd", "after_usd", "moved_usd", "moved_share", "why"]
    return pd.DataFrame(rows, columns=pd.Index(columns)).astype({"moved_share": float})


def export(found: Sequence[Move]) -> pd.DataFrame:
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
                "why": why(move),
            }
            for move in found
        ]
    )
