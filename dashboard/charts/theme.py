"""One palette for both colour modes, and what its colours always mean. Text and axes follow Streamlit."""

from __future__ import annotations

OK, WARNING, CRITICAL = "#3ea276", "#bd840d", "#cf3145"
INFO, UNKNOWN, COLD_START = "#4c85fc", "#6d737c", "#9453ad"

INVOCATIONS = P95 = LEVEL = INFO
ERRORS = LIMIT = CRITICAL
THROTTLES = WARNING
P99 = COLD = COLD_START
P50 = BEFORE = UNKNOWN

CATEGORIES = (INFO, WARNING, OK, COLD_START, CRITICAL, "#2b9aa8", "#a0661f", UNKNOWN)
"""For groups without a meaning of their own; the last is `other`."""

FIRING_BAND = "rgba(207, 49, 69, 0.09)"

PADDING = {"left": 0, "right": 8, "top": 4, "bottom": 0}
"""Around an Altair chart: Streamlit adds empty room below one that does not say."""
