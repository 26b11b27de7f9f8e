"""Provisioned concurrency that serves nobody: on what does not exist, or on a version that nothing names; and
what holding it costs."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from decimal import Decimal

from core.entities import Alias, Provisioned
from core.prices import cost, gb_seconds

LATEST = "$LATEST"
MONTH = timedelta(days=30)


def orphaned(
    pool: Provisioned,
    *,
    versions: Collection[str],
    aliases: Collection[Alias],
    named: Collection[str] = (),
) -> str | None:
    """Why nobody is served by `pool`, None when somebody may be.

    `versions` are the function's published numbers, `aliases` its aliases, `named` the qualifiers that event
    source mappings and triggers invoke. A caller that names the version itself is not seen from here.
    """
    own = [alias for alias in aliases if alias.function == pool.function]
    if not pool.qualifier.isdecimal():
        known = any(alias.alias == pool.qualifier for alias in own)
        return None if known or pool.qualifier == LATEST else f"alias {pool.qualifier} does not exist"
    if pool.qualifier not in versions:
        return f"version {pool.qualifier} does not exist"
    reached = any(alias.version == pool.qualifier or alias.weights.get(pool.qualifier) for alias in own)
    if reached or pool.qualifier in named:
        return None
    return f"no alias or trigger reaches version {pool.qualifier}"


def month_usd(held: float | None, memory_mb: float | None, price: Decimal | None) -> Decimal | None:
    """What holding so many environments ready costs in `MONTH`, used or not. `price` is per GB-second of
    capacity (`core.prices.Prices.provisioned_capacity`). None: one of them is not known."""
    if held is None or memory_mb is None:
        return None
    return cost(gb_seconds(held * MONTH / timedelta(milliseconds=1), memory_mb), price)
