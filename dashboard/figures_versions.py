"""Aliases of a function with what each of their versions was asked for and how it did."""

from __future__ import annotations

import pandas as pd

COUNTS = [
    "invocations",
    "errors",
    "error_rate",
    "duration_avg_ms",
    "duration_max_ms",
    "concurrent_max",
    "state",
]


NOTHING_TOLD = "nothing counted"


def alias_rows(aliases: pd.DataFrame, by_resource: pd.DataFrame) -> pd.DataFrame:
    """A row per alias and version: alias, version, asked_share (as configured), share (of the alias's
    invocations), then what CloudWatch counted. NaN where it counted nothing under that name."""
    numbers = by_resource.set_index("resource")[COUNTS].reindex(aliases["resource"]).reset_index(drop=True)
    found = pd.concat([aliases[["alias", "version", "asked_share"]].reset_index(drop=True), numbers], axis=1)
    whole = found.groupby("alias")["invocations"].transform("sum", min_count=1)
    told = aliases["resource"].isin(by_resource["resource"]).reset_index(drop=True)
    found["state"] = found["state"].where(told, NOTHING_TOLD)
    found.insert(3, "share", found["invocations"] / whole.where(whole > 0))
    return found


def at_work(versions: pd.DataFrame) -> pd.DataFrame:
    """The versions that ran in the window or that an alias names; a function has hundreds that do neither."""
    named = pd.Series([bool(names) for names in versions["aliases"]], index=versions.index, dtype=bool)
    return versions[(versions["invocations"] > 0) | named].reset_index(drop=True)
