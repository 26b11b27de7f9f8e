"""What logs cost beside the functions that write them, and how long they are kept."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from dashboard import numbers
from dashboard.numbers import plain

PLACE = ["account", "region", "function"]
INGEST, STORAGE = "logs_usd", "log storage_usd"
NEVER, UNKNOWN_GROUP = "never expires", "not known: its log group is not listed"


def table(costs: pd.DataFrame, groups: pd.DataFrame) -> pd.DataFrame:
    """account, region, function, logs_usd, ingest_usd, storage_usd (floats; NaN: not known), rest_usd (what
    else the function costs), of_rest (logs / rest), kept, stored_bytes, group, log_class, note: dearest logs
    first. From the frames of `costs` by function and `function_log_groups`."""
    both = costs.merge(groups, on=PLACE)
    states = both["state"].fillna("").astype(str)
    shared = both["writers"] > 1
    ingest = _known(both[INGEST], states.str.contains(r"\blogs: ") | shared)
    storage = _known(both[STORAGE], states.str.contains(r"\blog storage: ") | shared | ~both["is_known"])
    rest = (both["cost_usd"] - both[INGEST] - both[STORAGE]).astype("float64")
    logs = ingest.fillna(0.0) + storage.fillna(0.0)
    shown = both[PLACE].assign(
        logs_usd=logs.where(ingest.notna() | storage.notna()),
        ingest_usd=ingest,
        storage_usd=storage,
        rest_usd=rest,
        of_rest=logs.where(ingest.notna()) / rest.where(rest > 0),
        kept=[
            _kept(known, days) for known, days in zip(both["is_known"], both["retention_days"], strict=True)
        ],
        stored_bytes=both["stored_bytes"],
        group=both["group"],
        log_class=both["log_class"],
        note=[_note(*row) for row in zip(both["writers"], ingest, storage, strict=True)],
    )
    return shown.sort_values(["logs_usd", *PLACE], ascending=[False, True, True, True], na_position="last")


def _known(usd: pd.Series[Any], is_unknown: pd.Series[bool]) -> pd.Series[float]:
    return usd.astype("float64").where(~is_unknown, np.nan)


def _note(writers: float, ingest: float, storage: float) -> str:
    """Why a part of what its log costs is not there."""
    if writers > 1:
        return f"{writers:,.0f} functions write to it: nobody's alone"
    lacking = [word for word, usd in (("ingestion", ingest), ("storage", storage)) if usd != usd]
    return f"without {' and '.join(lacking)}: not known" if lacking else ""


def _kept(is_known: bool, days: float) -> str:
    if not is_known:
        return UNKNOWN_GROUP
    return NEVER if days != days else f"{days:,.0f} {'day' if days == 1 else 'days'}"


def sentence(shown: pd.DataFrame) -> str:
    """What logs cost in all, how many cost more than their function, and how many are kept for ever."""
    known = shown[shown["logs_usd"].notna()]
    if known.empty:
        return "What logs cost is not known of any function in this window."
    logs, rest = known["logs_usd"].sum(), known["rest_usd"].sum()
    share = numbers.percent(float(logs / rest) if rest else None)
    more, never = int((known["of_rest"] > 1).sum()), int((shown["kept"] == NEVER).sum())
    text = f"**{plain(numbers.usd(logs))} for logs**, {share} of what the functions cost besides"
    text += f"; {more:,} cost more for their logs than for all else" if more else ""
    text += f"; {never:,} never expire" if never else "; all expire"
    lacking = len(shown) - len(known)
    return text + (f"; of {lacking:,} it is not known." if lacking else ".")
