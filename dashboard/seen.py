"""How much of a reader's frame is complete: what a number over its rows may be trusted with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from dashboard.compare import changed
from dashboard.figures import PROVISIONAL, reason
from dashboard.numbers import plain


@dataclass(frozen=True, slots=True)
class Seen:
    """Of `among` rows those in `missing` (by their key) were not fully collected, `why` for the first."""

    among: int
    missing: frozenset[tuple[Any, ...]] = frozenset()
    provisional: bool = False
    why: str = ""

    def marks(self) -> dict[str, Any]:
        """`provisional` and `partial` of a card."""
        return {"provisional": self.provisional, "partial": bool(self.missing)}

    def help(self, formula: str, things: str = "functions") -> str:
        if not self.missing:
            return formula
        return (
            f"{formula} {len(self.missing)} of {self.among} {things} not fully collected: {plain(self.why)}."
        )

    def moved(self, before: Seen, value: Any, was: Any, **how: Any) -> dict[str, Any]:
        """`compare.changed`, if both windows saw the same things: else a hole would look like a change."""
        return changed(value, was, **how) if self.missing == before.missing else {}


def seen(frame: pd.DataFrame, keys: Sequence[str]) -> Seen:
    """From a frame with `state` and the columns `keys` that name a row."""
    states = [state if isinstance(state, str) else None for state in frame["state"].to_numpy()]
    whys = {at: why for at, state in enumerate(states) if (why := reason(state))}
    holes = frame[list(keys)].iloc[list(whys)].itertuples(index=False, name=None)
    return Seen(len(frame), frozenset(holes), PROVISIONAL in states, next(iter(whys.values()), ""))
