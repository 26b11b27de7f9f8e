"""Environments that Lambda started ahead of a request or for none, as the Cold starts page tells of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

import pandas as pd

from core.environments import AHEAD, UNUSED_AFTER, Use
from core.prices import Prices, cost
from dashboard import numbers
from store.readers.environments import Environments

PROACTIVE, UNUSED = "Proactive", "Unused"
NOT_READ = "not collected: no first line of an environment was read"


@dataclass(frozen=True)
class Ahead:
    """One window. `begun` environments began on demand and have a first line; of `is_open` of them it is not
    known yet what became of them. `usd` is what proactive ones were billed to initialize (None: not known).
    The other names are as in `Environments`."""

    begun: int
    proactive: int
    unused: int
    is_open: int
    functions: tuple[int, int]
    init_p50_ms: float
    init_p95_ms: float
    usd: Decimal | None
    prepared: int
    startless: int
    is_known: bool


def ahead(found: Environments, prices: Callable[[str, str], Prices]) -> Ahead:
    frame = found.frame
    proactive, unused = (frame[frame["use"] == use] for use in (Use.PROACTIVE, Use.UNUSED))
    return Ahead(
        begun=len(frame),
        proactive=len(proactive),
        unused=len(unused),
        is_open=int((frame["use"] == Use.NOT_KNOWN).sum()),
        functions=(_functions(proactive), _functions(unused)),
        init_p50_ms=float(proactive["init_ms"].quantile(0.5)),
        init_p95_ms=float(proactive["init_ms"].quantile(0.95)),
        usd=_usd(proactive, prices),
        prepared=found.prepared,
        startless=found.startless,
        is_known=found.is_known,
    )


def _functions(environments: pd.DataFrame) -> int:
    return len(environments[["account", "region", "function"]].drop_duplicates())


def _usd(environments: pd.DataFrame, prices: Callable[[str, str], Prices]) -> Decimal | None:
    """None when the billed time of one of them, or a price, is not known."""
    spent = Decimal()
    by_price = environments.groupby(["region", "architecture"], dropna=False)["init_gb_s"]
    for (region, architecture), gb_s in by_price:
        price = prices(str(region), str(architecture)).duration
        usd = cost(float(gb_s.sum()) if gb_s.notna().all() else None, price)
        if usd is None:
            return None
        spent += usd
    return spent


def rows(told: Ahead) -> pd.DataFrame:
    """Two rows of the table of ways to start; all but the words are unknown where no first line was read."""
    if not told.is_known:
        return pd.DataFrame({"group": [PROACTIVE, UNUSED], "data": [NOT_READ] * 2})
    usd = math.nan if told.usd is None or not told.proactive else float(told.usd)
    return pd.DataFrame(
        {
            "group": [PROACTIVE, UNUSED],
            "functions": [float(count) for count in told.functions],
            "cold_starts": [float(told.proactive), 0.0],
            "nobody_waited": [float(told.proactive), float(told.unused)],
            "init_p50_ms": [told.init_p50_ms, math.nan],
            "init_p95_ms": [told.init_p95_ms, math.nan],
            "waited_s": 0.0,
            "wait_share": 0.0,
            "init_cost_usd": [usd, math.nan],
            "data": f"of {numbers.count(told.begun)} whose first line was read",
        }
    )


def sentences(told: Ahead) -> str:
    """What proactive and unused environments are, what they are counted among, and what is not known."""
    if not told.is_known:
        return (
            "Which environments Lambda started ahead of a request (proactive), and which never got one "
            "(unused), is told by the first lines of their logs. None was read of this window, so how many "
            "there were is not known: sums of logs have none, nor has what was collected before they were "
            "read."
        )
    return " ".join(
        [
            f"Proactive: ready {numbers.age(AHEAD)} or longer before the first invocation. Unused: without "
            f"one for {numbers.age(UNUSED_AFTER)} or longer.",
            *_counted_among(told),
            *_open(told),
        ]
    )


def _counted_among(told: Ahead) -> list[str]:
    said = []
    if told.proactive:
        said.append(
            "AWS reports proactive ones as any other start, so they are among cold starts, their rate and "
            "init cost; but nobody waited for them: what callers waited is without them."
        )
    if told.unused:
        said.append("What unused ones were billed is not known: only reports tell that, and they have none.")
    return said


def _open(told: Ahead) -> list[str]:
    told_of = (
        (told.is_open, "began too recently, or before a gap, to be judged"),
        (told.prepared, "left out: provisioned, restored, or a log in text that does not tell"),
        (
            told.startless,
            "cold starts of environments whose first line was not read, as images may write none",
        ),
    )
    parts = [f"{numbers.count(count)} {words}" for count, words in told_of if count]
    return [f"Besides: {'; '.join(parts)}."] if parts else []
