"""How a number moved against the same hours yesterday (or the stretch before, when the window is longer)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Literal

from core.windows import Window
from dashboard.numbers import known

DAY = timedelta(days=1)


def earlier(window: Window) -> Window:
    """The window to compare with: whole days before, not overlapping."""
    days = -(-window.duration // DAY)
    return Window(window.start - days * DAY, window.end - days * DAY)


def changed(
    value: Any, before: Any, *, kind: Literal["amount", "rate"] = "amount", more_is_bad: bool = True
) -> dict[str, Any]:
    """`delta`, `colour` and `arrow` of a `widgets.Card`; empty if one of the two is not known.

    A rate moves in percentage points, an amount in percent of what it was. A move below a tenth of a
    point, or below 5 percent, is grey.
    """
    if not known(value) or not known(before):
        return {}
    value, before = float(value), float(before)
    if kind == "rate":
        moved, small, text = value - before, 0.001, f"{(value - before) * 100:+.2f} pp"
    elif before:
        moved, small, text = value / before - 1, 0.05, f"{(value / before - 1) * 100:+,.0f} %"
    else:
        moved, small, text = value, 0.0, "none before"
    if text.lstrip("+-").rstrip(" %p").strip("0.") == "":
        return {"delta": "no change", "colour": "gray", "arrow": "off"}
    if abs(moved) <= small:
        return {"delta": text, "colour": "gray"} | ({} if moved else {"arrow": "off"})
    bad = (moved > 0) == more_is_bad
    return {"delta": text, "colour": "orange" if bad else "green"}
