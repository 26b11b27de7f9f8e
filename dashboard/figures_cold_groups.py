"""Cold starts by what they may depend on, and around deploys: prices, labels and words beside numbers."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import pandas as pd

from core.formulas import rate
from core.prices import Prices, cost
from dashboard import numbers
from dashboard.figures import reason

PRICED_BY = ("region", "architecture")

GROUPS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "start": ("How they started", ("told",)),
    "runtime": ("Runtime", ("runtime",)),
    "architecture": ("Architecture", ("architecture",)),
    "package": ("Package size", ("package_type", "package_size")),
    "memory": ("Memory", ("memory_mb",)),
    "version": ("Version", ("function", "version")),
}
"""What the address calls a grouping: its name on the page and the parts that `cold_groups` is asked for."""

STARTS = {
    "on-demand": "On demand",
    "provisioned-concurrency": "Provisioned",
    "snap-start": "SnapStart",
    None: "Not told by the log",
}
UNTOLD = (
    "Logs in text do not say whether an environment was provisioned: what they leave open counts as on "
    "demand."
)


def priced(
    groups: pd.DataFrame,
    parts: pd.DataFrame,
    by: Sequence[str],
    prices: Callable[[str, str], Prices],
) -> pd.DataFrame:
    """`groups` with init_cost_usd (Decimal; None: a price or a billed time is not known). `parts` are the
    same records by PRICED_BY as well."""
    spent: defaultdict[tuple[Any, ...], Decimal | None] = defaultdict(Decimal)
    for row in parts.to_dict("records"):
        key, gb_s = tuple(row[name] for name in by), row["init_gb_s"]
        price = prices(str(row["region"]), str(row["architecture"])).duration
        usd, sofar = cost(gb_s if numbers.known(gb_s) else None, price), spent[key]
        spent[key] = None if usd is None or sofar is None else sofar + usd
    keys = groups[list(by)].itertuples(index=False, name=None)
    return groups.assign(
        init_cost_usd=pd.Series([spent[key] for key in keys], index=groups.index, dtype=object)
    )


def rows(groups: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """As the page's table shows them: `group` in words, `nobody_waited` (for so many), `wait_share` of all
    waiting, `data` on logs not read in full. Of ways to start, only those that some environment took."""
    if list(by) == ["told"]:
        groups = groups[groups["cold_starts"] + groups["provisioned_inits"] > 0].reset_index(drop=True)
    labels = [label(tuple(row), by) for row in groups[list(by)].itertuples(index=False, name=None)]
    waited = groups["waited_s"].sum()
    share = [rate(one, waited) for one in groups["waited_s"]]
    usd = groups["init_cost_usd"].astype("float64")
    data = [_data(row) for row in groups.to_dict("records")]
    spared = groups["provisioned_inits"] + groups["proactive"]
    return groups.assign(
        group=labels,
        nobody_waited=spared,
        wait_share=pd.Series(share, index=groups.index, dtype=float),
        init_cost_usd=usd,
        data=data,
    ).reset_index(drop=True)


def label(values: tuple[Any, ...], by: Sequence[str]) -> str:
    words = [_word(name, value) for name, value in zip(by, values, strict=True)]
    return " · ".join(dict.fromkeys(words))


def _word(name: str, value: Any) -> str:
    if name == "told":
        return STARTS.get(value if numbers.known(value) else None, str(value))
    if not numbers.known(value):
        return "not known"
    return f"{value:,.0f} MB" if name == "memory_mb" else str(value)


def _data(row: Mapping[Any, Any]) -> str:
    if not row["unread"]:
        return "read in full"
    return f"{row['unread']} of {row['functions']} logs not read in full"


# --- around deploys -----------------------------------------------------------------------------------------

FEW = 30
POINT, TENTH = 0.01, 0.1


def effects(deploys: pd.DataFrame) -> pd.DataFrame:
    """The `deploy_effects` frame with `verdict` (what changed for callers, or why that cannot be said) and
    `each_side` in words; no records are unknown where the log was not read."""
    told = deploys.to_dict("records")
    found = deploys.assign(verdict=[verdict(row) for row in told])
    found["each_side"] = [numbers.age(row["side_s"]) for row in told]
    for side in ("before", "after"):
        found[f"{side}_records"] = [_records(row, side) for row in told]
    return found


def _records(row: Mapping[Any, Any], side: str) -> float:
    count = float(row[f"{side}_records"])
    return math.nan if not count and reason(row[f"{side}_state"]) else count


def verdict(row: Mapping[Any, Any]) -> str:
    for side in ("before", "after"):
        if why := reason(row[f"{side}_state"]):
            return f"{side}: not collected, {why}"
    before, after = row["before_records"], row["after_records"]
    if min(before, after) < FEW:
        return f"too few records: {before:,.0f} before, {after:,.0f} after"
    said = [_share_moved(row), _init_moved(row)]
    return ", ".join(word for word in said if word) or "no clear change"


def _share_moved(row: Mapping[Any, Any]) -> str | None:
    moved = row["after_cold_start_rate"] - row["before_cold_start_rate"]
    if abs(moved) < POINT:
        return None
    return "more start cold" if moved > 0 else "fewer start cold"


def _init_moved(row: Mapping[Any, Any]) -> str | None:
    before, after = row["before_init_p50_ms"], row["after_init_p50_ms"]
    if not (numbers.known(before) and numbers.known(after) and before) or abs(after / before - 1) < TENTH:
        return None
    return "slower to start" if after > before else "faster to start"
