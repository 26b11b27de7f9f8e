"""The memory a function should have: what it used at most, how long it takes, and what each size costs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from core.cpu_model import Ratio, ends, fits, slowdown
from core.prices import Prices, cost, gb_seconds
from core.rightsizing import (
    LEAST_USD,
    AtSize,
    Band,
    Observed,
    PriceOf,
    Proposal,
    joined,
    keep,
    lacking,
    seen_in,
    short_of_a_week,
    unknown,
)
from core.rightsizing_changes import memory_change

KIND = "memory"
SIZES_MB = (
    *(128, 192, 256, 320, 384, 512, 640, 768, 896, 1024, 1280, 1536, 1769, 2048, 2560, 3008, 3584, 4096),
    *(5120, 6144, 7168, 8192, 9216, 10_240),
)
"""Sizes that are looked at; Lambda takes any whole number of MB between the first and the last."""

HEADROOM = 1.25
"""Memory over what was used at most, at least."""

MOST_SLOWER, MOST_SLOWER_BLIND = 1.5, 2.0
"""How much longer an invocation may take: as fitted, and at worst where nothing was fitted. To halve memory
is the largest step then; afterwards there are two sizes to fit."""

TIMEOUT_SHARE = 0.8
"""The longest invocations, slowed down at worst, stay below so much of the timeout."""

GROWING_HEAPS = ("java", "nodejs", "dotnet")


@dataclass(frozen=True, slots=True)
class Size:
    """What a month would cost at a size (duration and initialization), and how much longer things take."""

    memory_mb: float
    slower: Ratio
    usd: Band
    fits_memory: bool


def month_usd(one: Observed, at: AtSize, price: Prices, memory_mb: float, slower: float) -> Decimal | None:
    """Duration of a month at a size where everything takes `slower` times as long."""
    share = one.a_month / at.records * slower
    on_demand = gb_seconds((at.billed_ms - at.provisioned_ms) * share, memory_mb)
    provisioned = gb_seconds(at.provisioned_ms * share, memory_mb)
    parts = cost(on_demand, price.duration), cost(provisioned, price.provisioned_duration)
    return None if parts[0] is None or parts[1] is None else parts[0] + parts[1]


def curve(one: Observed, price_of: PriceOf) -> list[Size]:
    """A month's duration at every size, the present one included; empty where too little is known."""
    at = one.current
    if at is None or lacking(one) or one.memory_mb is None:
        return []
    price, seen = price_of(one.architecture), [size.warm for size in one.sizes]
    sizes = sorted({*map(float, SIZES_MB), one.memory_mb})
    found = []
    for memory_mb in sizes:
        slower = slowdown(seen, one.memory_mb, memory_mb)
        usd = [month_usd(one, at, price, memory_mb, r) for r in (slower.low, slower.high)]
        likely = None if slower.likely is None else month_usd(one, at, price, memory_mb, slower.likely)
        if usd[0] is None or usd[1] is None:
            return []
        found.append(Size(memory_mb, slower, Band(usd[0], usd[1], likely), _fits(one, memory_mb)))
    return found


def _fits(one: Observed, memory_mb: float) -> bool:
    """Whether what was used at most has headroom at a size."""
    used = used_mb(one)
    return used is not None and used * HEADROOM <= memory_mb


def used_mb(one: Observed) -> float | None:
    """The most that any environment used, at any size."""
    return max((at.used_max_mb for at in one.sizes if at.used_max_mb is not None), default=None)


def memory(one: Observed, price_of: PriceOf) -> Proposal:
    """Less where it is not used and slowness is bearable; more where invocations ran out of it."""
    if one.is_managed:
        return keep(KIND, "Managed Instances are paid by the instance")
    at = one.current
    if at is not None and at.out_of_memory:
        return _more(one, at, price_of)
    if missing := lacking(one):
        return unknown(KIND, missing)
    if used_mb(one) is None:
        return unknown(KIND, "Max Memory Used: its reports do not tell it (JSON logs: system level INFO)")
    sizes = curve(one, price_of)
    if not sizes or at is None:
        return unknown(KIND, f"the price of {one.architecture} duration in {one.region}")
    if at.timeouts:
        return keep(KIND, f"{at.timeouts:,.0f} invocations timed out: less memory would slow it further")
    chosen = max(_smaller(one, at, sizes), key=lambda size: _saved(one, sizes, size).middle, default=None)
    if chosen is None:
        return keep(KIND, f"{_used_words(one)} of {one.memory_mb:,.0f} MB: no smaller size is safe")
    saves = _saved(one, sizes, chosen)
    if saves.high < LEAST_USD:
        return keep(KIND, f"{chosen.memory_mb:,.0f} MB would save less than a cent a month")
    return Proposal(
        kind=KIND,
        verdict="change",
        says=f"{one.memory_mb:,.0f} MB to {chosen.memory_mb:,.0f} MB",
        saves=saves,
        risk=_risk(one, chosen),
        evidence=_evidence(one, at, chosen),
        now=one.memory_mb,
        then=chosen.memory_mb,
        change=memory_change(one, int(chosen.memory_mb)),
    )


def _smaller(one: Observed, at: AtSize, sizes: list[Size]) -> Iterator[Size]:
    limit_ms = TIMEOUT_SHARE * (one.timeout_s or math.inf) * 1000
    for size in sizes:
        is_smaller = one.memory_mb is not None and size.memory_mb < one.memory_mb
        if not is_smaller or not size.fits_memory or at.p999_ms * size.slower.high > limit_ms:
            continue
        likely = size.slower.likely
        if likely is not None and likely <= MOST_SLOWER:
            yield size
        if likely is None and size.slower.high <= MOST_SLOWER_BLIND:
            yield size


def _saved(one: Observed, sizes: list[Size], chosen: Size) -> Band:
    now = next(size.usd.low for size in sizes if size.memory_mb == one.memory_mb)
    likely = None if chosen.usd.likely is None else now - chosen.usd.likely
    return Band(max(Decimal(0), now - chosen.usd.high), now - chosen.usd.low, likely)


def _more(one: Observed, at: AtSize, price_of: PriceOf) -> Proposal:
    """What ran out of memory needs more of it, whatever that costs."""
    wanted = next((mb for mb in SIZES_MB if mb >= 1.5 * at.memory_mb), None)
    if wanted is None:
        return keep(KIND, f"it runs out of {at.memory_mb:,.0f} MB, and there is hardly more")
    price, ratio = price_of(one.architecture), ends(at.memory_mb, wanted)
    now = month_usd(one, at, price, at.memory_mb, 1.0)
    then = [month_usd(one, at, price, wanted, r) for r in (ratio.low, ratio.high)]
    known = now is not None and then[0] is not None and then[1] is not None and one.seen
    saves = Band((now or 0) - (then[1] or 0), (now or 0) - (then[0] or 0)) if known else None  # type: ignore[arg-type]
    return Proposal(
        kind=KIND,
        verdict="change",
        says=f"{at.memory_mb:,.0f} MB to {wanted:,.0f} MB: it runs out of memory",
        saves=saves,
        risk="what it needs was never seen: Lambda ended it at its limit",
        evidence=(seen_in(one), f"{at.out_of_memory:,.0f} ended for their memory"),
        now=at.memory_mb,
        then=float(wanted),
        change=memory_change(one, wanted),
    )


def _risk(one: Observed, chosen: Size) -> str:
    slower = chosen.slower
    if slower.likely is not None:
        told = f"{slower.likely - 1:.0%} slower ({slower.low - 1:.0%} to {slower.high - 1:.0%}), fitted"
    else:
        told = f"up to {slower.high:.2g} times as slow if all of it is processor time: no other size was seen"
    heap = "its heap may have grown into the memory it had" if _has_growing_heap(one) else ""
    return joined(told, heap, short_of_a_week(one))


def _has_growing_heap(one: Observed) -> bool:
    return (one.runtime or "").startswith(GROWING_HEAPS)


def _used_words(one: Observed) -> str:
    used = used_mb(one)
    return "what it used is not known" if used is None else f"it used up to {used:,.0f} MB"


def _evidence(one: Observed, at: AtSize, chosen: Size) -> tuple[str, ...]:
    told = [
        seen_in(one),
        f"{_used_words(one)} ({HEADROOM - 1:.0%} headroom kept), none ran out of memory or time",
        f"p95 {at.p95_ms:,.0f} ms, p99.9 {at.p999_ms:,.0f} ms of a timeout of {(one.timeout_s or 0):,.0f} s",
    ]
    for fit in fits([size.warm for size in one.sizes])[:1]:
        sizes = ", ".join(f"{mb:,.0f}" for mb in fit.sizes)
        told.append(f"{fit.share(at.memory_mb):.0%} of its time is processor time, fitted at {sizes} MB")
    return tuple(told)
