"""Architecture, timeout and ephemeral storage of a function, and versions that nothing names."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from decimal import Decimal

from core.prices import FREE_EPHEMERAL_MB, GIB, cost, ephemeral_gb_seconds, gb_seconds
from core.provisioned import MONTH
from core.rightsizing import (
    LEAST_USD,
    AtSize,
    Band,
    Observed,
    OldVersion,
    PriceOf,
    Proposal,
    joined,
    keep,
    lacking,
    seen_in,
    short_of_a_week,
    unknown,
    words,
)
from core.rightsizing_changes import (
    architecture_change,
    ephemeral_change,
    timeout_change,
    versions_change,
)
from core.rightsizing_memory import month_usd

ARM, X86 = "arm64", "x86_64"

_ARM_FROM: dict[str, tuple[int, int]] = {
    "python": (3, 8),
    "nodejs": (12, 0),
    "java": (8, 0),
    "dotnet": (6, 0),
    "ruby": (2, 7),
}
_ARM_TOO = {"java8.al2", "dotnetcore3.1", "provided.al2", "provided.al2023"}
_X86_ONLY = {"java8"}
"""Source: https://docs.aws.amazon.com/lambda/latest/dg/foundation-arch.html and lambda-runtimes.html."""

ARM_DIFFERS = 0.1
"""The same code may take so much longer or shorter there: supposed, not measured."""

LONG_TIMEOUT, SPARE, ROUND_S = 6.0, 3.0, 5
"""A timeout of more than 6 times the longest invocation is long; proposed is 3 times, in steps of 5 s."""

LEAST_LONG_S = 30
SHORT_TIMEOUT = 0.9
"""The longest successful invocations take more of the timeout than this: it is short."""

MOST_TIMEOUT_S = 900
OLD_FROM = 10
"""Fewer versions that nothing names are nothing to speak of."""

MOST_NAMED = 20


def can_run_on_arm(runtime: str | None) -> bool | None:
    """Whether AWS offers a runtime on arm64; None: there is no runtime to tell by (a container image)."""
    if not runtime:
        return None
    if runtime in _ARM_TOO or runtime in _X86_ONLY:
        return runtime in _ARM_TOO
    match = re.fullmatch(r"([a-z]+)(\d+)(?:\.(\d+|x))?", runtime)
    if match is None or match[1] not in _ARM_FROM:
        return False
    minor = int(match[3]) if match[3] and match[3].isdecimal() else 0
    return (int(match[2]), minor) >= _ARM_FROM[match[1]]


def architecture(one: Observed, price_of: PriceOf) -> Proposal:
    """arm64 where it is cheaper and the function can run there."""
    kind = "architecture"
    if one.architecture != X86:
        return keep(kind, f"it runs on {one.architecture}")
    if one.is_edge or one.is_managed:
        return keep(kind, "Lambda@Edge has no arm64" if one.is_edge else "its capacity provider decides")
    can = can_run_on_arm(one.runtime)
    if can is False:
        return keep(kind, f"AWS has no {one.runtime} on arm64")
    saves = _arm_saves(one, price_of)
    if can is None or one.package_type == "Image":
        return unknown(kind, "whether its container image is built for arm64", at_stake=_at_most(saves))
    if missing := lacking(one):
        return unknown(kind, missing)
    if saves is None:
        return unknown(kind, f"the price of arm64 duration in {one.region}")
    if one.layers:
        what = "its layer exists" if one.layers == 1 else f"its {one.layers} layers exist"
        what = f"whether {what} for arm64"
        return unknown(kind, what, at_stake=_at_most(saves))
    if saves.high < LEAST_USD:
        return keep(kind, "arm64 would save less than a cent a month")
    return Proposal(
        kind=kind,
        verdict="change",
        says=f"{X86} to {ARM}",
        saves=saves,
        risk=joined(_arm_risk(one.runtime or ""), short_of_a_week(one)),
        evidence=(seen_in(one), f"{one.runtime}, a ZIP package without layers"),
        change=architecture_change(one),
    )


def _arm_risk(runtime: str) -> str:
    if runtime.startswith("provided"):
        return "the binary must be built anew for arm64; run its tests there"
    native = "native parts of its package must be built for arm64"
    return f"{native}; supposed to take the same time, give or take {ARM_DIFFERS:.0%}"


def _arm_saves(one: Observed, price_of: PriceOf) -> Band | None:
    at = one.current
    if at is None or not one.seen or one.memory_mb is None:
        return None
    now = month_usd(one, at, price_of(X86), one.memory_mb, 1.0)
    ratios = 1 + ARM_DIFFERS, 1.0, 1 - ARM_DIFFERS
    there = [month_usd(one, at, price_of(ARM), one.memory_mb, ratio) for ratio in ratios]
    if now is None or there[0] is None or there[1] is None or there[2] is None:
        return None
    return Band(now - there[0], now - there[2], now - there[1])


def _at_most(saves: Band | None) -> Band | None:
    """What is at stake when it is not known whether a change is possible."""
    return None if saves is None else Band(Decimal(0), max(saves.high, Decimal(0)))


def timeout(one: Observed, price_of: PriceOf) -> Proposal:
    """Against the longest invocations: too short ends work, too long lets a hang cost."""
    kind = "timeout"
    if one.timeout_s is None:
        return unknown(kind, "its timeout: its configuration was not read (lambda:ListFunctions)")
    if missing := lacking(one):
        return unknown(kind, missing)
    at = max(one.sizes, key=lambda size: size.max_ms)
    timeouts = sum(size.timeouts for size in one.sizes)
    if timeouts or at.max_ms > SHORT_TIMEOUT * one.timeout_s * 1000:
        return _longer(one, at, timeouts)
    if one.timeout_s < LEAST_LONG_S or at.max_ms * LONG_TIMEOUT > one.timeout_s * 1000:
        return keep(kind, f"{one.timeout_s:,.0f} s: the longest took {at.max_ms / 1000:,.1f} s")
    wanted = max(ROUND_S, math.ceil(at.max_ms * SPARE / 1000 / ROUND_S) * ROUND_S)
    hang = _hang_usd(one, one.timeout_s - wanted, price_of)
    told = "" if hang is None else f": each call that hangs would be charged ${hang:,.6f} less"
    return Proposal(
        kind=kind,
        verdict="change",
        says=f"{one.timeout_s:,.0f} s to {wanted:,.0f} s{told}",
        risk=joined("rare long work that was not seen would be ended", short_of_a_week(one)),
        evidence=(seen_in(one), _longest(one), "none timed out, so no dollars are claimed"),
        now=one.timeout_s,
        then=float(wanted),
        change=timeout_change(one, wanted),
    )


def _longest(one: Observed) -> str:
    at = max(one.sizes, key=lambda size: size.max_ms)
    return f"p99.9 {at.p999_ms / 1000:,.2f} s, longest {at.max_ms / 1000:,.2f} s"


def _longer(one: Observed, at: AtSize, timeouts: float) -> Proposal:
    """How long what was ended would have run was never seen: no dollars."""
    limit_s = one.timeout_s or 0.0
    wanted = min(MOST_TIMEOUT_S, math.ceil(limit_s * 2 / ROUND_S) * ROUND_S)
    if wanted <= limit_s:
        return keep("timeout", "it needs the longest that Lambda gives: split the work")
    ended = f"{timeouts:,.0f} invocations were ended at {limit_s:,.0f} s"
    near = f"the longest took {at.max_ms / 1000:,.1f} s of {limit_s:,.0f} s"
    return Proposal(
        kind="timeout",
        verdict="change",
        says=f"{limit_s:,.0f} s to {wanted:,.0f} s, or find what it waits for",
        risk="if it hangs, each hang costs twice as much; queues: visibility timeout of 6 times this one",
        evidence=(seen_in(one), ended if timeouts else near),
        now=limit_s,
        then=float(wanted),
        change=timeout_change(one, wanted),
    )


def _hang_usd(one: Observed, seconds: float, price_of: PriceOf) -> Decimal | None:
    price = price_of(one.architecture).duration
    memory_mb = one.memory_mb or 0.0
    return cost(Decimal(str(seconds * memory_mb / 1024)), price)


def ephemeral(one: Observed, price_of: PriceOf) -> Proposal:
    """What is held in /tmp is not told by Lambda: only what it costs is known."""
    kind = "ephemeral"
    if one.ephemeral_mb is None:
        return unknown(kind, "its size of /tmp: its configuration was not read")
    if one.ephemeral_mb <= FREE_EPHEMERAL_MB:
        return keep(kind, f"{FREE_EPHEMERAL_MB} MB are free")
    if missing := lacking(one):
        return unknown(kind, missing)
    billed_ms = sum(at.billed_ms for at in one.sizes) * (MONTH / one.seen)
    usd = cost(ephemeral_gb_seconds(billed_ms, one.ephemeral_mb), price_of(one.architecture).ephemeral)
    if usd is None:
        return unknown(kind, f"the price of ephemeral storage in {one.region}")
    change = ephemeral_change(one, FREE_EPHEMERAL_MB)
    return Proposal(
        kind=kind,
        verdict="unknown",
        says=f"{one.ephemeral_mb:,.0f} MB to {FREE_EPHEMERAL_MB} MB, if that is enough",
        saves=Band(Decimal(0), usd),
        missing="how much of /tmp it uses: Lambda Insights reports it (tmp_used), or let it log it",
        evidence=(seen_in(one),),
        now=one.ephemeral_mb,
        then=float(FREE_EPHEMERAL_MB),
        change=change,
    )


def old_versions(one: Observed, snapshot_price: Decimal | None) -> Proposal:
    """Code that is stored costs nothing and counts against the account's storage; a snapshot that SnapStart
    keeps of a version costs by the second (`snapshot_price`: of a GB-second; None: not known)."""
    kind, old = "old-versions", one.old_versions
    cached = [version for version in old if version.is_cached]
    if len(old) < OLD_FROM and not cached:
        return keep(kind, f"{len(old)} versions that nothing names")
    size = [version.bytes for version in old if version.bytes is not None]
    stored = f"{sum(size) / GIB:,.2f} GB of code" if size else "code of a size that is not known"
    share = "" if one.code_share is None else f", {one.code_share:.1%} of the region's storage limit"
    if cached and snapshot_price is None:
        return unknown(kind, f"the price of SnapStart's cache in {one.region}")
    names = [version.version for version in (cached or old)][:MOST_NAMED]
    alike = sum(version.is_duplicate for version in old)
    return Proposal(
        kind=kind,
        verdict="change",
        says=f"Delete {len(cached or old):,} versions that nothing names: {stored}{share}",
        saves=_snapshots(cached, snapshot_price),
        risk="a caller that names the version itself is not seen from here; deleting cannot be undone",
        evidence=(
            f"{len(old):,} versions without alias, trigger or provisioned concurrency in {words(one.window)}",
            f"{len(cached):,} of them are kept as snapshots" if cached else "stored code is free of charge",
            *([f"{alike:,} of them hold the code of another version"] if alike else []),
        ),
        change=versions_change(one, names),
    )


def _snapshots(cached: Sequence[OldVersion], price: Decimal | None) -> Band | None:
    """Stored code is free: no dollars without snapshots."""
    sizes = [version.memory_mb for version in cached if version.memory_mb is not None]
    if not cached or len(sizes) < len(cached):
        return None
    usd = cost(gb_seconds(sum(sizes) * MONTH.total_seconds() * 1000, 1), price)
    return None if usd is None else Band(usd, usd, usd)
