"""Colours of groups that have no meaning of their own: functions, teams, accounts."""

from __future__ import annotations

from collections.abc import Sequence

from dashboard.charts import theme

OTHER = "other"
COLOURS = (*(colour for colour in theme.CATEGORIES[:-1] if colour != theme.CRITICAL), "#c0619c", "#7f8c1d")
"""Eight, none of them red: red means errors."""


def colours(groups: Sequence[str]) -> dict[str, str]:
    """A colour per group in the given order; `other`, and what follows the palette, is grey."""
    plain = [name for name in groups if name != OTHER]
    spare = [theme.UNKNOWN] * len(plain)
    return dict(zip(plain, [*COLOURS, *spare], strict=False)) | {OTHER: theme.UNKNOWN}
