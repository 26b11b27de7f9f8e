"""Numbers of signals with their units, for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Unit = Literal[
    "share",
    "count",
    "ms",
    "s",
    "minutes",
    "bytes",
    "usd",
    "dollars",
    "ratio",
    "of a budget",
    "state",
    "budgets",
    "conditions",
    "number",
]

IN_PERCENT = frozenset({"share", "ratio", "of a budget"})
"""Units that people read and write in percent; only a share never passes 100."""


def say(value: float | None, unit: str) -> str:
    """A number with its unit, for a person: `12.4 %`, `1.8 s`, `340 ms`, `17`; `unknown` for None."""
    if value is None or value != value:
        return "unknown"
    if unit == "state":
        return "not working" if value > 0 else "working"
    if unit in IN_PERCENT:
        return f"{value * 100:.3g} %"
    if unit == "ms" and value >= 1000:
        return f"{value / 1000:.3g} s"
    if unit in {"ms", "s"}:
        return f"{value:.4g} {unit}"
    if unit == "dollars":
        return f"${value:,.2f}"
    number = f"{value:,.0f}" if value == round(value) or value >= 100 else f"{value:.3g}"
    return _WITH_UNIT.get(unit, "{}").format(number)


_WITH_UNIT: Mapping[str, str] = {
    "minutes": "{} minutes",
    "bytes": "{} bytes",
    "usd": "${} an hour",
    "budgets": "{} times as fast as the budget allows",
    "conditions": "{} conditions met",
}
