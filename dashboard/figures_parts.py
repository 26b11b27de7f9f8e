"""What a function costs, by component: amounts, shares, and the formula of each."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pandas as pd

from core.cost_words import COMPONENT_WORDS
from core.windows import Window
from dashboard.figures import NOT_COLLECTED
from dashboard.figures_cost import FORMULAS
from dashboard.numbers import plain, usd

DAY = timedelta(days=1)
NONE = Decimal(0)


def parts(costs: pd.DataFrame, window: Window) -> pd.DataFrame:
    """The table of components, dearest first: component, cost_usd and per_day_usd (floats; NaN: not known),
    share, formula, state. A component that was not collected and adds nothing is unknown, not free."""
    rows = costs.to_dict("records")
    amounts = [amount(row) for row in rows]
    whole, days = sum((one for one in amounts if one is not None), NONE), window.duration / DAY
    words = [COMPONENT_WORDS.get(str(row["component"]), str(row["component"])) for row in rows]
    floats = [None if one is None else float(one) for one in amounts]
    frame = pd.DataFrame(
        {
            "component": words,
            "cost_usd": pd.Series(floats, dtype=float),
            "per_day_usd": pd.Series([None if one is None else one / days for one in floats], dtype=float),
            "share": pd.Series(
                [float(one / whole) if one is not None and whole else None for one in amounts], dtype=float
            ),
            "formula": [FORMULAS.get(word, "") for word in words],
            "state": [row["state"] if isinstance(row["state"], str) else "settled" for row in rows],
        }
    )
    return frame.sort_values("cost_usd", ascending=False, kind="stable", na_position="last").reset_index(
        drop=True
    )


def by_word(costs: pd.DataFrame) -> dict[str, Decimal | None]:
    """What each component costs, by what people call it."""
    return {COMPONENT_WORDS[str(row["component"])]: amount(row) for row in costs.to_dict("records")}


def amount(row: Any) -> Decimal | None:
    """What a component costs; None where a hole in its usage leaves nothing to add."""
    state, known = row["state"], Decimal(row["cost_usd"])
    return None if isinstance(state, str) and state.startswith(NOT_COLLECTED) and not known else known


def answer(costs: pd.DataFrame, window: Window) -> str:
    """What it costs in a sentence of Markdown, cold starts by themselves."""
    amounts = {str(row["component"]): amount(row) for row in costs.to_dict("records")}
    known = [one for one in amounts.values() if one is not None]
    if not known:
        return "What it costs is not known in this window."
    whole = sum(known, NONE)
    per_day = usd(float(whole) / (window.duration / DAY))
    cold = amounts.get("init")
    said = f"**{plain(usd(whole))}** in this window, {plain(per_day)} a day at this pace."
    if cold is None:
        return said + " What cold starts add is not known."
    share = f" ({float(cold / whole):.1%} of it)" if whole else ""
    return f"{said} Cold starts: **{plain(usd(cold))}** of billed initialization{share}."
