"""What the Savings page says: a sentence, cards, tables; and of a prediction its bands in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pandas as pd

from core.rightsizing import KINDS, Band
from core.rightsizing_memory import Size
from core.whatif import Forecast, WhatIf
from dashboard import numbers
from dashboard.answers import Answer
from dashboard.numbers import plain
from dashboard.widgets import Card
from store.readers.optimizer import Optimizer
from store.readers.rightsizing import Saving
from store.readers.things import Place

SAME_DOLLARS = ("memory", "architecture")
"""Both are a part of the same duration: of one function only the larger saving counts in a sum."""


@dataclass(frozen=True, slots=True)
class Sum:
    """USD a month over proposals: at least, by the middle of each band, and at most."""

    low: Decimal
    middle: Decimal
    high: Decimal


def total(found: Iterable[Saving]) -> Sum:
    """Of proposals that save something; what prevents failures and costs more is left out."""
    alone: dict[tuple[Any, ...], Band] = {}
    for at, one in enumerate(found):
        saves = one.proposal.saves
        if saves is None or saves.middle <= 0:
            continue
        key = (*one.place, *(("duration",) if one.proposal.kind in SAME_DOLLARS else (at,)))
        if key not in alone or alone[key].middle < saves.middle:
            alone[key] = saves
    bands = alone.values()
    return Sum(
        sum((band.low for band in bands), Decimal(0)),
        sum((band.middle for band in bands), Decimal(0)),
        sum((band.high for band in bands), Decimal(0)),
    )


def of(found: Sequence[Saving], verdict: str) -> list[Saving]:
    return [one for one in found if one.proposal.verdict == verdict]


def money(usd: Decimal | float | None) -> str:
    """Inside Markdown, where two dollar signs would be a formula."""
    return numbers.usd(usd).replace("$", "\\$")


def band(saves: Band | None) -> str:
    """`$0.00 to $5.14`, as plain text."""
    if saves is None:
        return numbers.UNKNOWN
    if saves.low == saves.high:
        return numbers.usd(saves.low)
    return f"{numbers.usd(saves.low)} to {numbers.usd(saves.high)}"


def answer(found: Sequence[Saving]) -> Answer:
    changes, unknown = of(found, "change"), of(found, "unknown")
    left = f"{numbers.many(len(unknown), 'question', 'questions')} cannot be answered yet: see below"
    if not found:
        return Answer("not collected", "**No function is known yet.**")
    if not changes:
        text = "**Nothing is known that would cost less set up differently.**"
        return Answer("info" if unknown else "healthy", text, left if unknown else "")
    whole, first = total(changes), changes[0]
    if whole.high <= 0:
        text = f"**{numbers.many(len(changes), 'change is', 'changes are')} proposed, none for its price.**"
        return Answer("info", text, left if unknown else "")
    by = numbers.many(len(changes), "change", "changes")
    text = f"**{_escaped(Band(whole.low, whole.high))} a month could be saved** by {by}."
    most = f"most: {plain(first.function)}, {plain(first.proposal.says)}, {_escaped(first.proposal.saves)}"
    return Answer("info", text, f"{most} · {left}" if unknown else most)


def _escaped(saves: Band | None) -> str:
    return band(saves).replace("$", "\\$")


def cards(found: Sequence[Saving]) -> list[Card]:
    changes, unknown = of(found, "change"), of(found, "unknown")
    whole, stake = total(changes), total(unknown)
    alone = (
        "Each proposal is worked out alone, at list price; of memory and architecture of one function only "
        "the larger counts here."
    )
    return [
        Card(label="Saved at least", value=numbers.usd(whole.low), help=f"A month, all accepted. {alone}"),
        Card(label="Saved at most", value=numbers.usd(whole.high), help=f"A month, all accepted. {alone}"),
        Card(
            label="Proposals",
            value=numbers.count(len(changes)),
            help="Changes that save money or prevent failures, by what recorded invocations tell.",
            delta=f"{len({one.place for one in changes}):,} functions",
            arrow="off",
        ),
        Card(
            label="Not known",
            value=numbers.count(len(unknown)),
            help="What cannot be said, with what is missing; at stake is the most that it could be.",
            delta=f"{numbers.usd(stake.high)} at stake",
            arrow="off",
        ),
    ]


def table(found: Sequence[Saving]) -> pd.DataFrame:
    """account, region, function, kind, what, says, low_usd, high_usd (floats; NaN: not known), risk,
    evidence, missing: in the order of `found`."""
    rows = [
        [
            *one.place, one.proposal.kind, KINDS[one.proposal.kind], one.proposal.says,
            *_ends(one.proposal.saves), one.proposal.risk, "; ".join(one.proposal.evidence),
            one.proposal.missing,
        ]
        for one in found
    ]  # fmt: skip
    columns = [
        *("account", "region", "function", "kind", "what", "says", "low_usd", "high_usd"),
        *("risk", "evidence", "missing"),
    ]
    return pd.DataFrame(rows, columns=pd.Index(columns)).astype({"low_usd": float, "high_usd": float})


def _ends(saves: Band | None) -> tuple[float, float]:
    return (float("nan"), float("nan")) if saves is None else (float(saves.low), float(saves.high))


def export(found: Sequence[Saving]) -> pd.DataFrame:
    """What the file holds: exact amounts, evidence, and the change as AWS CLI and Terraform."""
    rows = []
    for one in found:
        proposal, saves = one.proposal, one.proposal.saves
        change = proposal.change
        rows.append(
            {
                **dict(zip(("account", "region", "function"), one.place, strict=True)),
                "kind": proposal.kind,
                "verdict": proposal.verdict,
                "change": proposal.says,
                "saves_low_usd": saves.low if saves else None,
                "saves_likely_usd": saves.likely if saves else None,
                "saves_high_usd": saves.high if saves else None,
                "risk": proposal.risk,
                "missing": proposal.missing,
                "evidence": "; ".join(proposal.evidence),
                "cli": "\n".join(change.cli) if change else "",
                "terraform": change.terraform if change else "",
            }
        )
    return pd.DataFrame(rows)


def chosen(found: Sequence[Saving], place: Place | None, kind: str | None) -> Saving | None:
    """What the address names, else the first; None: it names what is not there."""
    if place is None:
        return found[0] if found else None
    mine = [one for one in found if one.place == place]
    return next((one for one in mine if kind in (None, one.proposal.kind)), None)


def curve(sizes: Sequence[Size]) -> pd.DataFrame:
    """memory_mb, low_usd, high_usd, likely_usd (NaN: only the ends are known), slower_low, slower_high, fits
    (whether what was used at most has headroom)."""
    rows = [
        [
            size.memory_mb, float(size.usd.low), float(size.usd.high),
            float("nan") if size.usd.likely is None else float(size.usd.likely),
            size.slower.low, size.slower.high, "fits" if size.fits_memory else "too small",
        ]
        for size in sizes
    ]  # fmt: skip
    names = ["memory_mb", "low_usd", "high_usd", "likely_usd", "slower_low", "slower_high", "fits"]
    return pd.DataFrame(rows, columns=pd.Index(names))


def beside(one: Saving, found: Mapping[Place, Optimizer]) -> str:
    """What Compute Optimizer says to a proposal on memory; "" to others."""
    told = found.get(one.place) if one.proposal.kind == "memory" else None
    return optimizer_words(told) if told else ""


def optimizer_words(found: Optimizer) -> str:
    """Compute Optimizer's finding in a line, beside ours."""
    told = [found.says]
    if found.recommended_mb is not None:
        told.append(f"{found.recommended_mb:,} MB")
    if found.saves_usd_month is not None:
        told.append(f"saves {numbers.usd(found.saves_usd_month)} a month by its count")
    return ", ".join(told)


# --- what if ------------------------------------------------------------------------------------------------


def predicted(found: WhatIf) -> Answer:
    saves = found.saves_usd
    if found.then.setup == found.now.setup:
        return Answer("info", "**Choose what to change**: what it is now is replayed beside it.")
    if saves is None:
        return Answer("not collected", "**What it would cost is not known**: a price is not known here.")
    low, high = saves
    if low >= 0:
        text = f"**It would save {money(low)} to {money(high)} a month**"
    elif high <= 0:
        text = f"**It would cost {money(-high)} to {money(-low)} more a month**"
    else:
        text = f"**Between {money(-low)} more and {money(high)} less a month**"
    return Answer("info", f"{text}, p95 {_range(found.then, 'p95_ms')}.")


def _range(one: Forecast, name: str) -> str:
    write = {"p95_ms": numbers.ms, "usd": numbers.usd, "cold_start_rate": numbers.percent}[name]
    ends = [getattr(end, name) for end in (one.low, one.high)]
    if any(end is None for end in ends):
        return numbers.UNKNOWN
    words = [write(end) for end in sorted(ends)]
    return words[0] if words[0] == words[1] else f"{words[0]} to {words[1]}"


def prediction(found: WhatIf) -> pd.DataFrame:
    """about, now, then (as words, with their bands)."""
    rows = [
        ("Cost a month", "usd"),
        ("Duration p95", "p95_ms"),
        ("Cold starts", "cold_start_rate"),
    ]
    told = [[word, _range(found.now, name), _range(found.then, name)] for word, name in rows]
    ended = found.then.high.ended
    told.append(["Would time out", "0", f"up to {ended:,}" if ended else "0"])
    return pd.DataFrame(told, columns=pd.Index(["about", "now", "then"]))
