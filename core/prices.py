"""What Lambda costs: prices per region and the arithmetic, in exact decimals. An unknown price is None, never
a guess."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import Any

FREE_EPHEMERAL_MB = 512
GIB = 1024**3

GRAIN_USD = Decimal("1e-15")
"""Money is kept to this grain: fine enough for a millisecond of the smallest function, coarse enough that
sums of parts equal the whole to the last digit in Decimal's default precision."""


@dataclass(frozen=True, slots=True)
class Prices:
    """USD of one region and architecture: the first tier, free tier not subtracted.

    `request` and `log_ingest` are per request and per GiB, the others per GB-second (GB = 1,024 MB).
    """

    request: Decimal | None = None
    duration: Decimal | None = None
    provisioned_capacity: Decimal | None = None
    provisioned_duration: Decimal | None = None
    ephemeral: Decimal | None = None
    log_ingest: Decimal | None = None


UNKNOWN = Prices()


@cache
def _table() -> dict[str, Any]:
    text = resources.files("core").joinpath("data/prices.json").read_text("utf-8")
    table: dict[str, Any] = json.loads(text)
    return table


def as_of() -> str:
    """The day the prices were looked up, ISO 8601."""
    return str(_table()["as_of"])


def regions() -> tuple[str, ...]:
    return tuple(_table()["regions"])


@cache
def prices(region: str, architecture: str) -> Prices:
    """Prices of `architecture` (x86_64, arm64) in `region`; all None for a place we know nothing of."""
    row = _table()["regions"].get(region)
    if row is None:
        return UNKNOWN
    compute = row.get(architecture, {})
    return Prices(
        request=_decimal(row["request"]),
        duration=_decimal(compute.get("duration")),
        provisioned_capacity=_decimal(compute.get("provisioned_capacity")),
        provisioned_duration=_decimal(compute.get("provisioned_duration")),
        ephemeral=_decimal(row["ephemeral"]),
        log_ingest=_decimal(row["log_ingest"]),
    )


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def cost(quantity: Decimal | float | None, price: Decimal | None) -> Decimal | None:
    """`quantity * price` in USD, to `GRAIN_USD`; None when unknown. Nothing costs nothing, whatever the
    price."""
    if quantity is None:
        return None
    exact = _exact(quantity)
    if exact == 0:
        return Decimal(0)
    return None if price is None else (exact * price).quantize(GRAIN_USD)


def _exact(number: Decimal | float) -> Decimal:
    """The decimal a float was written as (0.1 is 0.1)."""
    return number if isinstance(number, Decimal) else Decimal(str(float(number)))


def gb_seconds(milliseconds: float, memory_mb: float) -> Decimal:
    """Billed milliseconds at a memory size as GB-seconds, exactly."""
    return _exact(milliseconds) * _exact(memory_mb) / (1000 * 1024)


def ephemeral_gb_seconds(milliseconds: float, ephemeral_mb: float | None) -> Decimal:
    """Billed milliseconds of /tmp beyond the free 512 MB as GB-seconds; the default size is the free one."""
    return gb_seconds(milliseconds, max(0, (ephemeral_mb or FREE_EPHEMERAL_MB) - FREE_EPHEMERAL_MB))
